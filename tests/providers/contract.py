"""What every provider promises, tried against the sandbox over real HTTP; each provider's test class inherits it."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.domain.catalogue import OTHER_VENDOR, DeviceType
from portal.domain.device import Connection, DeviceReading
from portal.domain.link_session import ArrivalHints
from portal.domain.people import ProviderAccount
from portal.providers.http import Gateway
from portal.providers.offers import vendors
from portal.providers.protocol import (
    Departing,
    Departure,
    EventRefused,
    Provider,
    ProviderRefused,
    ProviderUnavailable,
    Removal,
    Returns,
    UnexpectedAnswer,
)
from portal.sandbox.program import RunningSandbox
from tests.providers.scripted import Received, Scripted, reply

PSEUDONYM = "c7f0a1d2e3b4"
LANGUAGES = ("sv", "de", "en", "hu", "it", "et", "pl", "ro", "nl", "fr", "es")
WEIRD = st.text(max_size=200) | st.sampled_from(["a,b", "%00", "e30", "[]", "../..", "0" * 24, "null"])
QUERIES = st.dictionaries(
    st.sampled_from(["data", "deviceId", "devices", "deviceType", "error", "x"]),
    st.lists(WEIRD, max_size=3),
    max_size=4,
)


def gateway() -> Gateway:
    """One for each provider under test: it remembers how calls went."""
    return Gateway("tested", connect_timeout=1.0, deadline=5.0, pauses=(0.01, 0.02))


def an_account(pseudonym: str = PSEUDONYM, provider_user_id: str | None = None) -> ProviderAccount:
    return ProviderAccount("account", "customer", "tested", pseudonym, provider_user_id)


class World(ABC):
    """One provider in the sandbox, and a customer who walks its Connect UI."""

    key: str
    device_type: DeviceType
    vendor: str
    vendor_code: str | None
    login: str = "demo@vendor.example"
    other_login: str = "other@vendor.example"

    def __init__(self, sandbox: RunningSandbox, portal: Scripted) -> None:
        self.sandbox = sandbox
        self.portal = portal
        self.account = an_account()
        self.provider = self.made()

    @abstractmethod
    def made(self, *, base: str | None = None, door: Gateway | None = None, **changes: Any) -> Provider:
        """The provider, at the sandbox or at another address, with some settings changed."""

    @abstractmethod
    def opened(self, url: str) -> Mapping[str, object]:
        """What the API answers to an opened link, but for the address of the Connect UI."""

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    def departing(self, **changes: Any) -> Departing:
        arrival = f"{self.portal.url}/return/{self.key}"
        returns = Returns(f"{arrival}/secret/success", f"{arrival}/secret/cancel")
        if not self.provider.traits.own_arrival_url:
            returns = Returns(arrival, arrival)
        return Departing(
            **{
                "account": self.account,
                "device_type": self.device_type,
                "vendor_code": self.vendor_code,
                "language": "en",
                "returns": returns,
                "reference": "attempt-1",
                **changes,
            }
        )

    def leave(self, **changes: Any) -> Departure:
        """The customer presses connect."""
        user = self.provider.ensure_user(self.account, email=None)
        self.account = replace(self.account, provider_user_id=user)
        return self.provider.begin_link(self.departing(**changes), now=self.now)

    def renew(self, device_id: str, **changes: Any) -> Departure:
        """The customer presses reconnect."""
        return self.provider.begin_reauthentication(self.departing(**changes), device_id, now=self.now)

    def walk(self, departure: Departure, login: str | None = None) -> ArrivalHints:
        """The customer signs in at the vendor and comes back."""
        with requests.Session() as browser:
            browser.trust_env = False
            url = departure.connect_url
            page = browser.get(url, timeout=5).text
            if 'name="vendor"' in page:
                browser.post(url, data={"vendor": self.vendor}, timeout=5)
            signed = {"username": login or self.login, "password": "Demo1234", "action": "sign-in"}
            return self.back(browser, url, browser.post(url, data=signed, timeout=5, allow_redirects=False))

    def turn_back(self, departure: Departure) -> ArrivalHints:
        """The customer presses cancel."""
        with requests.Session() as browser:
            browser.trust_env = False
            url = departure.connect_url
            answer = browser.post(url, data={"action": "cancel"}, timeout=5, allow_redirects=False)
            return self.back(browser, url, answer)

    def back(self, browser: requests.Session, url: str, answer: requests.Response) -> ArrivalHints:
        location = answer.headers.get("Location", "")
        while location.startswith("/"):
            answer = browser.get(urljoin(url, location), timeout=5, allow_redirects=False)
            location = answer.headers.get("Location", "")
        parts = urlsplit(location)
        assert location.startswith(self.portal.url), answer.text
        hints = self.provider.read_arrival(
            parts.path.rpartition("/")[2] if parts.path.count("/") > 2 else "",
            parse_qs(parts.query, keep_blank_values=True),
        )
        if hints.provider_user_id:
            self.account = replace(self.account, provider_user_id=hints.provider_user_id)
        return hints

    def readings(self) -> tuple[DeviceReading, ...]:
        """What the provider says is linked."""
        return self.provider.list_devices(self.account, frozenset(DeviceType))

    def break_device(self, device_id: str) -> None:
        self._control("devices", f"{self.key}/{device_id}/break")

    def fail(self, status: int, count: int = 50) -> None:
        self.sandbox.state.set_faults(self.key, {"fail_count": count, "fail_status": status})

    def choose(self, **variants: str) -> None:
        self.sandbox.state.choose_variants(self.key, variants)

    def _control(self, what: str, path: str) -> None:
        answer = requests.post(f"{self.sandbox.url}/control/{what}/{path}", timeout=5, allow_redirects=False)
        assert answer.status_code < 400, answer.text


class ProviderContract:
    """Inherit it, and name the world."""

    world_class: type[World]

    @pytest.fixture
    def world(self, running_sandbox: tuple[RunningSandbox, Scripted]) -> World:
        sandbox, portal = running_sandbox
        sandbox.state.reset()
        portal.received.clear()
        return self.world_class(sandbox, portal)

    def test_it_declares_what_the_pages_follow(self, world: World) -> None:
        traits = world.provider.traits
        assert traits.key == world.key
        assert traits.connect_hosts == (world.sandbox.config.host,)
        assert traits.fallback_language in traits.languages
        assert set(traits.languages) <= set(LANGUAGES)

    def test_every_offer_is_of_a_known_vendor_once(self, world: World) -> None:
        offers = world.provider.offers()
        assert {offer.provider_key for offer in offers} == {world.key}
        assert all(vendors()[offer.vendor.key] == offer.vendor for offer in offers)
        places = [(offer.device_type, offer.vendor.key) for offer in offers]
        assert len(places) == len(set(places))
        asked_there = {offer.vendor.key for offer in offers if offer.vendor_code is None}
        assert OTHER_VENDOR in asked_there

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_a_customer_meets_the_language_that_was_announced(self, world: World, language: str) -> None:
        departure = world.leave(language=language)
        page = requests.get(departure.connect_url, timeout=5).text
        assert f'<html lang="{world.provider.traits.language_shown(language)}"' in page

    def test_a_link_ends_when_it_says(self, world: World) -> None:
        lifetime = world.provider.traits.link_lifetime
        ends = world.leave().expires_at
        assert ends is not None
        assert timedelta() < ends - world.now <= (lifetime or timedelta(days=3))

    def test_a_customer_links_a_device_and_the_provider_confirms_it(self, world: World) -> None:
        hints = world.walk(world.leave())
        assert len(hints.device_ids) == 1
        assert not hints.cancelled
        (reading,) = world.readings()
        assert reading.provider_device_id == hints.device_ids[0]
        assert reading.device_type is world.device_type
        assert reading.connection is Connection.WORKING
        assert reading.vendor_name == vendors()[world.vendor.lower()].name
        assert reading.model

    def test_nobody_has_devices_before_linking(self, world: World) -> None:
        assert world.readings() == ()
        world.leave()
        assert world.readings() == ()

    def test_a_customer_who_turns_back_has_linked_nothing(self, world: World) -> None:
        hints = world.turn_back(world.leave())
        assert hints.cancelled
        assert hints.device_ids == ()
        assert world.readings() == ()

    def test_another_customer_sees_nothing_of_it(self, world: World) -> None:
        world.walk(world.leave())
        world.account = an_account("another-pseudonym")
        world.leave()
        assert world.readings() == ()

    def test_a_lapsed_device_is_renewed_by_signing_in_again(self, world: World) -> None:
        (device_id,) = world.walk(world.leave()).device_ids
        world.break_device(device_id)
        assert self.connection(world) is Connection.NEEDS_REAUTHENTICATION
        hints = world.walk(world.renew(device_id))
        assert not hints.unreadable
        assert self.connection(world) is Connection.WORKING

    def test_what_cannot_be_removed_there_says_so(self, world: World) -> None:
        (device_id,) = world.walk(world.leave()).device_ids
        removal = world.provider.remove_device(world.account, device_id, world.device_type)
        assert removal is (Removal.GONE if world.provider.traits.removes_devices else Removal.NOT_OFFERED)
        assert bool(world.readings()) is not world.provider.traits.removes_devices

    def test_who_cannot_be_forgotten_there_is_not_said_to_be(self, world: World) -> None:
        world.walk(world.leave())
        deletes = world.provider.traits.deletes_users
        assert world.provider.delete_user(world.account) is (Removal.GONE if deletes else Removal.NOT_OFFERED)
        if deletes:
            assert world.provider.delete_user(world.account) is Removal.GONE

    @pytest.mark.parametrize("status", [500, 502, 503, 429])
    def test_a_provider_in_trouble_is_unavailable(self, world: World, status: int) -> None:
        world.fail(status)
        with pytest.raises(ProviderUnavailable):
            world.leave()

    @pytest.mark.parametrize("status", [400, 401, 403, 422])
    def test_a_refusal_is_our_fault(self, world: World, status: int) -> None:
        world.fail(status)
        with pytest.raises(ProviderRefused):
            world.leave()

    def test_nobody_there_is_unavailable(self, world: World) -> None:
        world.provider = world.made(base="http://127.0.0.1:1")
        with pytest.raises(ProviderUnavailable):
            world.leave()

    @pytest.mark.parametrize(
        "answer",
        [
            reply(302, Location="http://127.0.0.1:1/x"),
            reply(200, b"<html>502</html>", content_type="text/html"),
            reply(200, b"{", content_type="application/json"),
            reply(200, b""),
            reply(200, []),
            reply(200, {}),
        ],
        ids=["redirect", "html", "broken", "empty", "list", "nothing in it"],
    )
    def test_an_answer_nobody_expects_is_an_alarm(
        self, world: World, serve: Callable[..., Scripted], answer: bytes
    ) -> None:
        world.provider = world.made(base=serve(lambda _: answer).url)
        with pytest.raises(UnexpectedAnswer):
            world.leave()

    @pytest.mark.parametrize(
        "url",
        ["javascript:alert(1)", "https://evil.example/", "http://{host}@evil.example/", "//{host}/", "", None, 7, []],
    )
    def test_a_hostile_address_never_leaves_the_server(
        self, world: World, serve: Callable[..., Scripted], url: Any
    ) -> None:
        hostile = url.format(host=world.sandbox.config.host) if isinstance(url, str) else url
        world.account = an_account(provider_user_id="11111111-2222-4333-8444-555555555555")

        def answering(request: Received) -> bytes:
            if request.path.endswith("/token"):
                return reply(200, {"access_token": "t", "expires_in": 3600})
            return reply(200, world.opened(hostile))

        world.provider = world.made(base=serve(answering).url)
        with pytest.raises(UnexpectedAnswer) as refused:
            world.leave()
        assert "evil" not in str(refused.value)

    def test_no_secret_is_told_by_errors_and_logs(self, world: World, logged: list[dict[str, object]]) -> None:
        departure = world.leave()
        told = [repr(logged)]
        world.fail(500)
        with pytest.raises(ProviderUnavailable) as failed:
            world.leave()
        told += [repr(failed.value), repr(failed.getrepr(chain=True))]
        secrets = {
            value for name, value in vars_of(world.sandbox.config).items() if re.search("secret|key|token", name)
        }
        in_url = parse_qs(urlsplit(departure.connect_url).query).values()
        secrets |= {departure.connect_url, *(value for (value,) in in_url if len(value) > 15)}
        if departure.provider_reference:
            secrets.discard(departure.provider_reference)
        assert not [secret for secret in secrets if any(secret in words for words in (told[0], told[1]))]

    def test_any_return_is_read_without_trouble(self, world: World) -> None:
        @given(path=st.sampled_from(["", "success", "cancel", "x"]), query=QUERIES)
        @settings(max_examples=100, deadline=None)
        def read(path: str, query: dict[str, list[str]]) -> None:
            assert len(world.provider.read_arrival(path, query).device_ids) <= 50

        read()

    def test_an_unproven_event_is_refused(self, world: World) -> None:
        with pytest.raises(EventRefused):
            world.provider.read_event({}, b"{}", now=world.now)

    def connection(self, world: World) -> Connection:
        (reading,) = world.readings()
        return reading.connection


def vars_of(config: Any) -> dict[str, str]:
    return {name: getattr(config, name) for name in config.__dataclass_fields__}
