"""Find the other browser engines of the tests, Firefox and WebKit, or install them, and say what is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from portal.sandbox.chromium import NoBrowser

FIREFOXES = ("firefox-esr", "firefox")
MINI_BROWSERS = "lib/*/webkit2gtk-4.*/MiniBrowser"
PACKAGES = ("firefox-esr", "webkit2gtk-driver", "xvfb")
MISSING = "no {} for the tests.\n  Debian or Ubuntu:  sudo apt-get install --no-install-recommends " + " ".join(
    PACKAGES
)


def find_firefox() -> Path | None:
    """The Firefox of this machine."""
    found = next(filter(None, map(shutil.which, FIREFOXES)), None)
    return Path(found) if found else None


def find_webkit() -> tuple[Path, Path, Path] | None:
    """WebKit's driver, its browser, and the display it is shown on, for it knows no headless mode."""
    driver, display = shutil.which("WebKitWebDriver"), shutil.which("Xvfb")
    browsers = sorted(Path("/usr").glob(MINI_BROWSERS))
    return (Path(driver), browsers[-1], Path(display)) if driver and display and browsers else None


def firefox() -> Path:
    """Raises NoBrowser."""
    found = find_firefox()
    if found is None:
        raise NoBrowser(MISSING.format("Firefox"))
    return found


def webkit() -> tuple[Path, Path, Path]:
    """Raises NoBrowser."""
    found = find_webkit()
    if found is None:
        raise NoBrowser(MISSING.format("WebKit with its driver and a display"))
    return found


def install_from_debian() -> None:
    """Install what is missing as the distribution's own packages, where we may."""
    if find_firefox() and find_webkit():
        return
    if os.geteuid() != 0 or not Path("/etc/debian_version").exists() or not shutil.which("apt-get"):
        return
    print(f"browser: installing {', '.join(PACKAGES)}", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (("update",), ("install", "--yes", "--no-install-recommends", *PACKAGES)):
        subprocess.run(["apt-get", "-qq", *arguments], env=quiet, check=True, capture_output=True, text=True)


def tell() -> None:
    """Name the engines that are here; what is not here is told as well, for its tests will fail."""
    try:
        install_from_debian()
    except (OSError, subprocess.CalledProcessError) as failure:
        print(f"browser: tried the distribution's packages: {failure}", file=sys.stderr)
    for find in (firefox, webkit):
        try:
            found = find()
            print(f"browser: {found[1] if isinstance(found, tuple) else found}", flush=True)
        except NoBrowser as failure:
            print(f"browser: {failure}", file=sys.stderr)
