"""The settings: read from the environment once, frozen and typed; every fault is reported together, at boot."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from portal import setting_values as value
from portal.i18n import LANGUAGES
from portal.setting_groups import (
    AppSettings,
    Group,
    Hosts,
    LimitsSettings,
    NoxSettings,
    OidcSettings,
    OutboundSettings,
    PoderoSettings,
    RetailerSettings,
    Secret,
    SmtpSettings,
    StaffOidcSettings,
    SupportSettings,
    TelematicaSettings,
    Words,
    derived,
)

PREFIX = "PORTAL_"
LOCAL_SECRET_KEY = "for-this-machine-only-never-for-customers"  # noqa: S105 - no secret: refused wherever one is needed
"""Signs cookies while the portal is reached over the loopback only; refused everywhere else."""

PLAIN_WORDS = {
    "bool_parsing": "is neither true nor false",
    "int_parsing": "is not a whole number",
    "int_from_float": "is not a whole number",
    "float_parsing": "is not a number",
    "string_too_long": "is too long",
    "string_pattern_mismatch": "holds a character that cannot stand there; copy it again",
}


class SettingsError(Exception):
    """The environment does not make a portal. `faults` are all of them, each naming its variable, never a value."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("the settings do not hold:\n" + "\n".join(f"  {fault}" for fault in faults))
        self.faults = faults


class Settings(BaseSettings):
    """All there is to set. Made by `load` only."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", env_ignore_empty=True, enable_decoding=False,
        frozen=True, extra="ignore", hide_input_in_errors=True,
    )  # fmt: skip

    public_url: Annotated[str, AfterValidator(value.origin)] = Field(
        "http://localhost:8000", description="Where customers reach the portal: scheme and host, no path"
    )
    staff_url: Annotated[str, AfterValidator(value.origin)] | None = Field(
        None, description="Where staff reach the support pages, on a host of its own; without it they are at `/support`"
    )
    secret_key: Annotated[Secret, AfterValidator(value.unguessable)] = Field(
        SecretStr(LOCAL_SECRET_KEY),
        description="Signs cookies and seals secrets in the database; the same on every machine",
    )
    database_url: Annotated[str, AfterValidator(value.database)] = Field(
        "sqlite:///var/portal.sqlite", repr=False, description="SQLite file, or PostgreSQL in production"
    )
    redis_url: Annotated[Secret, AfterValidator(value.redis)] | None = Field(
        None, description="Redis for the queue and the limits, shared by all machines; without it each has its own"
    )
    queue_file: Path = derived(
        "The queue's own SQLite file, where there is no Redis", shown="beside the SQLite database, else under `var/`"
    )
    market: Annotated[str, AfterValidator(value.country)] = Field(
        "SE", description="ISO 3166 country the retailer serves"
    )
    time_zone: Annotated[str, AfterValidator(value.time_zone)] = derived(
        "IANA time zone in which customers read times", shown="the market's (of the largest part, where it has several)"
    )
    languages: Annotated[Words, AfterValidator(value.known_languages)] = Field(
        tuple(LANGUAGES), description="The languages on offer, in the order of the menu"
    )
    default_language: str = derived(
        "The language of those who have shown no preference", shown="`en` if on offer, else the first"
    )
    providers: Annotated[Words, AfterValidator(value.known_providers)] = Field(
        value.PROVIDERS,
        description="The providers in the retailer's order; one that is not named, or has no credentials, is off",
    )
    trusted_hosts: Hosts = derived(
        "Host names that requests may carry", shown="the public URL's host; on this very machine all its own names"
    )
    proxy_hops: int = Field(0, ge=0, le=5, description="Reverse proxies in front that set X-Forwarded headers")
    ca_bundle: Annotated[Path, AfterValidator(value.existing_file)] | None = Field(
        None, description="File of the private certificate authorities to trust in place of the public ones"
    )
    session_hours: int = Field(12, ge=1, le=720, description="Hours until customers must sign in again")
    log_format: Literal["json", "text"] = derived("`json` or `text`", shown="`text` on this very machine, else `json`")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least that is logged")
    retailer: RetailerSettings = RetailerSettings()
    oidc: OidcSettings
    outbound: OutboundSettings = OutboundSettings()
    limits: LimitsSettings = LimitsSettings()
    app: AppSettings | None = None
    staff_oidc: StaffOidcSettings | None = None
    support: SupportSettings = SupportSettings()
    smtp: SmtpSettings | None = None
    podero: PoderoSettings | None = None
    nox: NoxSettings | None = None
    telematica: TelematicaSettings | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the base class hands over all of these by name
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - read by `load` itself
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - not a place for settings
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - not a place for settings
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What `load` hands over and nothing else."""
        return (init_settings,)


def load(environ: Mapping[str, str]) -> Settings:
    """The settings of this environment. Raises SettingsError with every fault at once."""
    raw = read(environ)
    settings, faults = None, [*unsafe(raw)]
    try:
        settings = Settings(**raw)
    except ValidationError as error:
        faults += [described(details) for details in error.errors(include_url=False, include_context=False)]
    if settings is None or faults:
        raise SettingsError(tuple(sorted(set(faults))))
    return settings


def read(environ: Mapping[str, str]) -> dict[str, Any]:
    """The variables as nested words, groups without credentials left out, defaults that follow from others put in."""
    source = EnvSettingsSource(Settings)
    groups = {f"{PREFIX}{name}".lower() for name, field in Settings.model_fields.items() if group_of(field)}
    named = {name.lower(): text.strip() for name, text in environ.items() if name.upper().startswith(PREFIX)}
    source.env_vars = {name: text for name, text in named.items() if text and name not in groups}
    raw = source()
    for name, group in optional_groups():
        words = raw.get(name)
        if isinstance(words, dict) and not any(words.get(credential) for credential in group.credentials):
            del raw[name]
    raw.setdefault("oidc", {})
    follow(raw)
    return raw


def follow(raw: dict[str, Any]) -> None:
    """Put in what follows from other settings, as far as those hold."""
    host = host_of(raw.get("public_url", default_of("public_url")))
    market = raw.get("market", default_of("market"))
    languages = value.words_of(raw.get("languages", ",".join(LANGUAGES)))
    database = raw.get("database_url", default_of("database_url"))
    beside = database.removeprefix("sqlite:///") if database.startswith("sqlite:///") else "var/portal"
    raw.setdefault("queue_file", f"{beside}.queue")
    raw.setdefault("time_zone", value.zones_by_country().get(market, "UTC"))
    raw.setdefault("default_language", "en" if "en" in languages or not languages else languages[0])
    local = "localhost,127.0.0.1,[::1]"
    raw.setdefault("trusted_hosts", local if value.is_loopback(host) or not host else host)
    raw.setdefault("log_format", "text" if value.is_loopback(host) else "json")
    if isinstance(podero := raw.get("podero"), dict):
        base_url = podero.get("base_url", PoderoSettings.model_fields["base_url"].default)
        podero.setdefault("token_url", f"{base_url.rstrip('/')}/auth/token")
        podero.setdefault("email_domain", host if host[-1:].isalpha() and "." in host else "customers.example")
    if isinstance(app := raw.get("app"), dict):
        app.setdefault("audience", raw.get("public_url", default_of("public_url")).rstrip("/"))
        app.setdefault("subject_issuer", app.get("issuer", ""))
    if isinstance(telematica := raw.get("telematica"), dict):
        telematica.setdefault("region", "US" if market == "US" else "EU")


def unsafe(raw: dict[str, Any]) -> Iterator[str]:
    """What must not be where customers come from other machines, and choices that contradict each other."""
    languages = value.words_of(raw.get("languages", ",".join(LANGUAGES)))
    if raw["default_language"] not in languages:
        yield f"{PREFIX}DEFAULT_LANGUAGE: is not among {PREFIX}LANGUAGES; choose one of those"
    host = host_of(raw.get("public_url", default_of("public_url")))
    yield from contradictory(raw.get("app"), host)
    yield from unguarded(raw.get("smtp"))
    yield from misplaced(raw.get("staff_url", ""), host, has_issuer="staff_oidc" in raw)
    if not host or value.is_loopback(host):
        return
    if raw.get("secret_key", LOCAL_SECRET_KEY) == LOCAL_SECRET_KEY:
        yield f"{PREFIX}SECRET_KEY: is not set; make one with `openssl rand -base64 32`"
    for group, words in raw.items():
        for name, text in words.items() if isinstance(words, dict) else ():
            is_place = name in {"issuer", "connect_hosts"} or name.endswith("_url")
            if is_place and any(value.is_loopback(host_of(place)) for place in value.words_of(text)):
                yield f"{variable((group, name))}: is this very machine, out of reach for customers; set the real one"


def contradictory(app: object, host: str) -> Iterator[str]:
    """What does not fit together in the settings of the retailer's app; `host` is the portal's."""
    if not isinstance(app, dict):
        return
    if bool(app.get("jwks_url")) is bool(app.get("jwks_file")):
        yield f"{variable(('app', 'jwks_url'))}: set this or {variable(('app', 'jwks_file'))}, one of the two"
    links, schemes = (pairs_in(app.get(name, "")) for name in ("links", "schemes"))
    if any(host_of(link) == host for link in links.values()):
        yield f"{variable(('app', 'links'))}: is on the portal's own host, where it does not open the app; use another"
    if not set(schemes) <= set(links):
        yield f"{variable(('app', 'schemes'))}: names a way back that {variable(('app', 'links'))} does not"


def unguarded(smtp: object) -> Iterator[str]:
    """What another machine could read on its way to the mail server."""
    if isinstance(smtp, dict) and smtp.get("security") == "none" and not value.is_loopback(smtp.get("host", "")):
        yield f"{variable(('smtp', 'security'))}: is none, which is for this very machine only; choose starttls or tls"


def misplaced(staff_url: str, host: str, *, has_issuer: bool) -> Iterator[str]:
    """What is wrong with the place of the support pages; `host` is the portal's."""
    place = host_of(staff_url)
    if not place:
        return
    if place == host:
        yield f"{PREFIX}STAFF_URL: is on the host of {PREFIX}PUBLIC_URL; name another, or leave it out"
    elif value.is_loopback(place) is not value.is_loopback(host):
        yield f"{PREFIX}STAFF_URL: this or {PREFIX}PUBLIC_URL is this very machine; let both or neither be"
    if not has_issuer:
        yield f"{PREFIX}STAFF_URL: is for support pages that are off; set {PREFIX}STAFF_OIDC__ISSUER too"


def pairs_in(text: str) -> dict[str, str]:
    """The pairs of a setting; none where it does not hold, which is said elsewhere."""
    try:
        return dict(value.pairs(text))
    except ValueError:
        return {}


def host_of(place: str) -> str:
    """The host in an address or a host:port; empty where there is none."""
    try:
        return urlsplit(place if "//" in place else f"//{place}").hostname or ""
    except ValueError:
        return ""


def described(details: ErrorDetails) -> str:
    """One fault of one variable in plain words; never its value."""
    parts = details["loc"]
    if details["type"] == "missing":
        why = f"is missing; set it: {field_at(parts).description}"
        if parts[0] in dict(optional_groups()):
            why += f" (without any credentials, {parts[0]} is off)"
    else:
        why = PLAIN_WORDS.get(details["type"]) or details["msg"].removeprefix("Value error, ")
    return f"{variable(parts)}: {why}"


def variable(parts: tuple[int | str | None, ...]) -> str:
    """The name of the variable at this place."""
    return PREFIX + "__".join(part.upper() for part in parts if isinstance(part, str))


def default_of(name: str) -> Any:
    return Settings.model_fields[name].default


def field_at(parts: tuple[int | str, ...]) -> FieldInfo:
    field = Settings.model_fields[str(parts[0])]
    group = group_of(field)
    return group.model_fields[str(parts[1])] if group and len(parts) > 1 else field


def group_of(field: FieldInfo) -> type[Group] | None:
    """The group a field holds, None where it holds a value."""
    kinds = (field.annotation, *getattr(field.annotation, "__args__", ()))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Group)), None)


def optional_groups() -> Iterator[tuple[str, type[Group]]]:
    """The groups that may be off."""
    for name, field in Settings.model_fields.items():
        group = group_of(field)
        if group and group.credentials:
            yield name, group
