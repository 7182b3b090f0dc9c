"""What the value of a setting may be. Each rule returns the value, tidied, or says what is wrong and what to do."""

import base64
import binascii
import re
from functools import cache
from importlib.resources import files
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from limits import parse_many
from pydantic import SecretStr

from portal.i18n import LANGUAGES

STAFF_ROLES = ("agent", "lead", "auditor")
SUPPORT_REASONS = ("connecting", "reconnecting", "device_data", "account", "privacy", "other")
PROVIDERS = ("podero", "nox", "telematica")
PRICE_ZONES = frozenset(
    "AT AT_HOURLY BE CH EE DE_LU HU IT_CNOR IT_CSUD IT_NORD IT_PUN IT_SARD IT_SICI IT_SUD PT RO "
    "SE_1 SE_2 SE_3 SE_4 UK".split()
)


@cache
def zones_by_country() -> dict[str, str]:
    """The time zone of every ISO 3166 country; where it has several, the one of its largest part."""
    zones: dict[str, str] = {}
    for line in files("tzdata.zoneinfo").joinpath("zone.tab").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            code, _, zone = line.split("\t")[:3]
            zones.setdefault(code, zone)
    return zones


def is_loopback(host: str | None) -> bool:
    """Whether a host (no port) is this very machine: `localhost`, 127.0.0.0/8 or ::1."""
    if host == "localhost":
        return True
    try:
        return host is not None and ip_address(host).is_loopback
    except ValueError:
        return False


def parsed(value: str) -> SplitResult:
    """A web address, http only where its host is this very machine. Raises ValueError."""
    if not value.isascii() or re.search(r"[\s\x00-\x20\\\x7f]", value):
        raise ValueError("holds a character no web address has; write it as https://host/path")
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is not a web address; write it as https://host/path") from None
    if parts.scheme not in {"https", "http"} or not host:
        raise ValueError("is not a web address; write it as https://host/path")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("is plain http; only an address of this very machine may be, so use https")
    if "@" in parts.netloc or "?" in value or "#" in value:
        raise ValueError("holds a user, a query or a fragment; leave only https://host/path")
    return parts


def address(value: str) -> str:
    parsed(value)
    return value.rstrip("/")


def exact_address(value: str) -> str:
    parsed(value)
    return value


def origin(value: str) -> str:
    if parsed(value).path not in {"", "/"}:
        raise ValueError("has a path; leave only scheme, host and port")
    return value.rstrip("/").lower()


def nox_authenticator(value: str) -> str:
    if not address(value).endswith("/v2"):
        raise ValueError("does not end in /v2; add it")
    return address(value)


def podero_base(value: str) -> str:
    if not address(value).endswith("/api/partners/v2.0"):
        raise ValueError("does not end in /api/partners/v2.0; add it")
    return address(value)


def words_of(text: str) -> tuple[str, ...]:
    """Comma-separated words."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def listed(value: object) -> object:
    return words_of(value) if isinstance(value, str) else value


def without_doubles(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) < len(values):
        raise ValueError("names something twice; name it once")
    return values


def known_languages(codes: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [code for code in codes if code not in LANGUAGES]
    if unknown or not codes:
        raise ValueError(f"holds a language the portal does not speak; choose among {', '.join(LANGUAGES)}")
    return codes


def known_providers(keys: tuple[str, ...]) -> tuple[str, ...]:
    if not keys or any(key not in PROVIDERS for key in keys):
        raise ValueError(f"holds an unknown provider; choose among {', '.join(PROVIDERS)}")
    return keys


def hosts(values: tuple[str, ...]) -> tuple[str, ...]:
    if not values or any(not re.fullmatch(r"([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d{1,5})?", value) for value in values):
        raise ValueError("is not a list of hosts; write host or host:port, without https://, separated by commas")
    return values


def country(code: str) -> str:
    if code not in zones_by_country():
        raise ValueError("is not an ISO 3166 country code; write two capital letters such as SE (Britain is GB)")
    return code


def price_zone(zone: str) -> str:
    if zone not in PRICE_ZONES:
        raise ValueError(f"is not a price zone Podero knows; choose among {', '.join(sorted(PRICE_ZONES))}")
    return zone


def time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is not an IANA time zone; write one such as Europe/Stockholm") from None
    return name


def colour(value: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise ValueError("is not a colour; write # and six hexadecimal digits, such as #0b6e4f")
    return value.lower()


def picture(path: Path) -> Path:
    if path.suffix not in {".svg", ".png", ".webp"} or not path.is_file():
        raise ValueError("is not the path of an .svg, .png or .webp file that exists")
    return path


def existing_file(path: Path) -> Path:
    if not path.is_file():
        raise ValueError("is not the path of a file that exists")
    return path


def app_links(links: dict[str, str]) -> dict[str, str]:
    if not links or any(not re.fullmatch(r"[a-z0-9-]{1,40}", name) for name in links):
        raise ValueError("names no way back, or one in other letters than a-z, 0-9 and -; write id=https://host/path")
    if any(parsed(link).path in {"", "/"} for link in links.values()):
        raise ValueError("has no path, and would take every address of its host to the app; write https://host/path")
    return {name: address(link) for name, link in links.items()}


def app_schemes(schemes: dict[str, str]) -> dict[str, str]:
    if any(not re.fullmatch(r"[a-z][a-z0-9]*(\.[a-z][a-z0-9-]*)+", scheme) for scheme in schemes.values()):
        raise ValueError("holds a scheme that others may use too; write one in reverse, such as com.example.app")
    return schemes


def fingerprints(apps: dict[str, str]) -> dict[str, str]:
    prints = [text for listed in apps.values() for text in (listed.split() or [""])]
    if any(not re.fullmatch(r"([0-9A-F]{2}:){31}[0-9A-F]{2}", text) for text in prints):
        raise ValueError("holds no SHA-256 fingerprint; write package=AB:CD:... with 32 pairs of capital digits")
    return apps


def telephone(number: str) -> str:
    if not re.fullmatch(r"\+?[0-9][0-9 ()/.-]{2,30}", number):
        raise ValueError("is not a telephone number; write digits and spaces, such as +46 771 00 00 00")
    return number


def mail(value: str) -> str:
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+", value):
        raise ValueError("is not an e-mail address")
    return value


def domain(name: str) -> str:
    if not re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}", name):
        raise ValueError("is not a domain; write one such as customers.example.com")
    return name


def path(value: str) -> str:
    if not re.fullmatch(r"/[A-Za-z0-9._~/{}-]*", value):
        raise ValueError("is not a path; begin with / and leave out host and query")
    return value


def device_path(value: str) -> str:
    if "{device_id}" not in value:
        raise ValueError("does not say where the device goes; put {device_id} there")
    return path(value)


def scopes(value: str) -> str:
    if "openid" not in value.split():
        raise ValueError("lacks the scope openid; add it")
    return value


def database(url: str) -> str:
    if not url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        raise ValueError("is neither sqlite:///path nor postgresql://user:password@host/name")
    return url


def redis(url: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(url.get_secret_value())
        place = {"redis": parts.hostname, "rediss": parts.hostname, "unix": parts.path}.get(parts.scheme)
        is_sound = bool(place) and parts.port != 0
    except ValueError:
        is_sound = False
    if not is_sound:
        raise ValueError("is no Redis; write redis://user:password@host:6379/0, rediss://... or unix:///path/to/socket")
    return url


def frequency(text: str) -> str:
    try:
        allowed = parse_many(text)
    except ValueError:
        raise ValueError("is no limit; write such as `20 per 15 minutes`, several separated by semicolons") from None
    if not all(item.amount for item in allowed):
        raise ValueError("lets nobody through; allow one at least")
    return text


def unguessable(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < 32:
        raise ValueError("is shorter than 32 characters; make one with `openssl rand -base64 32`")
    return secret


def sendable(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[\x21-\x7e]+", secret.get_secret_value()):
        raise ValueError("holds a character that cannot be sent; copy it again without spaces and line ends")
    return secret


def webhook_keys(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    try:
        keys = [base64.b64decode(s.get_secret_value().removeprefix("whsec_"), validate=True) for s in secrets]
    except binascii.Error:
        keys = []
    if not keys or min(map(len, keys)) < 16:
        raise ValueError("is not a signing secret; copy it whole, it begins with whsec_")
    return secrets


def plain_keys(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if any(len(sendable(secret).get_secret_value()) < 16 for secret in secrets):
        raise ValueError("is shorter than 16 characters; copy the signing secret whole")
    return secrets


def staff_roles(roles: dict[str, str]) -> dict[str, str]:
    if not roles or any(role not in STAFF_ROLES for role in roles.values()):
        raise ValueError(f"holds an unknown role; write value=role, and choose among {', '.join(STAFF_ROLES)}")
    return roles


def support_reasons(reasons: tuple[str, ...]) -> tuple[str, ...]:
    if not reasons or any(reason not in SUPPORT_REASONS for reason in reasons):
        raise ValueError(f"holds an unknown reason; choose among {', '.join(SUPPORT_REASONS)}")
    return reasons


def pairs(value: Any) -> Any:
    """`key=value` pairs, comma-separated, as a mapping."""
    if not isinstance(value, str):
        return value
    found = [part.partition("=") for part in value.split(",") if part.strip()]
    if any(not separator or not key.strip() for key, separator, _ in found):
        raise ValueError("is not a list of pairs; write key=value, separated by commas")
    return {key.strip(): text.strip() for key, _, text in found}
