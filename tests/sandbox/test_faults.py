"""Faults on demand: calls that fail, take long, or are carried out though nobody hears of it."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from portal.sandbox.program import RunningSandbox

Eventually = Callable[[Callable[[], bool]], None]


class Nox:
    """The provider the faults are tried on, and its control."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self.sandbox = sandbox
        self.key = {"x-api-key": sandbox.config.nox_api_key}

    def faults(self, **wanted: Any) -> requests.Response:
        return requests.post(f"{self.sandbox.url}/control/faults/nox", json=wanted, timeout=10)

    def open(self, user_id: str = "u1", timeout: float = 10) -> requests.Response:
        returns = f"{self.sandbox.state.portal_url}/return/nox"
        body = {"user_id": user_id, "redirect_url": returns, "asset_type": "hp", "brand": "lg"}
        url = f"{self.sandbox.url}/nox/v2/supplier/link-sessions"
        return requests.post(url, json=body, headers=self.key, timeout=timeout)

    def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]]
        rows = requests.get(f"{self.sandbox.url}/v1/devices", headers=self.key, timeout=10).json()["data"]
        return rows

    def view(self) -> dict[str, Any]:
        state = requests.get(f"{self.sandbox.url}/control/state", timeout=10).json()
        view: dict[str, Any] = state["providers"]["nox"]
        return view


@pytest.fixture
def nox(sandbox: RunningSandbox) -> Nox:
    return Nox(sandbox)


@pytest.fixture
def ahead(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """The sandbox's clock stands still, and goes on by so many seconds when told."""
    moments = [time.time()]
    monkeypatch.setattr(sandbox.state, "now", lambda: moments[-1])
    return lambda seconds: moments.append(moments[-1] + seconds)


def test_calls_fail_as_often_as_asked(nox: Nox, sandbox: RunningSandbox) -> None:
    assert nox.faults(fail_count=2, fail_status=500, path_contains="link-").ok
    assert [nox.open().status_code for _ in range(3)] == [500, 500, 201]
    assert len(nox.view()["link_sessions"]) == 1
    wanted = {"fail_count": 1}
    assert requests.post(f"{sandbox.url}/control/faults/oidc", json=wanted, timeout=10).ok
    assert requests.get(f"{sandbox.config.issuer}/jwks", timeout=10).status_code == 503


@pytest.mark.parametrize("wrong", [{"fail_count": -1}, {"unknown": 1}, {"retry_after": "soon"}, {"delay": "long"}])
def test_a_fault_there_is_not_is_refused(nox: Nox, wrong: dict[str, Any]) -> None:
    assert nox.faults(**wrong).status_code == 400


@pytest.mark.parametrize(("wanted", "header"), [(None, "1"), (7, "7"), ("120", "120"), ("none", None)])
def test_a_provider_says_when_to_come_back_or_does_not(nox: Nox, wanted: object, header: str | None) -> None:
    nox.faults(fail_count=1, fail_status=429, **({} if wanted is None else {"retry_after": wanted}))
    answer = nox.open()
    assert (answer.status_code, answer.headers.get("Retry-After")) == (429, header)


def test_a_provider_may_say_it_as_a_date(nox: Nox, ahead: Callable[[float], None]) -> None:
    nox.faults(fail_count=1, retry_after="date")
    moment = parsedate_to_datetime(nox.open().headers["Retry-After"])
    assert 0 < moment.timestamp() - nox.sandbox.state.now() <= 2


def test_other_failures_do_not_say_when_to_come_back(nox: Nox) -> None:
    nox.faults(fail_count=1, fail_status=500, retry_after="7")
    assert "Retry-After" not in nox.open().headers


def test_calls_are_slow_when_asked(nox: Nox) -> None:
    nox.faults(delay=0.3)
    begun = time.monotonic()
    nox.open()
    assert time.monotonic() - begun >= 0.3


def test_a_call_can_fail_after_it_was_carried_out(nox: Nox) -> None:
    nox.faults(fail_count=1, fail_status=502, carry_out_first=True)
    assert nox.open().status_code == 502
    view = nox.view()
    assert [call["status"] for call in view["calls"]] == [502]
    assert len(view["link_sessions"]) == 1


def test_whoever_gives_up_waiting_does_not_know_that_the_call_was_carried_out(nox: Nox) -> None:
    nox.faults(delay=2, carry_out_first=True)
    with pytest.raises(requests.ReadTimeout):
        nox.open(timeout=0.2)
    assert len(nox.view()["link_sessions"]) == 1


def test_whoever_gives_up_waiting_may_also_have_been_too_early(nox: Nox, eventually: Eventually) -> None:
    nox.faults(delay=2)
    with pytest.raises(requests.ReadTimeout):
        nox.open(timeout=0.2)
    assert nox.view()["link_sessions"] == []
    eventually(lambda: len(nox.view()["link_sessions"]) == 1)


def test_the_calls_being_answered_at_once_are_counted(nox: Nox, eventually: Eventually) -> None:
    nox.faults(delay=2)
    callers = [threading.Thread(target=nox.open, args=(f"u{number}",)) for number in range(3)]
    for caller in callers:
        caller.start()
    eventually(lambda: nox.view()["in_flight"] == 3)
    for caller in callers:
        caller.join()
    nox.faults(delay=0, fail_count=1)
    nox.open()
    assert [nox.view()[name] for name in ("in_flight", "most_in_flight")] == [0, 3]


def test_forgetting_everything_forgets_calls_on_their_way(nox: Nox, eventually: Eventually) -> None:
    nox.faults(delay=2)
    caller = threading.Thread(target=nox.open)
    caller.start()
    eventually(lambda: nox.view()["in_flight"] == 1)
    requests.post(f"{nox.sandbox.url}/control/reset", timeout=10)
    caller.join()
    assert [nox.view()[name] for name in ("in_flight", "most_in_flight")] == [0, 0]


def test_many_slow_calls_are_answered_side_by_side(nox: Nox) -> None:
    nox.faults(delay=3)
    begun = time.monotonic()
    with ThreadPoolExecutor(64) as callers:
        answers = list(callers.map(nox.open, (f"u{number}" for number in range(64))))
    assert {answer.status_code for answer in answers} == {201}
    assert nox.view()["most_in_flight"] == 64
    assert time.monotonic() - begun < 64 * 3 / 4


def test_new_devices_show_late_when_asked(nox: Nox, visitor: Any, ahead: Callable[[float], None]) -> None:
    nox.faults(lag=4)
    visitor.sign_in(nox.open().json()["link_url"], "owner@example.com")
    ahead(3.9)
    assert nox.rows() == []
    ahead(0.2)
    assert len(nox.rows()) == 1


def test_what_happens_to_a_device_shows_late_when_asked(nox: Nox, visitor: Any, ahead: Callable[[float], None]) -> None:
    visitor.sign_in(nox.open().json()["link_url"], "owner@example.com")
    nox.faults(stale=4)
    device = f"{nox.sandbox.url}/control/devices/nox/{nox.sandbox.state.devices[0].id}"
    requests.post(f"{device}/break", timeout=10)
    ahead(3.9)
    assert nox.rows()[0]["needs_reauthentication"] is False
    ahead(0.2)
    assert nox.rows()[0]["needs_reauthentication"] is True
    requests.post(f"{device}/remove", timeout=10)
    ahead(3.9)
    assert nox.rows()[0]["needs_reauthentication"] is True
    ahead(0.2)
    assert nox.rows() == []
