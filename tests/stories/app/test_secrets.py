"""What lets the app in, out and back stands in no log, in no database, on no other page and in no address."""

import io
import re
from collections.abc import Iterator

import pytest
import requests

from portal import logs
from portal.sandbox.program import RunningSandbox
from tests.stories import letting_out, strangers
from tests.stories.letting_out import Make
from tests.stories.strangers import CHOICES
from tests.stories.test_security_secrets import stored
from tests.support.live import Installation
from tests.support.person import Person
from tests.support.retailer import backend

ADDRESSES = ("/app/enter?", "/app/return?", "/out/gAAA", "/return/")
"""How our addresses begin that carry a secret."""


@pytest.fixture(scope="module")
def running(running_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    more = {"PORTAL_LOG_LEVEL": "debug", "PORTAL_LOG_FORMAT": "json"}
    with strangers.english_portal(running_sandbox, tmp_path_factory.mktemp("app"), more) as live:
        yield live
    logs.configure(log_format="text", level="error")


@pytest.fixture
def watched(person: Make, answers: list[requests.Response]) -> Make:
    """People whose every answer is looked at."""

    def make() -> Person:
        someone = person()
        someone.hooks["response"].append(lambda answer, **_: answers.append(answer))
        return someone

    return make


def walk(live: Installation, watched: Make) -> dict[str, str]:
    """In, out and back at every provider, detours included; answers every secret that came up, by what it is."""
    found: dict[str, str] = {}
    webview, bela = watched(), watched()
    letting_out.enters(live, webview, "anna", email="canary@example.com")
    letting_out.enters(live, bela, "bela")
    for choice in CHOICES:
        browser = watched()
        ticket = letting_out.ticket_on(letting_out.chooses(webview, choice))
        connect_url = letting_out.goes_on(browser, letting_out.opens(browser, ticket))
        letting_out.opens(watched(), ticket)
        words = letting_out.words_on(letting_out.comes_back(browser, connect_url, choice))
        for someone in (bela, watched(), webview, webview):
            letting_out.hands_over(someone, words)
        found |= {f"ticket {choice.provider}": ticket.rpartition("/")[2], f"code {choice.provider}": str(words.code)}
    app = backend(live.url)
    for name in ("used", "asked"):
        found[f"token {name}"] = app.token("customer-anna", name="Anna Lindqvist")
        found[f"entry {name}"] = app.change(found[f"token {name}"]).json()["code"]
        app.change(found[f"token {name}"])
    for someone in (webview, watched()):
        someone.look(f"/app/enter?code={found['entry used']}")
    bela.look(f"/app/enter?code={found['entry asked']}")
    return found


def test_nothing_secret_and_nobody_by_name_is_in_the_log(live: Installation, watched: Make, log: io.StringIO) -> None:
    secrets = walk(live, watched)
    written = log.getvalue()
    assert {"token_replayed", "code_used"} <= set(re.findall(r'"reason": "(\w+)"', written))
    assert "completion_refused" in written
    assert not [name for name, secret in secrets.items() if secret in written]
    assert not [word for word in ("canary", "Lindqvist", "@", "customer-", "eyJ", "gAAAA") if word in written]


def test_the_database_alone_opens_nothing(live: Installation, watched: Make, log: io.StringIO) -> None:
    secrets = walk(live, watched)
    kept = stored(live)
    assert b"app_departures" in kept
    assert not [name for name, secret in secrets.items() if secret.encode() in kept]


def test_a_secret_is_on_its_own_page_and_in_no_address_that_is_shown(
    live: Installation, watched: Make, answers: list[requests.Response], log: io.StringIO
) -> None:
    secrets = walk(live, watched)
    ours = [answer for answer in answers if answer.url.startswith(live.url)]
    assert len(ours) > 50
    for answer in ours:
        is_shown = answer.status_code == 200
        for name, secret in secrets.items():
            own_page = ("/link-sessions/" if name.startswith("ticket") else "/app/back") in answer.url
            assert secret not in answer.text or own_page, (name, answer.url)
            assert not is_shown or secret not in answer.url, (name, answer.url)


def test_an_address_that_carries_a_secret_is_told_to_nobody(
    live: Installation, watched: Make, answers: list[requests.Response], log: io.StringIO
) -> None:
    walk(live, watched)
    seen = set()
    for answer in (answer for answer in answers if answer.url.startswith(live.url)):
        carried = [start for start in ADDRESSES if answer.url.startswith(f"{live.url}{start}")]
        seen.update(carried)
        policy = answer.headers["Referrer-Policy"]
        assert policy == "no-referrer" if carried else policy in {"same-origin", "no-referrer"}, answer.url
        assert answer.headers["Cache-Control"] == "no-store", answer.url
    assert seen == set(ADDRESSES)


@pytest.mark.parametrize(
    "line",
    [
        "GET /out/gAAAAABp-canary-{0} HTTP/1.1",
        "GET /app/enter?code=canary-{0} HTTP/1.1",
        "GET /app/return?ref=r&code=canary-{0}",
        "token=eyJcanary{0}.canary{0}.canary{0}",
        "https://portal.example/return/podero/canary-{0}/success",
        "example.nordvind.app:/back?ref=x&code=canary-{0}",
    ],
)
def test_a_line_of_another_program_loses_its_secrets_too(line: str) -> None:
    assert "canary" not in logs.without_secrets(line.format("x" * 60))
    assert "POST /out/not-me" in logs.without_secrets("POST /out/not-me")
