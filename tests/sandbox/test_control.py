"""The control page and its calls: what an operator of the sandbox sees and can do."""

import os
import signal
import socket
import subprocess
import sys
from typing import Any
from urllib.parse import parse_qs

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from portal.sandbox.configuration import portal_environment
from portal.sandbox.program import RunningSandbox

START = """
import sys
from portal.sandbox.configuration import SandboxConfig
from portal.sandbox.program import serve
serve(SandboxConfig(url=sys.argv[1]))
"""


@pytest.fixture
def control(sandbox: RunningSandbox, visitor: Any) -> Any:
    def call(path: str, body: object = None) -> Any:
        return visitor.post(f"{sandbox.url}/control/{path}", json=body, timeout=10)

    return call


def open_nox(sandbox: RunningSandbox, visitor: Any) -> Any:
    return visitor.post(
        f"{sandbox.url}/nox/v2/supplier/link-sessions",
        json={
            "user_id": "u1",
            "redirect_url": f"{sandbox.state.portal_url}/return/nox",
            "asset_type": "hp",
            "brand": "lg",
        },
        headers={"x-api-key": sandbox.config.nox_api_key},
        timeout=10,
    )


def test_the_page_shows_what_happened_and_no_secret(sandbox: RunningSandbox, visitor: Any) -> None:
    url = open_nox(sandbox, visitor).json()["link_url"]
    visitor.sign_in(url, "owner@example.com")
    page = visitor.look(sandbox.url).text
    assert "owner@example.com" in page
    assert "POST /nox/v2/supplier/link-sessions" in page
    assert "Break this device" in page
    state = visitor.get(f"{sandbox.url}/control/state").json()
    (call,) = state["providers"]["nox"]["calls"]
    assert (call["method"], call["status"], call["body"]["user_id"]) == ("POST", 201, "u1")
    token = url.split("token=")[1].split("&")[0]
    assert token not in page
    assert token not in str(state)


def test_buttons_lead_back_to_the_page(sandbox: RunningSandbox, visitor: Any) -> None:
    visitor.sign_in(open_nox(sandbox, visitor).json()["link_url"], "owner@example.com")
    device = sandbox.state.devices[0]
    page = visitor.press(f"{sandbox.url}/control/devices/nox/{device.id}/break", by="button")
    assert device.working is False
    assert "access lapsed" in page.text


def test_a_device_is_broken_repaired_and_removed(sandbox: RunningSandbox, visitor: Any, control: Any) -> None:
    visitor.sign_in(open_nox(sandbox, visitor).json()["link_url"], "owner@example.com")
    device = sandbox.state.devices[0]
    states = []
    for action in ("break", "repair"):
        assert control(f"devices/nox/{device.id}/{action}").json() == {"done": True}
        states.append(device.working)
    assert states == [False, True]
    control(f"devices/nox/{device.id}/remove")
    assert control(f"devices/nox/{device.id}/break").status_code == 404
    assert control("devices/nox/unknown/break").status_code == 404


def test_a_device_without_data_says_that_all_is_well(sandbox: RunningSandbox, visitor: Any, control: Any) -> None:
    visitor.sign_in(open_nox(sandbox, visitor).json()["link_url"], "owner@example.com")
    device = sandbox.state.devices[0]
    control(f"devices/nox/{device.id}/silence")
    assert "sends no data" in visitor.look(sandbox.url).text
    assert (device.working, device.silent) == (True, True)
    control(f"devices/nox/{device.id}/repair")
    assert device.silent is False


def test_a_user_deleted_at_the_provider_takes_everything_along(
    sandbox: RunningSandbox, visitor: Any, control: Any
) -> None:
    visitor.sign_in(open_nox(sandbox, visitor).json()["link_url"], "owner@example.com")
    still_open = open_nox(sandbox, visitor).json()["link_url"]
    (before,) = sandbox.state.users
    assert control("users/nox/u1/delete").json() == {"done": True}
    assert (sandbox.state.users, sandbox.state.devices) == ([], [])
    assert visitor.look(still_open).status_code == 410
    assert control("users/nox/u1/delete").status_code == 404
    open_nox(sandbox, visitor)
    assert sandbox.state.users[0].id != before.id


def test_links_expire_at_once_when_asked(sandbox: RunningSandbox, visitor: Any, control: Any) -> None:
    url = open_nox(sandbox, visitor).json()["link_url"]
    assert control("expire/nox").json() == {"done": True, "expired": 1}
    assert visitor.look(url).status_code == 410


def test_variants_are_checked_and_reset_forgets_everything(sandbox: RunningSandbox, visitor: Any, control: Any) -> None:
    assert control("variants/podero", {"reauth_signal": "lifecycle"}).json()["variants"]["reauth_signal"] == "lifecycle"
    assert control("variants/podero", {"reauth_signal": "smoke"}).status_code == 400
    assert control("variants/nobody", {}).status_code == 404
    open_nox(sandbox, visitor)
    control("reset")
    nox = visitor.get(f"{sandbox.url}/control/state").json()["providers"]["nox"]
    assert (nox["users"], nox["link_sessions"], nox["calls"]) == ([], [], [])
    assert sandbox.state.variant("podero", "reauth_signal") == "actions"


def test_the_portal_is_told_where_everything_is(sandbox: RunningSandbox) -> None:
    told = portal_environment(sandbox.config)
    host = sandbox.url.removeprefix("http://")
    assert told["PORTAL_OIDC__ISSUER"] == f"{sandbox.url}/oidc"
    assert {told[f"PORTAL_{name}__CONNECT_HOSTS"] for name in ("PODERO", "NOX", "TELEMATICA")} == {host}
    assert all(name.startswith("PORTAL_") and value for name, value in told.items())


def test_the_program_says_when_it_is_ready_and_stops_when_told() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with subprocess.Popen(
        [sys.executable, "-c", START, url], stdout=subprocess.PIPE, text=True, env={**os.environ}
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == f"Sandbox ready at {url}\n"
        program.send_signal(signal.SIGTERM)
        assert program.wait(timeout=5) == 0


def test_an_agent_who_is_signed_out_is_told_to_the_portal_in_a_token_it_can_prove(
    sandbox: RunningSandbox, listener: Any, visitor: Any, control: Any
) -> None:
    issuer = sandbox.config.issuer
    discovery = visitor.get(f"{issuer}/.well-known/openid-configuration", timeout=10).json()
    assert discovery["backchannel_logout_supported"] is True
    keys = KeySet.import_key_set(visitor.get(discovery["jwks_uri"], timeout=10).json())
    ids = set()
    for action in ("sign-out", "switch-off"):
        listener.statuses.append(200)
        assert control(f"staff/sam/{action}").json() == {"done": True, "told": 200}
        path, headers, body = listener.received[-1]
        assert path == "/support/back-channel-logout"
        assert headers["content-type"] == "application/x-www-form-urlencoded"
        (token,) = parse_qs(body.decode())["logout_token"]
        read = jwt.decode(token, keys, algorithms=["RS256"])
        assert read.header["typ"] == "logout+jwt"
        claims = read.claims
        assert (claims["iss"], claims["aud"], claims["sub"]) == (issuer, sandbox.config.staff_client_id, "staff-sam")
        assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
        assert "nonce" not in claims
        ids.add(claims["jti"])
    assert len(ids) == 2


def test_an_account_is_switched_off_and_on_by_buttons(
    sandbox: RunningSandbox, listener: Any, visitor: Any, control: Any
) -> None:
    listener.statuses.append(400)
    page = visitor.press(f"{sandbox.url}/control/staff/lea/switch-off", by="button").text
    assert "switched off" in page
    assert "The portal was told of the sign-out: 400" in page
    state = visitor.get(f"{sandbox.url}/control/state", timeout=10).json()
    assert state["staff"]["lea"]["switched_off"] is True
    assert state["staff"]["sam"]["switched_off"] is False
    page = visitor.press(f"{sandbox.url}/control/staff/lea/switch-on", by="button").text
    assert "switched off" not in page
    assert len(listener.received) == 1
    for nobody in ("anna", "unknown"):
        assert control(f"staff/{nobody}/sign-out").status_code == 404
