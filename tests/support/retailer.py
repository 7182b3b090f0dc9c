"""The retailer's app in the tests: its backend with a key of its own, and how its webview and its links look."""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from portal.sandbox.app_backend import AppBackend, make_key, portal_environment, read_key

APP_LINK = "http://127.0.0.1:9/app"
"""A universal link; nothing listens there, as on a telephone without the app."""

ANDROID_WEBVIEW = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 9 Build/AP4A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
    "Chrome/142.0.0.0 Mobile Safari/537.36"
)
IPHONE_WEBVIEW = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22F76"
)

APPS = {
    "PORTAL_APP__APPLE_APP_IDS": "ABCDE12345.example.nordvind.app",
    "PORTAL_APP__ANDROID_APPS": "example.nordvind.app=" + ":".join(["AB"] * 32),
}


@functools.cache
def keys() -> tuple[Path, Path]:
    """The private key and the key set of the retailer's backend, one pair for all tests of a process."""
    folder = Path(tempfile.mkdtemp(prefix="portal-app-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return make_key(folder)


def app_environment(issuer: str) -> dict[str, str]:
    """The settings with which a portal lets this app in."""
    return {**portal_environment(keys()[1], issuer, APP_LINK), **APPS}


def backend(portal_url: str, **differing: str) -> AppBackend:
    """The backend of the app of this portal."""
    return AppBackend(read_key(keys()[0]), portal_url, differing.pop("audience", portal_url), **differing)
