"""Make .venv from the hash-pinned lock and compile the catalogues; does nothing when nothing changed."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "portal-setup.stamp"
LOCK = ROOT / "requirements.lock"
BOOTSTRAP = ROOT / "tools" / "bootstrap"
TRANSLATIONS = ROOT / "translations"
STATIC = ROOT / "static"


class SetupFailed(Exception):
    """The machine cannot be set up; the text says why and what mends it."""


def main() -> int:
    """Bring the checkout into working order."""
    if sys.version_info < (3, 11):
        print(
            f"Python 3.11 or newer is needed and {sys.executable} is older.\n"
            "Name a newer one: make PYTHON=python3.11 setup",
            file=sys.stderr,
        )
        return 1
    try:
        with one_at_a_time():
            install_packages()
            compile_catalogues()
            compress_static_files()
    except SetupFailed as failure:
        print(f"setup: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nsetup: interrupted; the next run starts afresh", file=sys.stderr)
        return 130
    return 0


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two commands started at once must not both build the same folder."""
    (ROOT / "var").mkdir(exist_ok=True)
    with (ROOT / "var" / "setup.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def install_packages() -> None:
    """Install what the lock names, unless the stamp says that it is there."""
    foundation, pins = foundation_mark(), pins_mark()
    found = STAMP.read_text().split() if STAMP.exists() and (VENV / "bin" / "python").exists() else []
    if found == [foundation, pins]:
        return
    started = time.monotonic()
    if found[:1] != [foundation]:
        create_environment()
    STAMP.unlink(missing_ok=True)  # an interrupted installation must not look like a finished one
    install_lock()
    say("installing the portal itself")
    run_pip("--quiet", "install", "--no-build-isolation", "--no-deps", "--editable", str(ROOT))
    STAMP.write_text(f"{foundation}\n{pins}\n")
    say(f"ready after {time.monotonic() - started:.0f} s")


def foundation_mark() -> str:
    """What an environment is built on: where this changes, it is built anew."""
    return hashlib.sha256(f"{sys.version}\0{ROOT}".encode()).hexdigest()


def pins_mark() -> str:
    """What is installed in it: where this changes, the environment is brought up to date."""
    return hashlib.sha256(LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()


def create_environment() -> None:
    """Make an empty environment; pip comes from the wheel beside this file, as a bare Debian has none."""
    if VENV.exists():
        say("removing the .venv that is here: unfinished, or made by another Python")
        shutil.rmtree(VENV)
    say(f"creating .venv with Python {sys.version.split()[0]}")
    python = Path(sys.executable).resolve()  # not the .venv's own name for it, which has just been removed
    command = [str(python), "-m", "venv", "--without-pip", str(VENV)]
    if subprocess.run(command, check=False).returncode != 0:
        raise SetupFailed("python -m venv does not work here; on Debian: apt-get install python3-venv")


def install_lock() -> None:
    """Install the pinned packages, with a line for every few of them."""
    total = sum("==" in line for line in LOCK.read_text().splitlines())
    say(f"installing {total} packages")
    seen = 0
    output: list[str] = []
    command = pip_command("install", "--require-hashes", "--no-compile", "--progress-bar=off", "-r", str(LOCK))
    with subprocess.Popen(
        command, env=pip_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            output.append(line)
            seen += line.startswith("Collecting ")
            if line.startswith("Collecting ") and seen % 15 == 0:
                say(f"  {seen} of {total} fetched")
            if line.startswith("Installing collected"):
                say("  unpacking")
    if process.returncode != 0:
        raise SetupFailed("pip could not install requirements.lock:\n" + "".join(output[-25:]))


def run_pip(*arguments: str) -> None:
    """Run pip in the environment and stop the setup where it fails."""
    if subprocess.run(pip_command(*arguments), env=pip_environment(), check=False).returncode != 0:
        raise SetupFailed("pip failed; its own words are above")


def pip_command(*arguments: str) -> list[str]:
    """The wheel's pip as a command; mirrors and certificates come from the user's own configuration."""
    wheels = sorted(BOOTSTRAP.glob("pip-*.whl"))
    if not wheels:
        raise SetupFailed(f"no pip wheel in {BOOTSTRAP}: the checkout is not complete")
    python = str(VENV / "bin" / "python")
    return [python, str(wheels[-1] / "pip"), "--disable-pip-version-check", "--no-input", *arguments]


def pip_environment() -> dict[str, str]:
    """The user's environment without what would make pip install elsewhere."""
    misleading = {"PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_ROOT"}
    kept = {name: value for name, value in os.environ.items() if name not in misleading}
    return {**kept, "PIP_USER": "0", "PIP_ROOT_USER_ACTION": "ignore"}


def compile_catalogues() -> None:
    """Build the .mo files of catalogues that changed."""
    stale = [po for po in sorted(TRANSLATIONS.glob("*/LC_MESSAGES/*.po")) if is_stale(po)]
    if not stale:
        return
    say(f"compiling {len(stale)} catalogues")
    for po in stale:
        command = [
            str(VENV / "bin" / "pybabel"),
            "-q",
            "compile",
            "-i",
            str(po),
            "-o",
            str(po.with_suffix(".mo")),
        ]
        if subprocess.run(command, check=False).returncode != 0:
            raise SetupFailed(f"{po.relative_to(ROOT)} cannot be compiled")


def compress_static_files() -> None:
    """Put a .gz beside each script and style that changed; the portal serves it to browsers that take it."""
    files = [file for kind in ("*.css", "*.js") for file in STATIC.rglob(kind)]
    if any(is_older(Path(f"{file}.gz"), file) for file in files):
        say("compressing static files")
        command = [str(VENV / "bin" / "python"), "-m", "whitenoise.compress", "--quiet", "--no-brotli", str(STATIC)]
        if subprocess.run(command, check=False).returncode != 0:
            raise SetupFailed("the static files cannot be compressed")


def is_stale(po: Path) -> bool:
    """Whether a catalogue was written after it was last compiled."""
    return is_older(po.with_suffix(".mo"), po)


def is_older(made: Path, source: Path) -> bool:
    """Whether a made file is missing, or older than what it is made from; a copied time may lose its last digits."""
    return not made.exists() or made.stat().st_mtime + 0.001 < source.stat().st_mtime


def say(text: str) -> None:
    """One line of progress."""
    print(f"setup: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
