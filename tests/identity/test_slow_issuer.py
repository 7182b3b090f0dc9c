"""An issuer that is slow or dead takes few threads, and who has to wait loses nothing."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from portal.identity.calls import AT_ONCE, IssuerBusy
from portal.identity.issuer import Issuer
from portal.identity.oidc import Completed, Oidc, SignInFailed, SignInWaits
from portal.storage.database import Database
from tests.identity.hostile_issuer import CLIENT_ID, HostileIssuer
from tests.identity.journey import config_for, now
from tests.identity.test_hostile_issuer import BROWSER

MANY = 24


def test_few_wait_for_a_slow_issuer_and_the_others_are_told_at_once(hostile: HostileIssuer) -> None:
    hostile.delay = 3.0
    issuer = Issuer(hostile.url, timeout=10.0, ca_bundle=None)

    def asks(_: int) -> tuple[bool, float]:
        began = time.monotonic()
        try:
            issuer.metadata()
        except IssuerBusy:
            return False, time.monotonic() - began
        return True, time.monotonic() - began

    with ThreadPoolExecutor(MANY) as crowd:
        found = list(crowd.map(asks, range(MANY)))
    assert sum(is_answered for is_answered, _ in found) == AT_ONCE
    assert hostile.calls == ["/.well-known/openid-configuration"]


def test_an_answer_that_has_to_wait_is_as_good_later(hostile: HostileIssuer, database: Database) -> None:
    oidc = Oidc(replace(config_for(hostile.url, CLIENT_ID, "a-secret"), timeout=10.0), database)
    answers = [hostile.approve(oidc.begin(browser=BROWSER, target="devices", language="sv", now=now())) for _ in "ab"]
    places = oidc._issuer.caller._places
    for _ in range(AT_ONCE):
        assert places.acquire(blocking=False)
    with pytest.raises(SignInWaits):
        oidc.complete(args=answers[1], browser=BROWSER, now=now())
    for _ in range(AT_ONCE):
        places.release()
    assert oidc.complete(args=answers[1], browser=BROWSER, now=now()).identity.subject == "anna"


def test_what_is_known_serves_while_the_issuer_is_slow(hostile: HostileIssuer) -> None:
    moment = [0.0]
    issuer = Issuer(hostile.url, timeout=10.0, ca_bundle=None, ticks=lambda: moment[0])
    known = issuer.metadata()
    moment[0] = 3600.0
    hostile.delay = 3.0
    with ThreadPoolExecutor(MANY) as crowd:
        assert set(crowd.map(lambda _: issuer.metadata(), range(MANY))) == {known}
    assert hostile.calls.count("/.well-known/openid-configuration") == 2


def test_a_dead_issuer_is_told_and_not_called_busy(hostile: HostileIssuer, database: Database) -> None:
    hostile.down = True
    oidc = Oidc(config_for(hostile.url, CLIENT_ID, "a-secret"), database)
    said = []
    for _ in range(3):
        with pytest.raises(SignInFailed) as failed:
            oidc.begin(browser=BROWSER, target="devices", language="sv", now=now())
        said.append((type(failed.value), str(failed.value)))
    assert said == [(SignInFailed, "issuer_unreachable")] * 3


def signs_in(oidc: Oidc, hostile: HostileIssuer) -> Completed:
    url = oidc.begin(browser=BROWSER, target="devices", language="sv", now=now())
    return oidc.complete(args=hostile.approve(url), browser=BROWSER, now=now())


def test_one_after_the_other_nobody_waits(hostile: HostileIssuer, database: Database) -> None:
    oidc = Oidc(config_for(hostile.url, CLIENT_ID, "a-secret"), database)
    assert {signs_in(oidc, hostile).identity.subject for _ in range(2 * AT_ONCE)} == {"anna"}
