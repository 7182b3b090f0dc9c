"""Podero's token: fetched by one for all, and renewed before anybody has to wait for it."""

import threading
from collections.abc import Callable

import pytest

from portal.providers.podero_token import PoderoToken
from portal.providers.protocol import ProviderUnavailable
from tests.providers.clock import Clock
from tests.providers.contract import gateway
from tests.providers.scripted import Received, Scripted, reply

Serve = Callable[..., Scripted]
LIFE = 36000


class Issuer:
    """Gives out t1, t2 and so on, unless told to fail; waits for `go_on` when told to."""

    def __init__(self) -> None:
        self.given = 0
        self.fails = False
        self.asked = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, _: Received) -> bytes:
        self.asked.set()
        self.go_on.wait(5)
        if self.fails:
            return reply(503)
        self.given += 1
        return reply(200, {"access_token": f"t{self.given}", "expires_in": LIFE})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def server(issuer: Issuer, serve: Serve) -> Scripted:
    return serve(issuer)


@pytest.fixture
def token(server: Scripted, clock: Clock) -> PoderoToken:
    return PoderoToken(gateway(), server.url, "id", "secret", clock=clock)


def all_get(token: PoderoToken, count: int) -> list[str]:
    """What so many get who ask at once."""
    start = threading.Barrier(count)
    got: list[str] = []

    def ask() -> None:
        start.wait()
        got.append(token.get())

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


def test_five_hundred_who_find_it_expired_fetch_one(token: PoderoToken, clock: Clock, server: Scripted) -> None:
    assert token.get() == "t1"
    clock.now += LIFE
    assert all_get(token, 500) == ["t2"] * 500
    assert len(server.received) == 2


def test_towards_its_end_one_renews_it_while_all_others_use_it(
    token: PoderoToken, clock: Clock, issuer: Issuer, server: Scripted
) -> None:
    token.get()
    clock.now += 0.74 * LIFE
    assert all_get(token, 10) == ["t1"] * 10
    clock.now += 0.12 * LIFE
    issuer.go_on.clear()
    issuer.asked.clear()
    renewing = threading.Thread(target=token.get)
    renewing.start()
    assert issuer.asked.wait(5)
    assert all_get(token, 100) == ["t1"] * 100
    issuer.go_on.set()
    renewing.join()
    assert token.get() == "t2"
    assert len(server.received) == 2


def test_a_renewal_that_fails_is_tried_now_and_then_while_the_old_one_is_good(
    token: PoderoToken, clock: Clock, issuer: Issuer, server: Scripted
) -> None:
    token.get()
    issuer.fails = True
    clock.now += 0.9 * LIFE
    for _ in range(10):
        assert token.get() == "t1"
    assert len(server.received) == 2
    clock.now += 31
    assert token.get() == "t1"
    assert len(server.received) == 3
    issuer.fails = False
    clock.now += 31
    assert token.get() == "t2"


def test_without_a_good_one_a_fetch_that_fails_fails_for_all_who_wait(
    token: PoderoToken, clock: Clock, issuer: Issuer, server: Scripted
) -> None:
    token.get()
    issuer.fails = True
    clock.now += LIFE
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            token.get()
    assert len(server.received) == 3


def test_a_refused_one_is_not_used_though_it_would_be_good_for_long(
    token: PoderoToken, issuer: Issuer, server: Scripted
) -> None:
    token.drop(token.get())
    assert all_get(token, 50) == ["t2"] * 50
    token.drop("t1")
    assert token.get() == "t2"
    token.drop("t2")
    issuer.fails = True
    with pytest.raises(ProviderUnavailable):
        token.get()
    assert len(server.received) == 3


def test_a_fetch_that_was_cut_off_is_made_again(serve: Serve) -> None:
    answers = [b"", reply(200, {"access_token": "t", "expires_in": LIFE})]
    assert PoderoToken(gateway(), serve(lambda _: answers.pop(0)).url, "id", "secret").get() == "t"
