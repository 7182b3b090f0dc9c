"""`portal app-simulator`: what can be asked of it. The telephone it plays is a program of its own.

That program needs Playwright, which an installation that only serves customers does not have.
"""

import importlib.util
import json
import os
import platform
import shlex
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from portal.sandbox.app_backend import make_key, portal_environment

PORTAL_URL = "http://localhost:8000"
APP_LINK = "http://127.0.0.1:8001/app/open"
USUAL_WALK = "heat-pump/nibe"
PLAYER = "portal.sandbox.app_player"
MISSING = """Playwright is not installed, and the simulator plays the telephone with it. In a checkout, `make setup`
installs it; elsewhere: pip install playwright && playwright install chromium"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be played, against which portal. Without `walk` it is played by hand."""

    key: str
    portal_url: str = PORTAL_URL
    audience: str | None = None
    issuer: str = "nordvind-app"
    app_link_id: str = "main"
    app_link: str = APP_LINK
    subject: str = "customer-anna"
    language: str = "sv"
    walk: str | None = None
    account: str | None = None
    password: str = "Demo1234"
    delegate: bool = True
    cold_start: bool = False
    show: bool = False


@click.command("app-simulator")
@click.option("--key", type=click.Path(exists=True, dir_okay=False), help="The backend's private key, a JWK file.")
@click.option("--make-key", "folder", type=click.Path(file_okay=False, path_type=Path), help="Make one, and stop.")
@click.option("--portal-url", default=PORTAL_URL, show_default=True)
@click.option("--audience", help="The tokens' `aud`. Default: the portal's address.")
@click.option("--issuer", default="nordvind-app", show_default=True, help="The tokens' `iss`.")
@click.option("--app-link-id", default="main", show_default=True, help="Which of the ways back the tokens name.")
@click.option("--app-link", default=APP_LINK, show_default=True, help="The universal link of that way back.")
@click.option("--subject", default="customer-anna", show_default=True, help="Who uses the app.")
@click.option("--language", default="sv", show_default=True)
@click.option("--walk", help=f"Connect this by itself, such as {USUAL_WALK}; the sandbox's Connect UIs only.")
@click.option("--account", help="The vendor account for the walk. Default: the first that the sandbox names.")
@click.option("--password", default="Demo1234", show_default=True, help="Its password.")
@click.option("--no-delegate", is_flag=True, help="Play an old app, which opens /out/ in its webview.")
@click.option("--cold-start", is_flag=True, help="The app is closed meanwhile; the way back starts it anew.")
@click.option("--show", is_flag=True, help="Show the windows of a walk, too.")
def app_simulator(folder: Path | None, key: str | None, no_delegate: bool, **given: object) -> None:
    """Play the retailer's backend and app. Fails where another host than the portal's is loaded in the webview.

    Without --walk it opens two windows, the app's webview and the telephone's browser, to go through by hand; where
    there is no display it walks by itself.
    """
    if folder is not None:
        _make_key(folder, str(given["issuer"]), str(given["app_link_id"]), str(given["app_link"]))
        return
    if key is None:
        raise click.UsageError(
            "name the backend's private key with --key; `portal demo` prints one, --make-key makes one"
        )
    if importlib.util.find_spec("playwright") is None:
        raise click.ClickException(MISSING)
    if given["walk"] is None and (no_delegate or given["cold_start"] or not _has_display()):
        given["walk"] = USUAL_WALK
    plan = Plan(key=key, delegate=not no_delegate, **given)  # type: ignore[arg-type]  # click has seen to the types
    sys.exit(subprocess.run([sys.executable, "-m", PLAYER, json.dumps(asdict(plan))], check=False).returncode)


def command_for(key: Path, *, portal_url: str, app_link: str) -> str:
    """The command that plays the app of a portal here, to be pasted into another terminal."""
    command = [str(Path(sys.executable).with_name("portal")), "app-simulator", "--key", str(key)]
    if portal_url != PORTAL_URL:
        command += ["--portal-url", portal_url]
    if app_link != APP_LINK:
        command += ["--app-link", app_link]
    return shlex.join(command)


def _make_key(folder: Path, issuer: str, link_id: str, link: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if any((folder / name).exists() for name in ("app-key.json", "app-jwks.json")):
        raise click.ClickException(f"there is a key in {folder} already; name another folder")
    private, public = make_key(folder.resolve())
    settings = {
        **portal_environment(public, "", link),
        "PORTAL_APP__ISSUER": issuer,
        "PORTAL_APP__LINKS": f"{link_id}={link}",
    }
    for not_needed in ("PORTAL_APP__SUBJECT_ISSUER", "PORTAL_APP__SCHEMES"):
        settings.pop(not_needed)
    click.echo(f"The private key of the backend: {private}\nThe settings that the portal needs:\n")
    for name, value in settings.items():
        click.echo(f"  {name}={shlex.quote(value)}")
    click.echo(
        "\nWhere app and sign-in know a person by the same subject, PORTAL_APP__SUBJECT_ISSUER is what\n"
        "PORTAL_OIDC__ISSUER is. All settings: docs/app-integration.md"
    )


def _has_display() -> bool:
    return platform.system() == "Darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
