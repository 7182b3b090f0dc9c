"""Resolve requirements.lock anew: hash-pinned, for Linux and macOS, without the name of any registry."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
BOOTSTRAP = ROOT / "tools" / "bootstrap"
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
COMPILE = ("pip", "compile", "pyproject.toml", "--extra", "dev", "--universal", "--python-version", "3.11")
PLAIN = ("--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate")


def main() -> int:
    """Fetch uv, resolve, and keep the bootstrap's pip at the version the lock names."""
    subprocess.run([*PIP, "install", "--quiet", "--upgrade", "uv"], check=True)
    uv = Path(sys.executable).parent / "uv"
    command = [str(uv), *COMPILE, *PLAIN, "--quiet", "--upgrade", "-o", LOCK.name]
    subprocess.run(command, cwd=ROOT, check=True)
    renew_bootstrap()
    count = len(re.findall("^[a-z]", LOCK.read_text(), re.MULTILINE))
    print(f"{LOCK.name} names {count} packages; `make setup` installs them")
    return 0


def renew_bootstrap() -> None:
    """Put the locked pip's wheel where the setup expects it."""
    version = re.search(r"^pip==(\S+)", LOCK.read_text(), re.MULTILINE)
    if version is None:
        raise SystemExit("the lock names no pip")
    if (BOOTSTRAP / f"pip-{version[1]}-py3-none-any.whl").exists():
        return
    for wheel in BOOTSTRAP.glob("pip-*.whl"):
        wheel.unlink()
    subprocess.run([*PIP, "download", "--quiet", "--no-deps", "-d", str(BOOTSTRAP), f"pip=={version[1]}"], check=True)


if __name__ == "__main__":
    sys.exit(main())
