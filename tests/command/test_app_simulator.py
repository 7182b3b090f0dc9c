"""`portal app-simulator` on the command line: keys, what is missing, and what fails."""

import importlib.util
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask, redirect
from werkzeug.serving import make_server

from portal.cli import main
from portal.sandbox.configuration import SandboxConfig, portal_environment
from portal.settings import load
from tests.support.retailer import keys

CONNECT_UI = "http://127.0.0.1:9/podero/connect"


@contextmanager
def portal_that_leads_into_a_connect_ui() -> Iterator[str]:
    """It lets the app's customer in, and sends the webview itself to a provider."""
    app = Flask(__name__)
    app.add_url_rule("/app/tickets", "tickets", lambda: ({"code": "c"}, 201), methods=["POST"])
    app.add_url_rule("/app/enter", "enter", lambda: redirect("/devices", 303))
    app.add_url_rule("/devices", "devices", lambda: '<meta http-equiv="refresh" content="0; url=/leave">')
    app.add_url_rule("/leave", "leave", lambda: redirect(f"{CONNECT_UI}?onboarding_session_id=secret", 303))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def simulator(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "portal.cli", "app-simulator", "--key", str(keys()[0]), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)


@pytest.mark.browser
def test_a_provider_in_the_webview_fails_and_is_named() -> None:
    with portal_that_leads_into_a_connect_ui() as url:
        told = simulator("--portal-url", url, "--walk", "heat-pump/nibe")
    assert told.returncode == 1
    assert CONNECT_UI in told.stderr
    assert "secret" not in told.stdout + told.stderr


def test_it_says_what_to_install_where_it_cannot_play(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    told = CliRunner().invoke(main, ["app-simulator", "--key", str(keys()[0])])
    assert told.exit_code == 1
    assert "Playwright is not installed" in told.output


def test_a_key_is_made_with_the_settings_that_make_the_portal_take_it(tmp_path: Path) -> None:
    told = CliRunner().invoke(main, ["app-simulator", "--make-key", str(tmp_path / "keys"), "--issuer", "our-app"])
    assert told.exit_code == 0, told.output
    named = dict(line.strip().split("=", 1) for line in told.output.splitlines() if line.startswith("  PORTAL_APP__"))
    app = load({**portal_environment(SandboxConfig()), **named}).app
    assert app is not None
    assert (app.issuer, app.jwks_file) == ("our-app", tmp_path / "keys" / "app-jwks.json")
    assert app.links == {"main": "http://127.0.0.1:8001/app/open"}
    published = json.loads((tmp_path / "keys" / "app-jwks.json").read_text())
    assert all("d" not in key for key in published["keys"])
    assert (tmp_path / "keys" / "app-key.json").stat().st_mode & 0o077 == 0

    again = CliRunner().invoke(main, ["app-simulator", "--make-key", str(tmp_path / "keys")])
    assert again.exit_code == 1
    assert "there is a key" in again.output
