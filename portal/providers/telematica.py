"""Telematica: auth sessions that open its Connect UI, revocation, and the signed events that are its only word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property

import structlog

from portal.domain.catalogue import DeviceType, Offer
from portal.domain.device import DeviceReading
from portal.domain.link_session import ArrivalHints
from portal.domain.people import ProviderAccount
from portal.domain.provider_event import ProviderEvent
from portal.providers.answers import Answer, members, text
from portal.providers.connect_url import trusted_connect_url
from portal.providers.http import Gateway
from portal.providers.offers import offers_of
from portal.providers.preselection import preselected
from portal.providers.protocol import (
    Departing,
    Departure,
    ProviderError,
    ProviderRefused,
    ReauthenticationRequired,
    Removal,
    Traits,
    UnexpectedAnswer,
)
from portal.providers.telematica_events import DEVICE_ID, DEVICE_TYPES, TelematicaEvents
from portal.providers.telematica_state import GONE, is_lapsed, state_of, unread

log = structlog.get_logger(__name__)

KEY = "telematica"
INVALID = "INVALID_REQUEST"
SIMULATOR = "SIMULATOR"
LINK_LIFETIME = timedelta(minutes=10)
MOST_DEVICES = 50
PARAMETERS = {
    "user": "userId",
    "site_id": "siteId",
    "site_name": "siteName",
    "callback_env": "callbackEnv",
    "region": "region",
    "metadata": "metadata",
    "return_url": "redirectUrl",
    "vendor": "brand",
    "device_type": "deviceType",
    "brand_subset": "brandSubset",
    "exclude_brands": "excludeBrands",
    "show_simulator": "showSimulator",
}
"""Our words and the session's. Telematica's page names metadata, brandSubset, excludeBrands; the rest is inferred."""
URL_KEYS = ("url", "sessionUrl", "authUrl", "connectUrl", "link", "redirectUrl")


@dataclass(frozen=True, slots=True)
class TelematicaConfig:
    """One app at Telematica. What is None or empty is not sent.

    `session_path`, and `revoke_path` and `state_path` (with `{device_id}` in them, and `{device_type}` where it belongs
    there) are undocumented and handed out by Telematica.
    """

    api_url: str
    api_token: str
    session_path: str
    connect_hosts: tuple[str, ...]
    webhook_secrets: tuple[str, ...] = ()
    auth_header: str = "Authorization"
    auth_scheme: str = "Bearer"
    revoke_path: str | None = None
    revoke_method: str = "POST"
    state_path: str | None = None
    region: str = "EU"
    site_id: str | None = None
    site_name: str | None = None
    callback_env: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    brand_subset: tuple[str, ...] = ()
    exclude_brands: tuple[str, ...] = ()
    show_simulator: bool = False


def is_customers_to_mend(answer: Answer) -> bool:
    """A 500 that names what the user can do about it."""
    return answer.status == 500 and text(members(members(answer.body).get("action")).get("user")) is not None


def is_our_fault(answer: Answer) -> bool:
    """Whether the request is refused for what stands in it, as for a brand that is not available now."""
    return answer.status in (400, 412, 422) and text(members(answer.body).get("error")) in (INVALID, None)


def is_outage(answer: Answer) -> bool:
    """Whether the answer tells of Telematica in trouble."""
    return answer.status >= 500 and not is_customers_to_mend(answer)


class Telematica:
    """Its events tell what is linked, and a return alone proves nothing; how a known device is can be asked."""

    def __init__(self, config: TelematicaConfig, gateway: Gateway) -> None:
        self._config = config
        self._gateway = gateway
        self._headers = {config.auth_header: f"{config.auth_scheme} {config.api_token}".strip()}
        self._events = TelematicaEvents(KEY, config.webhook_secrets)

    @cached_property
    def traits(self) -> Traits:
        return Traits(
            key=KEY,
            name="Telematica",
            languages={"en": "en"},
            connect_hosts=self._config.connect_hosts,
            link_lifetime=LINK_LIFETIME,
            own_arrival_url=False,
            preselects_vendor=True,
            reads_devices=False,
            reads_known_devices=self._config.state_path is not None,
            removes_devices=self._config.revoke_path is not None,
        )

    def offers(self) -> tuple[Offer, ...]:
        """The brands its own page would show with the same settings."""
        subset, excluded = self._config.brand_subset, set(self._config.exclude_brands)
        if not self._config.show_simulator:
            excluded.add(SIMULATOR)
        return tuple(
            offer
            for offer in offers_of(KEY)
            if offer.vendor_code not in excluded and (not subset or offer.vendor_code in subset)
        )

    def ensure_user(self, account: ProviderAccount, *, email: str | None) -> str | None:
        """A user there is only the id we send."""
        return account.provider_user_id

    def begin_link(self, departing: Departing, *, now: datetime) -> Departure:
        answer, asks_vendor = preselected(
            KEY, departing.vendor_code, lambda brand: self._open(departing, brand), is_refused=is_our_fault
        )
        return Departure(
            connect_url=self._connect_url(members(self._settled("open link", answer).body)),
            provider_reference=None,
            expires_at=now + LINK_LIFETIME,
            asks_vendor=asks_vendor,
        )

    def begin_reauthentication(self, departing: Departing, provider_device_id: str, *, now: datetime) -> Departure:
        """There is no call of its own: a new session of the same user, type and vendor renews the access."""
        return self.begin_link(departing, now=now)

    def read_arrival(self, path: str, query: Mapping[str, Sequence[str]]) -> ArrivalHints:
        given = [part for value in query.get("devices", ()) for part in value.split(",") if part]
        if not given:
            return ArrivalHints(cancelled=True)
        if len(given) > MOST_DEVICES or not all(DEVICE_ID.fullmatch(part) for part in given):
            return ArrivalHints(unreadable=True)
        types = [DEVICE_TYPES[value] for value in query.get("deviceType", ()) if value in DEVICE_TYPES]
        return ArrivalHints(
            device_ids=tuple(dict.fromkeys(given)), device_type=types[0].value if len(types) == 1 else None
        )

    def list_devices(self, account: ProviderAccount, device_types: frozenset[DeviceType]) -> tuple[DeviceReading, ...]:
        return ()

    def session_devices(self, account: ProviderAccount, provider_reference: str) -> tuple[str, ...]:
        """Its return always names the devices."""
        return ()

    def read_known(self, account: ProviderAccount, known: Mapping[str, DeviceType]) -> tuple[DeviceReading, ...]:
        """One call for each device, by a path that only Telematica hands out."""
        if self._config.state_path is None:
            return tuple(unread(device_id, device_type) for device_id, device_type in known.items())
        readings = (self._state(account, device_id, device_type) for device_id, device_type in known.items())
        return tuple(reading for reading in readings if reading is not None)

    def remove_device(self, account: ProviderAccount, provider_device_id: str, device_type: DeviceType) -> Removal:
        """Always names the customer: without one, everybody who linked the device would lose it."""
        if self._config.revoke_path is None:
            return Removal.NOT_OFFERED
        if not DEVICE_ID.fullmatch(provider_device_id):
            raise ProviderRefused("telematica revoke: malformed device id")
        answer = self._gateway.call(
            "revoke",
            self._config.revoke_method,
            self._device_address(self._config.revoke_path, provider_device_id, device_type),
            headers=self._headers,
            json={PARAMETERS["device_type"]: device_type.value, PARAMETERS["user"]: account.pseudonym},
            needs_json=False,
            removes=True,
            about=account.pseudonym,
        )
        if answer.status == 412 and text(members(answer.body).get("error")) in GONE:
            return Removal.GONE
        self._settled("revoke", answer)
        return Removal.GONE

    def delete_user(self, account: ProviderAccount) -> Removal:
        """A user there is only the id we send: there are devices to revoke, and nothing more to forget."""
        return Removal.NOT_OFFERED

    def read_event(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> ProviderEvent:
        return self._events.read(headers, body, now=now)

    def _open(self, departing: Departing, brand: str | None) -> Answer:
        url = self._address(self._config.session_path)
        sent = self._session(replace(departing, vendor_code=brand))
        about = departing.account.pseudonym
        return self._gateway.call("open link", "POST", url, headers=self._headers, json=sent, about=about)

    def _session(self, departing: Departing) -> dict[str, object]:
        """The body of a session: our values under their names, and nothing that is not set."""
        config = self._config
        values: dict[str, object] = {
            "user": departing.account.pseudonym,
            "site_id": config.site_id,
            "site_name": config.site_name,
            "callback_env": config.callback_env,
            "region": config.region,
            "metadata": {**config.metadata, "link_session": departing.reference},
            "return_url": departing.returns.success,
            "vendor": departing.vendor_code,
            "device_type": departing.device_type.value,
            "brand_subset": list(config.brand_subset),
            "exclude_brands": list(config.exclude_brands),
            "show_simulator": config.show_simulator,
        }
        return {PARAMETERS[word]: value for word, value in values.items() if value}

    def _connect_url(self, opened: Mapping[str, object]) -> str:
        """The first trusted address of the answer: its shape is undocumented, and it may echo our own return URL."""
        for key in URL_KEYS:
            try:
                return trusted_connect_url(opened.get(key), self._config.connect_hosts)
            except UnexpectedAnswer:
                continue
        received = ", ".join(text(key, longest=40) or "?" for key in list(opened)[:20])
        raise UnexpectedAnswer(f"telematica open link: no connect URL; keys received: {received or 'none'}")

    def _state(self, account: ProviderAccount, device_id: str, device_type: DeviceType) -> DeviceReading | None:
        if not DEVICE_ID.fullmatch(device_id):
            return unread(device_id, device_type)
        url = self._device_address(self._config.state_path or "", device_id, device_type)
        query = {PARAMETERS["user"]: account.pseudonym, PARAMETERS["device_type"]: device_type.value}
        try:
            answer = self._gateway.call(
                "read state", "GET", url, headers=self._headers, query=query, about=account.pseudonym
            )
        except ProviderError as error:
            log.warning("state_unread", provider=KEY, cause=str(error))
            return unread(device_id, device_type)
        reading = state_of(answer, device_id, device_type)
        if reading is not None and reading.unread:
            log.warning("state_unread", provider=KEY, status=answer.status)
        return reading

    def _device_address(self, path: str, device_id: str, device_type: DeviceType) -> str:
        return self._address(path.replace("{device_id}", device_id).replace("{device_type}", device_type.value))

    def _address(self, path: str) -> str:
        return f"{self._config.api_url.rstrip('/')}/{path.lstrip('/')}"

    def _settled(self, name: str, answer: Answer) -> Answer:
        """The answer where it is a success. Codes go before the status: 412 is many things, a 500 may be the user's."""
        if is_lapsed(answer) or is_customers_to_mend(answer):
            raise ReauthenticationRequired(f"telematica {name}: status {answer.status}")
        return self._gateway.settled(name, answer)
