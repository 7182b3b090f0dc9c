"""Telematica: auth sessions that open its Connect UI, revocation, and the signed events that are its only word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from portal.domain.catalogue import DeviceType, Offer
from portal.domain.device import DeviceReading
from portal.domain.link_session import ArrivalHints
from portal.domain.people import ProviderAccount
from portal.domain.provider_event import ProviderEvent
from portal.providers.answers import Answer, members, text
from portal.providers.connect_url import trusted_connect_url
from portal.providers.http import Gateway
from portal.providers.offers import offers_of
from portal.providers.protocol import (
    Departing,
    Departure,
    ProviderRefused,
    ReauthenticationRequired,
    Removal,
    Traits,
    UnexpectedAnswer,
)
from portal.providers.telematica_events import DEVICE_ID, DEVICE_TYPES, TelematicaEvents

KEY = "telematica"
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
LAPSED = frozenset({"RELOGIN_REQUIRED", "USER_CONSENT_REQUIRED"})
RECONNECT = "RECONNECT_ACCOUNT"
GONE = frozenset({"NOT_FOUND", "DEVICE_DISCONNECTED"})


@dataclass(frozen=True, slots=True)
class TelematicaConfig:
    """One app at Telematica. What is None or empty is not sent.

    `session_path` and `revoke_path` (with `{device_id}` in it) are undocumented and handed out by Telematica.
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


def is_outage(answer: Answer) -> bool:
    """Whether the answer tells of Telematica in trouble."""
    return answer.status >= 500 and not is_customers_to_mend(answer)


class Telematica:
    """It cannot be asked what a customer has linked: its events tell, and a return alone proves nothing."""

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
        url = self._address(self._config.session_path)
        about = departing.account.pseudonym
        answer = self._gateway.call(
            "open link", "POST", url, headers=self._headers, json=self._session(departing), about=about
        )
        return Departure(
            connect_url=self._connect_url(members(self._settled("open link", answer).body)),
            provider_reference=None,
            expires_at=now + LINK_LIFETIME,
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

    def remove_device(self, account: ProviderAccount, provider_device_id: str, device_type: DeviceType) -> Removal:
        """Always names the customer: without one, everybody who linked the device would lose it."""
        if self._config.revoke_path is None:
            return Removal.NOT_OFFERED
        if not DEVICE_ID.fullmatch(provider_device_id):
            raise ProviderRefused("telematica revoke: malformed device id")
        answer = self._gateway.call(
            "revoke",
            self._config.revoke_method,
            self._address(self._config.revoke_path.replace("{device_id}", provider_device_id)),
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

    def _address(self, path: str) -> str:
        return f"{self._config.api_url.rstrip('/')}/{path.lstrip('/')}"

    def _settled(self, name: str, answer: Answer) -> Answer:
        """The answer where it is a success. Codes go before the status: 412 is many things, a 500 may be the user's."""
        body = members(answer.body)
        action = members(body.get("action"))
        is_lapsed = text(body.get("error")) in LAPSED or RECONNECT in (action.get("user"), action.get("dev"))
        if not answer.is_success and (is_lapsed or is_customers_to_mend(answer)):
            raise ReauthenticationRequired(f"telematica {name}: status {answer.status}")
        return self._gateway.settled(name, answer)
