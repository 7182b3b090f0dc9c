"""A provider that fails is left alone until it is well again, and one that asks for peace has it."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from portal.providers.breaker import Breaker
from portal.providers.http import ComeBackLater, Gateway
from portal.providers.protocol import OutcomeUnknown, ProviderError, ProviderUnavailable, UnexpectedAnswer
from portal.providers.telematica import is_outage
from tests.providers.clock import Clock
from tests.providers.observed import Broken, Told
from tests.providers.scripted import Received, Scripted, reply

Serve = Callable[..., Scripted]


def call(breaker: Breaker, *, fails: bool) -> bool:
    """Whether the call was let through."""
    entry = breaker.enter()
    if entry.wait:
        return False
    breaker.leave(entry, failed=fails)
    return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


class TestBreaker:
    @pytest.fixture
    def breaker(self, clock: Clock) -> Breaker:
        return Breaker(clock=clock)

    def opened(self, breaker: Breaker) -> None:
        for _ in range(20):
            call(breaker, fails=True)
        assert breaker.wait() == 15

    def test_nineteen_failures_prove_nothing(self, breaker: Breaker) -> None:
        assert all(call(breaker, fails=True) for _ in range(19))
        assert breaker.wait() == 0

    @pytest.mark.parametrize(("failures", "is_open"), [(10, True), (9, False), (20, True)])
    def test_half_of_twenty_do(self, breaker: Breaker, failures: int, is_open: bool) -> None:
        for number in range(20):
            call(breaker, fails=number >= 20 - failures)
        assert (breaker.wait() > 0) is is_open

    def test_what_is_half_a_minute_ago_counts_no_more(self, breaker: Breaker, clock: Clock) -> None:
        for _ in range(19):
            call(breaker, fails=True)
        clock.now += 30
        assert all(call(breaker, fails=True) for _ in range(19))
        assert breaker.wait() == 0

    def test_one_probe_is_made_every_fifteen_seconds(self, breaker: Breaker, clock: Clock) -> None:
        self.opened(breaker)
        sent = 0
        for _ in range(600):
            sent += sum(call(breaker, fails=True) for _ in range(10))
            clock.now += 1
        assert sent == 39

    def test_nobody_goes_along_with_a_probe(self, breaker: Breaker, clock: Clock) -> None:
        self.opened(breaker)
        clock.now += 15
        probe = breaker.enter()
        assert probe.is_probe
        assert breaker.enter().wait == 15
        breaker.leave(probe, failed=False)
        assert breaker.enter().wait == 0

    def test_a_good_probe_closes_it_and_the_past_is_forgotten(self, breaker: Breaker, clock: Clock) -> None:
        self.opened(breaker)
        clock.now += 15
        assert call(breaker, fails=False)
        assert all(call(breaker, fails=True) for _ in range(19))

    def test_a_call_that_was_under_way_when_it_opened_decides_nothing(self, breaker: Breaker) -> None:
        late = breaker.enter()
        self.opened(breaker)
        assert breaker.leave(late, failed=False) == 0
        assert breaker.wait() == 15

    def test_peace_ends_when_the_longest_wish_does(self, breaker: Breaker, clock: Clock) -> None:
        breaker.leave_in_peace(60)
        breaker.leave_in_peace(5)
        assert breaker.enter().wait == 60
        clock.now += 59.5
        assert breaker.enter().wait == 0.5
        clock.now += 0.5
        assert call(breaker, fails=False)


class TestOutage:
    """The same over the wire."""

    def gateway(self, told: Told | None = None, clock: Callable[[], float] = time.monotonic) -> Gateway:
        return Gateway("acme", observer=told, breaker=Breaker(least=4, clock=clock), pauses=(0.01, 0.02))

    def look(self, gateway: Gateway, server: Scripted, method: str = "GET") -> None:
        gateway.settled("look", gateway.call("look", method, server.url))

    def fail(self, gateway: Gateway, server: Scripted, times: int, method: str = "GET") -> None:
        for _ in range(times):
            with pytest.raises(ProviderError):
                self.look(gateway, server, method)

    def test_an_outage_costs_the_provider_hardly_a_call_and_ends_by_itself(self, serve: Serve, clock: Clock) -> None:
        told = Told()
        gateway, server = self.gateway(told, clock), serve(lambda _: reply(500))
        self.fail(gateway, server, 4)
        clock.now += 5
        with pytest.raises(ProviderUnavailable, match="held back") as held:
            self.look(gateway, server)
        assert held.value.retry_after == 10
        assert len(server.received) == 4
        assert told.pauses == [15]
        clock.now += 10
        self.fail(gateway, server, 10)
        assert len(server.received) == 5
        assert len(told.pauses) == 2
        server.answering = lambda _: reply(200, {})
        clock.now += 15
        for _ in range(5):
            self.look(gateway, server)
        assert told.calls == [True] * 5 + [False] * 5
        assert told.whom == {"acme"}
        assert all(0 <= taken < 1000 for taken in told.milliseconds)

    @pytest.mark.parametrize(
        ("answer", "method"),
        [
            (b"", "GET"),
            (b"", "POST"),
            (reply(200, b'{"a"', content_length="400"), "POST"),
            (reply(302, location="/x"), "GET"),
            (reply(200, b"<html>", content_type="text/html"), "GET"),
            (reply(502, b"<html>", content_type="text/html"), "POST"),
        ],
    )
    def test_whatever_is_no_answer_counts_as_failed(self, serve: Serve, answer: bytes, method: str) -> None:
        gateway, server = self.gateway(), serve(lambda _: answer)
        self.fail(gateway, server, 5, method)
        assert len(server.received) == 4

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 422])
    def test_a_refusal_is_no_outage(self, serve: Serve, status: int) -> None:
        told = Told()
        gateway, server = self.gateway(told), serve(lambda _: reply(status, {}))
        self.fail(gateway, server, 10)
        assert told.calls == [False] * 10
        assert told.pauses == []

    def test_what_the_customer_can_mend_is_no_outage_of_telematica(self, serve: Serve) -> None:
        told = Told()
        gateway = Gateway("acme", observer=told, is_outage=is_outage, breaker=Breaker(least=4))
        server = serve(lambda _: reply(500, {"action": {"user": "PLUG_IN_CABLE"}}))
        for _ in range(10):
            assert gateway.call("open", "POST", server.url).status == 500
        server.answering = lambda _: reply(500, {"action": {"dev": "CALL_US"}})
        with pytest.raises(OutcomeUnknown):
            self.look(gateway, server, "POST")
        assert told.calls == [False] * 10 + [True]

    def test_an_observer_that_fails_fails_no_call(self, serve: Serve) -> None:
        gateway = Gateway("acme", observer=Broken())
        server = serve(lambda _: reply(429, {}, retry_after="9"))
        assert gateway.call("look", "GET", server.url).status == 429


class TestPeace:
    @pytest.mark.parametrize(("status", "spelling"), [(429, "seconds"), (429, "date"), (503, "seconds")])
    def test_no_call_is_sent_before_the_time_the_provider_names(self, serve: Serve, status: int, spelling: str) -> None:
        until = datetime.now(UTC) + timedelta(seconds=3.2)
        named = "2" if spelling == "seconds" else format_datetime(until, usegmt=True)
        answers = [reply(status, {}, retry_after=named), reply(200, {})]
        told = Told()
        gateway, server = Gateway("acme", observer=told), serve(lambda _: answers.pop(0))
        answered = gateway.call("look", "GET", server.url)
        sent_at = time.monotonic()
        assert answered.retry_after is not None
        assert told.pauses == [pytest.approx(answered.retry_after, abs=0.01)]
        while len(server.received) == 1:
            with suppress(ComeBackLater):
                gateway.call("open", "POST", server.url)
            time.sleep(0.02)
        assert time.monotonic() - sent_at >= answered.retry_after - 0.01

    def test_too_many_without_a_time_is_a_second_of_peace(self, serve: Serve, clock: Clock) -> None:
        told = Told()
        gateway, server = Gateway("acme", observer=told, breaker=Breaker(clock=clock)), serve(lambda _: reply(429))
        gateway.call("look", "GET", server.url)
        with pytest.raises(ComeBackLater) as held:
            gateway.call("look", "GET", server.url)
        assert held.value.retry_after == 1
        assert told.pauses == [1]

    @pytest.mark.parametrize(
        ("status", "headers"), [(503, {}), (500, {"retry_after": "60"}), (429, {"retry_after": "0"})]
    )
    def test_who_names_no_time_is_asked_again(self, serve: Serve, status: int, headers: dict[str, str]) -> None:
        gateway, server = Gateway("acme"), serve(lambda _: reply(status, b"", **headers))
        for _ in range(3):
            gateway.call("look", "GET", server.url)

    def test_a_day_of_peace_is_told_as_a_day_and_kept_for_ten_minutes(self, serve: Serve, clock: Clock) -> None:
        told = Told()
        gateway = Gateway("acme", observer=told, breaker=Breaker(clock=clock))
        server = serve(lambda _: reply(429, b"", retry_after="86400"))
        with pytest.raises(ComeBackLater) as stated:
            gateway.settled("look", gateway.call("look", "GET", server.url))
        assert stated.value.retry_after == 86400
        with pytest.raises(ComeBackLater) as held:
            gateway.call("look", "GET", server.url)
        assert held.value.retry_after == 600
        assert told.pauses == [600]

    def test_another_provider_is_called_meanwhile(self, serve: Serve) -> None:
        busy, well = Gateway("busy"), Gateway("well")
        busy.call("look", "GET", serve(lambda _: reply(429)).url)
        assert well.call("look", "GET", serve(lambda _: reply(200, {})).url).is_success


class TestQuotas:
    """ "Too many" holds back what it was about, and everything only where that is what it means."""

    def refused(self, gateway: Gateway, server: Scripted, customer: str, device: str = "d") -> None:
        assert gateway.call("renew", "POST", f"{server.url}/{customer}/{device}", about=customer).status == 429

    def is_held(self, gateway: Gateway, server: Scripted, name: str, path: str, customer: str | None) -> bool:
        try:
            gateway.call(name, "GET", f"{server.url}/{path}", about=customer)
        except ComeBackLater as held:
            return held.is_untried
        return False

    def door(self, clock: Clock, told: Told | None = None) -> Gateway:
        return Gateway("acme", observer=told, breaker=Breaker(clock=clock))

    def test_one_customers_quota_stops_that_call_of_that_customer_alone(self, serve: Serve, clock: Clock) -> None:
        told = Told()
        gateway, server = self.door(clock, told), serve(lambda _: reply(429, {}, retry_after="900"))
        self.refused(gateway, server, "anna")
        server.answering = lambda _: reply(200, {})
        assert self.is_held(gateway, server, "renew", "anna/d", "anna")
        assert not self.is_held(gateway, server, "list", "anna", "anna")
        assert not self.is_held(gateway, server, "renew", "anna/another", "anna")
        assert not self.is_held(gateway, server, "renew", "bo/d", "bo")
        assert not self.is_held(gateway, server, "token", "token", None)
        assert told.pauses == []
        clock.now += 600
        assert not self.is_held(gateway, server, "renew", "anna/d", "anna")

    def test_one_customer_who_asks_again_and_again_is_still_one(self, serve: Serve, clock: Clock) -> None:
        gateway, server = self.door(clock), serve(lambda _: reply(429, {}, retry_after="60"))
        for device in "abcdefgh":
            self.refused(gateway, server, "anna", device)
        server.answering = lambda _: reply(200, {})
        assert not self.is_held(gateway, server, "renew", "bo/d", "bo")

    def test_what_several_customers_are_told_at_a_time_is_meant_for_all(self, serve: Serve, clock: Clock) -> None:
        told = Told()
        gateway, server = self.door(clock, told), serve(lambda _: reply(429, {}, retry_after="60"))
        self.refused(gateway, server, "anna")
        clock.now += 10
        self.refused(gateway, server, "bo")
        server.answering = lambda _: reply(200, {})
        assert self.is_held(gateway, server, "list", "cecilia", "cecilia")
        assert told.pauses == [60]
        clock.now += 60
        assert not self.is_held(gateway, server, "list", "cecilia", "cecilia")

    def test_quotas_of_two_customers_minutes_apart_are_their_own(self, serve: Serve, clock: Clock) -> None:
        gateway, server = self.door(clock), serve(lambda _: reply(429, {}, retry_after="600"))
        self.refused(gateway, server, "anna")
        clock.now += 60
        self.refused(gateway, server, "bo")
        server.answering = lambda _: reply(200, {})
        assert not self.is_held(gateway, server, "list", "cecilia", "cecilia")
        assert self.is_held(gateway, server, "renew", "anna/d", "anna")

    @pytest.mark.parametrize(("status", "customer"), [(429, None), (503, "anna")])
    def test_a_call_for_everybody_and_an_outage_hold_everybody_back(
        self, serve: Serve, clock: Clock, status: int, customer: str | None
    ) -> None:
        gateway, server = self.door(clock), serve(lambda _: reply(status, {}, retry_after="60"))
        gateway.call("token", "POST", server.url, about=customer)
        assert self.is_held(gateway, server, "list", "bo", "bo")


class TestBulkhead:
    def test_no_more_calls_are_under_way_than_allowed_and_all_are_made(self, serve: Serve) -> None:
        now, most, lock = 0, 0, threading.Lock()

        def answering(_: Received) -> bytes:
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.02)
            with lock:
                now -= 1
            return reply(200, {})

        server = serve(answering)
        gateway = Gateway("acme", concurrency=3)
        threads = [threading.Thread(target=gateway.call, args=("look", "GET", server.url)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.received) == 20
        assert most == 3

    def test_who_gets_no_place_in_time_has_sent_nothing_and_is_no_failure_of_the_provider(self, serve: Serve) -> None:
        is_called, go_on = threading.Event(), threading.Event()

        def answering(_: Received) -> bytes:
            is_called.set()
            go_on.wait(30)
            return reply(200, {})

        told = Told()
        server = serve(answering)
        gateway = Gateway("acme", concurrency=1, deadline=0.3, observer=told)
        patient = Gateway("acme", concurrency=1)
        patient._places = gateway._places
        thread = threading.Thread(target=patient.call, args=("look", "GET", server.url))
        thread.start()
        assert is_called.wait(30)
        started = time.monotonic()
        with pytest.raises(ProviderUnavailable, match="too many calls") as refused:
            gateway.call("open", "POST", server.url)
        assert 0.3 <= time.monotonic() - started < 4
        assert not isinstance(refused.value, OutcomeUnknown)
        go_on.set()
        thread.join()
        assert len(server.received) == 1
        assert told.calls == []

    def test_a_place_is_free_again_whatever_came_of_the_call(self, serve: Serve) -> None:
        answers = [b"", reply(302, location="/x"), reply(200, b"{"), reply(500), reply(200, {})]
        server = serve(lambda _: answers.pop(0))
        gateway = Gateway("acme", concurrency=1)
        for expected in (OutcomeUnknown, UnexpectedAnswer, UnexpectedAnswer):
            with pytest.raises(expected):
                gateway.call("open", "POST", server.url)
        assert [gateway.call("open", "POST", server.url).status for _ in range(2)] == [500, 200]
