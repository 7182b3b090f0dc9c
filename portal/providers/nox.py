"""NOX: link sessions of the Authenticator, and devices read through the Package API on a second host."""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import structlog

from portal.domain.catalogue import DeviceType, Offer
from portal.domain.device import Connection, DeviceReading
from portal.domain.link_session import ArrivalHints
from portal.domain.people import ProviderAccount
from portal.domain.provider_event import ProviderEvent
from portal.providers.answers import Answer, JsonRefused, members, read_json, text, unix_moment
from portal.providers.connect_url import trusted_connect_url
from portal.providers.http import Gateway
from portal.providers.nox_events import IDENTIFIER, SIGNED_TEXTS, NoxEvents
from portal.providers.offers import known_vendor, offers_of
from portal.providers.preselection import preselected
from portal.providers.protocol import (
    Departing,
    Departure,
    Removal,
    Traits,
    UnexpectedAnswer,
)

KEY = "nox"
LANGUAGES = ("nl", "en", "fr", "es")
ASSET_TYPES = {DeviceType.HEAT_PUMP: "hp", DeviceType.INVERTER: "pv"}
LISTS = {DeviceType.HEAT_PUMP: "/v1/devices", DeviceType.INVERTER: "/v1/devices/pv"}
LINK_LIFETIME = timedelta(minutes=10)
LONGEST_LINK = timedelta(hours=1)
PAGE_SIZE = 500
MOST_PAGES = 40
CONNECTIONS = {True: Connection.NEEDS_REAUTHENTICATION, False: Connection.WORKING}
LONGEST_DATA = 4096
DEEPEST_DATA = 4
MOST_DEVICES = 50
BASE64 = re.compile(r"(?P<letters>[A-Za-z0-9_+/-]+)={0,2}")
TO_BASE64URL = str.maketrans("+/", "-_")
UNREADABLE = ArrivalHints(unreadable=True)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class NoxConfig:
    """One supplier at NOX. `auth_url` ends in `/v2`, `api_url` has no path.

    `webhook_secrets`: without any, NOX signs with the API key. `signed_text` is one of SIGNED_TEXTS.
    """

    auth_url: str
    api_url: str
    api_key: str
    connect_hosts: tuple[str, ...]
    webhook_secrets: tuple[str, ...] = ()
    signed_text: str = SIGNED_TEXTS[0]


class Nox:
    """A customer has one linked account per device type here: linking another overwrites it."""

    def __init__(self, config: NoxConfig, gateway: Gateway) -> None:
        self._config = config
        self._gateway = gateway
        self._headers = {"x-api-key": config.api_key}
        self._events = NoxEvents(KEY, config.webhook_secrets or (config.api_key,), config.signed_text)

    @cached_property
    def traits(self) -> Traits:
        return Traits(
            key=KEY,
            name="NOX",
            languages={language: language for language in LANGUAGES},
            connect_hosts=self._config.connect_hosts,
            link_lifetime=LINK_LIFETIME,
            own_arrival_url=False,
            preselects_vendor=True,
            reads_devices=True,
            removes_devices=False,
            replaces_on_link=frozenset(ASSET_TYPES),
            linked_elsewhere=True,
        )

    def offers(self) -> tuple[Offer, ...]:
        return offers_of(KEY)

    def ensure_user(self, account: ProviderAccount, *, email: str | None) -> str | None:
        """NOX makes its user when one is first linked, and names it on the return."""
        return account.provider_user_id

    def begin_link(self, departing: Departing, *, now: datetime) -> Departure:
        # Nobody documents which brand goes with which asset type: without one, NOX's own page asks.
        answer, asks_vendor = preselected(
            KEY,
            departing.vendor_code,
            lambda brand: self._open(departing, brand),
            is_refused=lambda refusal: refusal.status == 400,
        )
        opened = members(self._gateway.settled("open link", answer).body)
        if opened.get("supplier_user_id") not in (None, departing.account.pseudonym):
            raise UnexpectedAnswer("nox open link: session of another user")
        return Departure(
            connect_url=trusted_connect_url(opened.get("link_url"), self._config.connect_hosts),
            provider_reference=None,
            expires_at=_end_of(opened.get("expires_at"), now),
            asks_vendor=asks_vendor,
        )

    def begin_reauthentication(self, departing: Departing, provider_device_id: str, *, now: datetime) -> Departure:
        """There is no call of its own: a new link of the same user and asset type renews the access."""
        return self.begin_link(departing, now=now)

    def read_arrival(self, path: str, query: Mapping[str, Sequence[str]]) -> ArrivalHints:
        given = [value for value in query.get("data", ()) if value]
        if not given:
            return ArrivalHints(cancelled=True)
        return _hints(given[0]) if len(given) == 1 else UNREADABLE

    def list_devices(self, account: ProviderAccount, device_types: frozenset[DeviceType]) -> tuple[DeviceReading, ...]:
        """Never asked without a NOX user id: the answer would be every customer's devices."""
        user = account.provider_user_id
        if not user:
            return ()
        return self._listed(account, user, device_types)[0]

    def session_devices(self, account: ProviderAccount, provider_reference: str) -> tuple[str, ...]:
        """Its return always names the devices."""
        return ()

    def read_known(self, account: ProviderAccount, known: Mapping[str, DeviceType]) -> tuple[DeviceReading, ...]:
        """Where a list breaks off, what it did not come to is not missing: it stays as it was."""
        if not account.provider_user_id:
            return ()
        listed, is_whole = self._listed(account, account.provider_user_id, frozenset(known.values()))
        left = known.keys() - {reading.provider_device_id for reading in listed}
        if is_whole:
            return listed
        return (*listed, *(DeviceReading(one, known[one], unread=True) for one in sorted(left)))

    def _listed(
        self, account: ProviderAccount, user: str, device_types: frozenset[DeviceType]
    ) -> tuple[tuple[DeviceReading, ...], bool]:
        """The user's devices of these types, and whether every list was read to its end."""
        found: list[DeviceReading] = []
        is_whole = True
        for device_type in (device_type for device_type in LISTS if device_type in device_types):
            rows, has_ended = self._rows(account.pseudonym, user, device_type)
            is_whole = is_whole and has_ended
            found += (reading for row in rows if (reading := _reading_of(row, device_type)) is not None)
        return tuple(found), is_whole

    def remove_device(self, account: ProviderAccount, provider_device_id: str, device_type: DeviceType) -> Removal:
        return Removal.NOT_OFFERED

    def delete_user(self, account: ProviderAccount) -> Removal:
        return Removal.NOT_OFFERED

    def read_event(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> ProviderEvent:
        return self._events.read(headers, body, now=now)

    def _open(self, departing: Departing, brand: str | None) -> Answer:
        sent = {
            "user_id": departing.account.pseudonym,
            "redirect_url": departing.returns.success,
            "asset_type": ASSET_TYPES[departing.device_type],
            "language": self.traits.language_shown(departing.language),
        }
        if brand is not None:
            sent["brand"] = brand
        url = f"{self._config.auth_url.rstrip('/')}/supplier/link-sessions"
        about = departing.account.pseudonym
        return self._gateway.call("open link", "POST", url, headers=self._headers, json=sent, about=about)

    def _rows(self, about: str, user: str, device_type: DeviceType) -> tuple[list[Mapping[str, object]], bool]:
        """This user's rows of every page, and whether the pages came to an end.

        The filter may be ignored, so what is another's is dropped here.
        """
        query = {"limit": str(PAGE_SIZE), "user_id": user}
        rows: list[Mapping[str, object]] = []
        for _ in range(MOST_PAGES):
            page = self._page(about, device_type, query)
            rows += [row for row in map(members, _list_in(page)) if row.get("user_id") == user]
            following = members(page.get("meta")).get("next_token")
            if not isinstance(following, str) or not following:
                return rows, True
            if following == query.get("next_token"):
                break
            query = {**query, "next_token": following}
        log.error("pages_do_not_end", provider=KEY, rows=len(rows))
        return rows, False

    def _page(self, about: str, device_type: DeviceType, query: Mapping[str, str]) -> Mapping[str, object]:
        url = f"{self._config.api_url.rstrip('/')}{LISTS[device_type]}"
        answer = self._gateway.call("list devices", "GET", url, headers=self._headers, query=query, about=about)
        return members(self._gateway.settled("list devices", answer).body)


def _list_in(page: Mapping[str, object]) -> list[object]:
    listed = page.get("data")
    if not isinstance(listed, list):
        raise UnexpectedAnswer("nox list devices: no list")
    return listed


def _reading_of(row: Mapping[str, object], device_type: DeviceType) -> DeviceReading | None:
    device_id = row.get("device_id")
    if not isinstance(device_id, str) or not IDENTIFIER.fullmatch(device_id):
        return None
    brand = text(row.get("brand"))
    vendor = known_vendor(brand)
    needs = row.get("needs_reauthentication")
    return DeviceReading(
        provider_device_id=device_id,
        device_type=device_type,
        connection=CONNECTIONS[needs] if isinstance(needs, bool) else Connection.UNKNOWN,
        vendor_code=slug(brand) if brand else None,
        vendor_name=vendor.name if vendor else brand,
        model=text(row.get("model")),
        country=text(row.get("country"), longest=3),
    )


def _hints(data: str) -> ArrivalHints:
    """What the unsigned `data` of a return claims: base64url as documented, or padded, or in the standard alphabet."""
    # A plus that was not escaped in an address comes as a space.
    spelt = BASE64.fullmatch(data.replace(" ", "+"))
    if len(data) > LONGEST_DATA or spelt is None:
        return UNREADABLE
    letters = spelt["letters"].translate(TO_BASE64URL)
    try:
        raw = base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4))
        if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != letters:
            return UNREADABLE
        return _claims(members(read_json(raw, deepest=DEEPEST_DATA)))
    except (binascii.Error, JsonRefused):
        return UNREADABLE


def _claims(claimed: Mapping[str, object]) -> ArrivalHints:
    users = [claimed.get("nox_user_id"), claimed.get("supplier_user_id")]
    devices = claimed.get("device_ids", [])
    connected_at = unix_moment(claimed.get("connected_at"))
    if not isinstance(devices, list) or len(devices) > MOST_DEVICES:
        return UNREADABLE
    if not all(isinstance(value, str) and IDENTIFIER.fullmatch(value) for value in (*users, *devices)):
        return UNREADABLE
    if not isinstance(claimed.get("brand", ""), str) or (connected_at is None and "connected_at" in claimed):
        return UNREADABLE
    return ArrivalHints(
        device_ids=tuple(dict.fromkeys(devices)),
        provider_user_id=str(users[0]),
        pseudonym=str(users[1]),
        vendor_code=slug(claimed["brand"]) if isinstance(claimed.get("brand"), str) else None,
        connected_at=connected_at,
    )


def slug(brand: object) -> str:
    """A brand as the link session's enum spells it; older answers have spaces and capitals [doc]."""
    return str(brand).lower().replace(" ", "-")


def _end_of(expires_at: object, now: datetime) -> datetime:
    """The stated end where it is a likely one, else ten minutes from now."""
    stated = unix_moment(expires_at)
    if stated is not None and now < stated <= now + LONGEST_LINK:
        return stated
    return now + LINK_LIFETIME
