"""What is secret stays where it is: in no log, in no page, in no address, and in the database under a seal."""

import io
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import make_url

from portal import logs
from portal.domain.link_session import State
from portal.sandbox.program import RunningSandbox
from tests.stories import strangers
from tests.stories.strangers import CHOICES, DAIKIN, EASEE, NIBE
from tests.support.live import Installation
from tests.support.person import Person


@pytest.fixture(scope="module")
def running(running_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    more = {"PORTAL_LOG_LEVEL": "debug", "PORTAL_LOG_FORMAT": "json"}
    with strangers.english_portal(running_sandbox, tmp_path_factory.mktemp("secrets"), more) as live:
        yield live
    logs.configure(log_format="text", level="error")


@pytest.fixture
def anna(live: Installation, answers: list[requests.Response]) -> Iterator[Person]:
    with Person(live.url) as anna:
        anna.hooks["response"].append(lambda answer, **_: answers.append(answer))
        anna.sign_in("anna")
        yield anna


def walk(live: Installation, anna: Person) -> list[str]:
    """The whole job at every provider, detours included; answers the return URLs."""
    backs = []
    for choice in CHOICES:
        connect_url = strangers.leave(anna, choice)
        backs.append(strangers.sign_in_there(anna, connect_url, choice))
        page = anna.look(backs[-1])
        anna.sees(page.path, lambda seen: live.state_of(seen.path) is State.LINKED)
    broken = next(device for device in live.sandbox.state.devices if device.provider == "podero")
    anna.post(f"{live.sandbox.url}/control/devices/podero/{broken.id}/break", json={}, timeout=10)
    anna.sees("/devices", lambda page: page.offers("/reauthenticate"))
    backs.append(strangers.sign_in_there(anna, anna.reconnect().url, NIBE))
    anna.look(backs[-1])
    with Person(live.url) as stranger:
        stranger.sign_in("bela")
        for back in backs:
            stranger.look(back)
        stranger.look(strangers.sign_in_there(stranger, strangers.leave(anna, DAIKIN), DAIKIN, "x@example.com"))
        anna.cookies.clear()
        anna.look(backs[0])
        anna.sign_in("anna")
    requests.post(f"{live.url}/webhooks/telematica", data=b'{"user": "x"}', timeout=10)
    live.sandbox.state.set_faults("podero", {"fail_count": 3, "fail_status": 500})
    anna.press_connect(NIBE.device_type, NIBE.vendor)
    anna.look(f"/return/nox?data={strangers.as_data({'nox_user_id': 'canary-in-a-return'})}")
    anna.look("/sign-in/callback?code=canary-in-a-callback&state=canary-of-a-state&error=canary-in-an-error")
    anna.look(f"/return/telematica?devices={'9' * 24}")
    strangers.leave(anna, EASEE)
    return backs


def secrets_of(live: Installation, backs: list[str], answers: list[requests.Response]) -> dict[str, str]:
    """Every secret that came up, by what it is."""
    config, state = live.sandbox.config, live.sandbox.state
    found = {
        "the issuer's client secret": config.oidc_client_secret,
        "Podero's client secret": config.podero_client_secret,
        "NOX's key": config.nox_api_key,
        "Telematica's token": config.telematica_api_token,
        "the webhook secret": config.telematica_webhook_secret,
        "our secret key": live.settings.secret_key.get_secret_value(),
    }
    # Podero's page goes by the id of its session, which support may read; the address itself is the secret.
    shown = {"podero": "onboarding_session_id=", "nox": "", "telematica": ""}
    links = enumerate(state.links.values())
    found |= {f"connect URL {number}": shown[link.provider] + link.token for number, link in links}
    found |= {f"Podero token {number}": token for number, token in enumerate(state.tokens)}
    arrivals = {urlsplit(back).path.split("/")[3] for back in backs if "/return/podero/" in back}
    arrivals |= {
        urlsplit(str(link.cancel_url)).path.split("/")[3] for link in state.links.values() if link.provider == "podero"
    }
    found |= {f"arrival secret {number}": secret for number, secret in enumerate(sorted(arrivals))}
    found |= {
        f"NOX answer {number}": parse_qs(urlsplit(back).query)["data"][0]
        for number, back in enumerate(backs)
        if "data=" in back
    }
    for number, answer in enumerate(answers):
        held = in_the_cookie(live, answer)
        found |= {f"{name} {number}": str(held[name]) for name in ("_user_id", "browser") if name in held}
    for number, answer in enumerate(answers):
        query = parse_qs(urlsplit(answer.url).query)
        found |= {f"{name} {number}": query[name][0] for name in ("code", "state", "id_token_hint") if name in query}
    kinds = {name.rpartition(" ")[0] for name in found}
    assert kinds >= {"connect URL", "Podero token", "arrival secret", "_user_id", "browser", "code", "state"}
    return found


def in_the_cookie(live: Installation, answer: requests.Response) -> dict[str, object]:
    """What an answer puts into our cookie: the tokens of the browser and of the login session among it."""
    cookie = answer.cookies.get("portal")
    serializer = SecureCookieSessionInterface().get_signing_serializer(live.app)
    if cookie is None or serializer is None:
        return {}
    held: dict[str, object] = serializer.loads(cookie.strip('"'))
    return held


def test_nothing_secret_and_nobody_by_name_is_in_the_log(
    live: Installation, anna: Person, answers: list[requests.Response], log: io.StringIO
) -> None:
    secrets = secrets_of(live, walk(live, anna), answers)
    written = log.getvalue()
    assert "provider_call" in written
    assert "arrival_by_another_person" in written
    assert written.count('"event": "request"') > 50
    assert not [name for name, secret in secrets.items() if secret in written]
    assert not [word for word in ("canary", "anna", "bela", "Lindqvist", "@", "customer-", "C-0") if word in written]
    people = {user.external_id for user in live.sandbox.state.users} | {user.id for user in live.sandbox.state.users}
    assert not [name for name in people if str(name) in written]


def test_the_database_alone_opens_nothing(
    live: Installation, anna: Person, answers: list[requests.Response], log: io.StringIO
) -> None:
    secrets = secrets_of(live, walk(live, anna), answers)
    kept = stored(live)
    assert b"link_sessions" in kept
    assert not {name for name, secret in secrets.items() if secret.encode() in kept}


def stored(live: Installation) -> bytes:
    """The database as it lies on the disk, with all that waits beside it."""
    path = Path(str(make_url(live.settings.database_url).database))
    with sqlite3.connect(path) as connection:
        dumped = "\n".join(connection.iterdump()).encode()
    connection.close()
    return dumped + b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


def test_no_page_and_no_address_of_ours_tells_a_secret(
    live: Installation, anna: Person, answers: list[requests.Response], log: io.StringIO
) -> None:
    backs = walk(live, anna)
    secrets = {
        name: secret for name, secret in secrets_of(live, backs, answers).items() if not name.startswith("state")
    }
    ours = [answer for answer in answers if answer.url.startswith(live.url)]
    assert len(ours) > 40
    for answer in ours:
        told = [name for name, secret in secrets.items() if secret in answer.text]
        if urlsplit(answer.url).path.endswith("/leave"):
            # The page from which its own customer goes on, once; it is kept by nobody and tells no other page.
            told = [name for name in told if not name.startswith("connect URL")]
        assert not told, answer.url
        if answer.status_code == 200:
            assert not [name for name, secret in secrets.items() if secret in answer.url], answer.url


def test_whoever_a_customer_leaves_for_does_not_learn_where_they_were(
    live: Installation, anna: Person, answers: list[requests.Response], log: io.StringIO
) -> None:
    walk(live, anna)
    for answer in (answer for answer in answers if answer.url.startswith(live.url)):
        policy = answer.headers.get("Referrer-Policy")
        is_secret = "/return/" in answer.url or "/callback" in answer.url or "/return?" in answer.url
        assert policy == "no-referrer" if is_secret else policy in {"same-origin", "no-referrer"}, answer.url
        assert answer.headers["Cache-Control"] == "no-store", answer.url
