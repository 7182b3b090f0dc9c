"""The way to a hosted page leads over further origins, as it does behind a broker or a vendor's own sign-in."""

import signal
import socket
import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from portal.sandbox.configuration import SandboxConfig, portal_environment
from portal.sandbox.leading_on import PAGES
from portal.sandbox.program import RunningSandbox


def hops(url: str) -> list[str]:
    """The origins over which a browser comes to what is shown."""
    with requests.Session() as browser:
        browser.trust_env = False
        answer = browser.get(url, timeout=10)
    return [origin(each.url) for each in (*answer.history, answer)]


def origin(url: str) -> str:
    place = urlsplit(url)
    return f"{place.scheme}://{place.netloc}"


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_every_hosted_page_is_two_further_origins_away(sandbox: RunningSandbox, path: str) -> None:
    passed = hops(f"{sandbox.url}{path}?what=is+asked&for=%C3%A9")
    assert passed == list(sandbox.origins)
    assert len(set(passed)) == 3
    assert sandbox.state.portal_url not in passed


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_what_was_asked_arrives_unchanged(sandbox: RunningSandbox, visitor: Any, path: str) -> None:
    asked = f"{path}?what=is+asked&for=%C3%A9%2F&again="
    answer = visitor.get(f"{sandbox.url}{asked}", allow_redirects=False, timeout=10)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{sandbox.origins[1]}{asked}")


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_a_variant_switches_it_off_for_one_party_alone(sandbox: RunningSandbox, path: str) -> None:
    body = {"leads_on": "no"}
    answer = requests.post(f"{sandbox.url}/control/variants/{PAGES[path]}", json=body, timeout=10)
    assert answer.json()["variants"]["leads_on"] == "no"
    for each, whose in PAGES.items():
        assert len(hops(f"{sandbox.url}{each}")) == (1 if whose == PAGES[path] else 3)


def test_the_control_page_offers_the_sign_ins_variant_too(sandbox: RunningSandbox, visitor: Any) -> None:
    assert 'action="/control/variants/oidc"' in visitor.look(sandbox.url).text
    page = visitor.press(f"{sandbox.url}/control/variants/oidc", leads_on="no")
    assert page.status_code == 200
    assert visitor.get(f"{sandbox.url}/control/state").json()["oidc"]["variants"] == {
        "leads_on": "no",
        "auth_time": "given",
    }


def test_a_link_is_handed_out_at_the_providers_own_host(sandbox: RunningSandbox) -> None:
    told = portal_environment(sandbox.config)
    further = {urlsplit(each).netloc for each in sandbox.origins[1:]}
    for provider in ("PODERO", "NOX", "TELEMATICA"):
        assert told[f"PORTAL_{provider}__CONNECT_HOSTS"] not in further


def test_no_call_of_an_api_leads_on(sandbox: RunningSandbox, visitor: Any) -> None:
    for path in ("/oidc/jwks", "/oidc/.well-known/openid-configuration"):
        assert visitor.get(f"{sandbox.url}{path}", allow_redirects=False, timeout=10).status_code == 200


def test_without_further_origins_it_is_all_at_one() -> None:
    with RunningSandbox(SandboxConfig(further_origins=0)) as alone:
        assert [hops(f"{alone.url}{path}") for path in PAGES] == [[alone.url]] * len(PAGES)


def test_the_program_that_a_demo_starts_leads_on_as_well() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "portal.cli", "sandbox", "--port", str(port)]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert program.stdout is not None
        assert "ready" in program.stdout.readline()
        assert len(set(hops(f"http://127.0.0.1:{port}/nox/ui?token=x"))) == 3
    finally:
        program.send_signal(signal.SIGTERM)
        program.communicate(timeout=20)
    assert program.returncode == 0
