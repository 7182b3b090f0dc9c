"""Podero: onboarding sessions, devices of four types and their reauthentication, over the Partner API v2.0."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from urllib.parse import parse_qs, urlsplit

import structlog

from portal.domain.catalogue import DeviceType, Offer
from portal.domain.device import DeviceReading
from portal.domain.link_session import ArrivalHints
from portal.domain.people import ProviderAccount
from portal.domain.provider_event import ProviderEvent
from portal.providers.answers import Answer, members, uuid
from portal.providers.connect_url import trusted_connect_url
from portal.providers.http import Gateway
from portal.providers.offers import offers_of
from portal.providers.podero_api import SEGMENTS, PoderoApi, user_of
from portal.providers.podero_list import PoderoList
from portal.providers.podero_rows import cure_of, end_of_session
from portal.providers.podero_token import PoderoToken
from portal.providers.protocol import (
    Departing,
    Departure,
    EventRefused,
    PseudonymTaken,
    Removal,
    Traits,
    UnexpectedAnswer,
)

log = structlog.get_logger(__name__)

KEY = "podero"
LANGUAGES = ("sv", "de", "en", "hu", "it", "et", "pl", "ro")
SKIP_TO = {
    DeviceType.HEAT_PUMP: "hp",
    DeviceType.VEHICLE: "ev",
    DeviceType.CHARGER: "wb",
    DeviceType.INVERTER: "iv",
}
PRICE_ZONES = (
    "AT", "AT_HOURLY", "BE", "CH", "EE", "DE_LU", "HU", "IT_CNOR", "IT_CSUD", "IT_NORD", "IT_PUN", "IT_SARD", "IT_SICI",
    "IT_SUD", "PT", "RO", "SE_1", "SE_2", "SE_3", "SE_4", "UK",
)  # fmt: skip
MARKET_ZONES = {
    "AT": "AT", "BE": "BE", "CH": "CH", "EE": "EE", "DE": "DE_LU", "LU": "DE_LU", "HU": "HU", "PT": "PT", "RO": "RO",
    "GB": "UK", "UK": "UK",
}  # fmt: skip
"""Markets with one price zone; Sweden and Italy have several, so nothing is sent unless somebody says which."""
ABSENT = frozenset({404, 405})
MAY_KNOW_NO_USER = frozenset({400, 404, 422})
ASKS_AGAIN = frozenset({401, 408, 425, 429})
"""Statuses that say nothing of whether Podero removes devices."""
GONE = frozenset({200, 202, 204, 404})
CUE_PATH = re.compile(r".*/cues/(?P<cue>[A-Za-z0-9_-]{1,100})(?:/resolve)?/?")
LONGEST_CUE = 4000


@dataclass(frozen=True, slots=True)
class PoderoConfig:
    """One organisation at Podero. `email_domain` makes the alias addresses; `price_zone` overrides the market's."""

    base_url: str
    token_url: str
    org_id: str
    client_id: str
    client_secret: str
    connect_hosts: tuple[str, ...]
    email_domain: str
    send_customer_email: bool = False
    price_zone: str | None = None
    market: str = ""
    smart_control: bool = False
    delete_devices: bool = False


class Podero:
    """A device's vendor is chosen in its Connect UI; what is linked and how it fares must be asked."""

    def __init__(self, config: PoderoConfig, gateway: Gateway) -> None:
        self._config = config
        self._gateway = gateway
        token = PoderoToken(gateway, config.token_url, config.client_id, config.client_secret)
        self._api = PoderoApi(gateway, token, base_url=config.base_url, org_id=config.org_id)
        self._list = PoderoList(self._api, gateway)

    @cached_property
    def traits(self) -> Traits:
        return Traits(
            key=KEY,
            name="Podero",
            languages={language: language for language in LANGUAGES},
            connect_hosts=self._config.connect_hosts,
            link_lifetime=None,
            own_arrival_url=True,
            preselects_vendor=False,
            reads_devices=True,
            removes_devices=self._config.delete_devices,
            deletes_users=True,
            smart_control=self._config.smart_control,
        )

    def offers(self) -> tuple[Offer, ...]:
        return offers_of(KEY)

    def ensure_user(self, account: ProviderAccount, *, email: str | None) -> str | None:
        """Looked up first: an earlier creation may have succeeded without our hearing of it."""
        if account.provider_user_id is not None:
            return account.provider_user_id
        known = self._api.find_user(account.pseudonym)
        if known is not None:
            return known
        alias = f"{account.pseudonym}@{self._config.email_domain}"
        if email and self._config.send_customer_email:
            by_address = self._api.create_user(account.pseudonym, email, adopts=True)
            if by_address is not None:
                return by_address
            log.warning("address_taken", provider=KEY, hint="the alias stands in")
        made = self._api.create_user(account.pseudonym, alias)
        if made is None:
            log.error("pseudonym_taken", provider=KEY, hint="a new one is tried once; then ask Podero who holds it")
            raise PseudonymTaken("podero create user: refused, and nobody has the name or the address")
        return made

    def begin_link(self, departing: Departing, *, now: datetime) -> Departure:
        user = user_of(departing.account)
        body: dict[str, object] = {
            "success_url": departing.returns.success,
            "cancel_url": departing.returns.cancel,
            "user_id": user,
            "language": self.traits.language_shown(departing.language),
            "skip_to": SKIP_TO[departing.device_type],
            "is_smart_optimization_active_default": self._config.smart_control,
            "external_metadata": {"link_session": departing.reference},
        }
        stated = (departing.price_zone, self._config.price_zone, self._config.market)
        zone = next((zone for zone in map(price_zone, stated) if zone is not None), None)
        if departing.price_zone is not None and price_zone(departing.price_zone) is None:
            log.warning("price_zone_unknown", provider=KEY, zone=departing.price_zone, used=zone)
        if zone is not None:
            body["price_zone_default"] = zone
        about = departing.account.pseudonym
        answer = self._api.call("open onboarding", "POST", "/device-onboarding", json=body, about=about)
        if answer.status in MAY_KNOW_NO_USER:
            self._api.require_user(departing.account)
        opened = members(self._gateway.settled("open onboarding", answer).body)
        if uuid(opened.get("user")) not in (None, user):
            raise UnexpectedAnswer("podero open onboarding: session of another user")
        reference = uuid(opened.get("id"))
        log.info("onboarding_opened", provider=KEY, onboarding_session=reference)
        return Departure(
            connect_url=trusted_connect_url(opened.get("authentication_url"), self._config.connect_hosts),
            provider_reference=reference,
            expires_at=end_of_session(opened.get("expiration_date"), now),
        )

    def begin_reauthentication(self, departing: Departing, provider_device_id: str, *, now: datetime) -> Departure:
        """The device's own session; else the cure its open action names; else a new onboarding session."""
        place = self._api.place_of(departing.account, departing.device_type, provider_device_id)
        sent = {"success_url": departing.returns.success, "cancel_url": departing.returns.cancel}
        about = departing.account.pseudonym
        answer = self._api.call("open reauthentication", "POST", f"{place}/auth_session", json=sent, about=about)
        if answer.status not in ABSENT:
            opened = members(self._gateway.settled("open reauthentication", answer).body)
            if opened.get("authentication_url") is not None:
                return self._reopened(opened, provider_device_id)
        return self._cured(departing, place) or self.begin_link(departing, now=now)

    def read_arrival(self, path: str, query: Mapping[str, Sequence[str]]) -> ArrivalHints:
        if path == "cancel":
            return ArrivalHints(cancelled=True)
        given = query.get("deviceId", ())
        ids = tuple(dict.fromkeys(uuid(value) for value in given))
        if len(ids) > 1 or None in ids:
            return ArrivalHints(unreadable=True)
        return ArrivalHints(device_ids=tuple(device_id for device_id in ids if device_id is not None))

    def list_devices(self, account: ProviderAccount, device_types: frozenset[DeviceType]) -> tuple[DeviceReading, ...]:
        """Deleted devices too, each marked so: one that is merely not named may only be late."""
        if account.provider_user_id is None:
            return ()
        wanted = [device_type for device_type in SEGMENTS if device_type in device_types]
        return tuple(reading for device_type in wanted for reading in self._list.of_type(account, device_type))

    def session_devices(self, account: ProviderAccount, provider_reference: str) -> tuple[str, ...]:
        """The session's `object_id`: null until a device is there (its page, "Get device onboarding session")."""
        session = uuid(provider_reference)
        answer = self._read_onboarding(account, session) if session else None
        if answer is None or answer.status == 404:
            return ()
        read = members(self._gateway.settled("read onboarding", answer).body)
        device_id = uuid(read.get("object_id"))
        is_theirs = uuid(read.get("user")) in (None, account.provider_user_id)
        return (device_id,) if device_id is not None and is_theirs else ()

    def _read_onboarding(self, account: ProviderAccount, session: str) -> Answer:
        path = f"/device-onboarding/{session}"
        return self._api.call("read onboarding", "GET", path, about=account.pseudonym)

    def read_known(self, account: ProviderAccount, known: Mapping[str, DeviceType]) -> tuple[DeviceReading, ...]:
        return self.list_devices(account, frozenset(known.values()))

    def remove_device(self, account: ProviderAccount, provider_device_id: str, device_type: DeviceType) -> Removal:
        """Whether Podero removes devices is undocumented, hence a setting; a refusal means that it does not."""
        if not self._config.delete_devices:
            return Removal.NOT_OFFERED
        place = self._api.place_of(account, device_type, provider_device_id)
        about = account.pseudonym
        answer = self._api.call("remove device", "DELETE", place, needs_json=False, removes=True, about=about)
        if answer.status in GONE:
            return Removal.GONE
        if answer.status >= 500 or answer.status in ASKS_AGAIN:
            self._gateway.settled("remove device", answer)
        return Removal.NOT_OFFERED

    def delete_user(self, account: ProviderAccount) -> Removal:
        """Immediate and for good; the path is inferred, so a refusal means that Podero has no such call.

        A user that was there before us is its owner's: it loses its devices here, and support has the last word.
        """
        is_owners = account.adopted
        if self._config.send_customer_email and not is_owners:
            # Adopted, perhaps, before that was kept.
            is_owners = self._api.was_there_before(account)
        if is_owners:
            log.error("adopted_user_kept", provider=KEY, hint="ask its owner before Podero deletes it")
            return Removal.NOT_OFFERED
        answer = self._api.delete_user(account)
        if answer is None:
            return Removal.GONE
        if answer.status >= 500 or answer.status in ASKS_AGAIN:
            self._gateway.settled("delete user", answer)
        return Removal.NOT_OFFERED

    def read_event(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> ProviderEvent:
        raise EventRefused("podero sends no events")

    def _reopened(self, opened: Mapping[str, object], provider_device_id: str) -> Departure:
        if uuid(opened.get("device_id")) not in (None, provider_device_id):
            raise UnexpectedAnswer("podero open reauthentication: session of another device")
        url = trusted_connect_url(opened.get("authentication_url"), self._config.connect_hosts)
        return Departure(url, uuid(opened.get("session_id")), None)

    def _cured(self, departing: Departing, place: str) -> Departure | None:
        """The way of the cues: the cure of the device's open action, where it has one and it is Podero's own."""
        about = departing.account.pseudonym
        detail = self._api.call("read device", "GET", place, about=about)
        cue = self._cue_in(cure_of(members(detail.body))) if detail.is_success else None
        if cue is None:
            return None
        cue_id, secret = cue
        sent: dict[str, object] = {
            "successUrl": departing.returns.success,
            "cancelUrl": departing.returns.cancel,
            "language": self.traits.language_shown(departing.language),
            "location": {},
            "clientInfo": {},
        }
        place, query = f"/cues/{cue_id}/resolve", {"secret": secret}
        answer = self._api.call("resolve cue", "POST", place, query=query, json=sent, about=about)
        if 400 <= answer.status < 500 and answer.status != 429:
            return None
        cured = members(self._gateway.settled("resolve cue", answer).body)
        if cured.get("redirect_url") is None:
            return None
        return Departure(trusted_connect_url(cured.get("redirect_url"), self._config.connect_hosts), None, None)

    def _cue_in(self, url: str | None) -> tuple[str, str] | None:
        """The cue's id and secret, where the address is on Podero's own host; it is never called as it stands."""
        if url is None or len(url) > LONGEST_CUE:
            return None
        try:
            cure, base = urlsplit(url), urlsplit(self._api.base)
        except ValueError:
            return None
        match = CUE_PATH.fullmatch(cure.path)
        secrets = parse_qs(cure.query).get("secret", [])
        if (cure.scheme, cure.netloc) != (base.scheme, base.netloc) or match is None or len(secrets) != 1:
            return None
        return match["cue"], secrets[0]


def price_zone(text_given: str | None) -> str | None:
    """Podero's price zone for what a setting, a claim or a market calls it; None where that is none or several."""
    if text_given is None:
        return None
    plain = text_given.strip().upper()
    if plain in MARKET_ZONES:
        return MARKET_ZONES[plain]
    return next((zone for zone in PRICE_ZONES if zone.replace("_", "") == re.sub(r"[_ -]", "", plain)), None)
