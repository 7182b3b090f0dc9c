"""An operator is told everything that is wrong with the settings at once, and nothing unsafe starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from portal.sandbox.configuration import SandboxConfig, portal_environment
from portal.settings import SettingsError, load
from portal.settings_table import as_markdown, documented

ROOT = Path(__file__).resolve().parent.parent.parent
LOCAL = portal_environment(SandboxConfig())
LIVE = {
    "PORTAL_PUBLIC_URL": "https://devices.retailer.example",
    "PORTAL_SECRET_KEY": "r4nd0m-enough-and-longer-than-thirty-two",
    "PORTAL_OIDC__ISSUER": "https://login.retailer.example/",
    "PORTAL_OIDC__CLIENT_ID": "portal",
    "PORTAL_OIDC__CLIENT_SECRET": "an-oidc-secret",
}
PODERO = {
    "PORTAL_PODERO__ORG_ID": "3f0f8f5e-6a52-4b0e-9c1d-2f4f3a6d7b10",
    "PORTAL_PODERO__CLIENT_ID": "client",
    "PORTAL_PODERO__CLIENT_SECRET": "a-podero-secret",
}
TELEMATICA = {
    "PORTAL_TELEMATICA__API_URL": "https://api.telematica.example",
    "PORTAL_TELEMATICA__API_TOKEN": "a-token",
    "PORTAL_TELEMATICA__SESSION_PATH": "/v1/auth-sessions",
    "PORTAL_TELEMATICA__WEBHOOK_SECRET": "whsec_c2FuZGJveC10ZWxlbWF0aWNhLXdlYmhvb2s=",
}


def faulty(environ: dict[str, str]) -> tuple[str, ...]:
    """The variables that are at fault."""
    with pytest.raises(SettingsError) as failed:
        load(environ)
    assert str(failed.value).count("\n") == len(failed.value.faults)
    return tuple(fault.split(":")[0] for fault in failed.value.faults)


def test_a_retailer_needs_an_address_a_key_and_an_issuer() -> None:
    settings = load(LIVE)
    assert settings.public_url == "https://devices.retailer.example"
    assert (settings.podero, settings.nox, settings.telematica) == (None, None, None)
    assert settings.trusted_hosts == ("devices.retailer.example",)
    assert settings.oidc.issuer == "https://login.retailer.example/"
    assert (settings.log_format, settings.session_hours, settings.proxy_hops) == ("json", 12, 0)


def test_the_sandbox_says_all_that_a_portal_on_this_machine_needs() -> None:
    settings = load(LOCAL)
    assert settings.podero is not None
    assert settings.nox is not None
    assert settings.telematica is not None
    assert settings.podero.connect_hosts == ("127.0.0.1:8001",)
    assert settings.public_url == "http://localhost:8000"


def test_settings_cannot_be_changed_afterwards() -> None:
    settings = load(LIVE)
    with pytest.raises(ValueError, match="frozen"):
        settings.__setattr__("market", "DE")


def test_every_fault_is_told_at_once_and_no_value_with_it() -> None:
    canary = "kanarienvogel"
    environ = {
        "PORTAL_PUBLIC_URL": f"http://{canary}.example",
        "PORTAL_SECRET_KEY": canary,
        "PORTAL_DATABASE_URL": f"mysql://root:{canary}@db/portal",
        "PORTAL_REDIS_URL": f"http://:{canary}@queue",
        "PORTAL_MARKET": canary,
        "PORTAL_TIME_ZONE": canary,
        "PORTAL_LANGUAGES": f"sv,{canary}",
        "PORTAL_PROVIDERS": f"podero,{canary}",
        "PORTAL_PROXY_HOPS": canary,
        "PORTAL_SESSION_HOURS": "0",
        "PORTAL_LOG_FORMAT": canary,
        "PORTAL_CA_BUNDLE": f"/nowhere/{canary}",
        "PORTAL_TRUSTED_HOSTS": f"https://{canary}/",
        "PORTAL_RETAILER__ACCENT": canary,
        "PORTAL_RETAILER__LOGO": f"/nowhere/{canary}.svg",
        "PORTAL_RETAILER__SUPPORT_PHONE": canary,
        "PORTAL_RETAILER__SUPPORT_EMAIL": canary,
        "PORTAL_RETAILER__PRIVACY_URL": f"javascript:{canary}",
        "PORTAL_LIMITS__ENABLED": canary,
        "PORTAL_LIMITS__STARTS": f"20 per {canary}",
        "PORTAL_OIDC__CLIENT_SECRET": f"{canary} with a space",
        "PORTAL_OIDC__SCOPE": canary,
        "PORTAL_PODERO__CLIENT_ID": "client",
        "PORTAL_PODERO__CLIENT_SECRET": f"{canary}\u00e5",
        "PORTAL_PODERO__PRICE_ZONE": "DE",
        "PORTAL_PODERO__CONNECT_HOSTS": f"https://{canary}.example/path",
        "PORTAL_NOX__API_KEY": "key",
        "PORTAL_NOX__AUTH_URL": f"https://{canary}.example/v3",
        "PORTAL_NOX__API_URL": f"https://{canary}.example/v1",
        "PORTAL_TELEMATICA__API_TOKEN": "token",
        "PORTAL_TELEMATICA__WEBHOOK_SECRET": f"whsec_{canary}",
        "PORTAL_TELEMATICA__METADATA": canary,
    }
    with pytest.raises(SettingsError) as failed:
        load(environ)
    assert canary not in str(failed.value)
    missing = {"PORTAL_OIDC__ISSUER", "PORTAL_OIDC__CLIENT_ID", "PORTAL_PODERO__ORG_ID"}
    missing |= {"PORTAL_TELEMATICA__API_URL", "PORTAL_TELEMATICA__SESSION_PATH", "PORTAL_DEFAULT_LANGUAGE"}
    unsound = set(environ) - {"PORTAL_PODERO__CLIENT_ID", "PORTAL_NOX__API_KEY", "PORTAL_TELEMATICA__API_TOKEN"}
    assert set(faulty(environ)) == missing - {"PORTAL_DEFAULT_LANGUAGE"} | unsound


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    servers = {
        "PORTAL_DATABASE_URL": "postgresql://portal:db-secret@db/portal",
        "PORTAL_REDIS_URL": "rediss://portal:redis-secret@queue:6380/1",
    }
    shown = repr(load({**LIVE, **PODERO, **servers}))
    secrets = ("r4nd0m", "an-oidc-secret", "a-podero-secret", "db-secret", "redis-secret")
    assert not [word for word in secrets if word in shown]


@pytest.mark.parametrize(
    ("changed", "variable"),
    [
        ({"PORTAL_SECRET_KEY": ""}, "PORTAL_SECRET_KEY"),
        ({"PORTAL_SECRET_KEY": "too-short"}, "PORTAL_SECRET_KEY"),
        ({"PORTAL_SECRET_KEY": "for-this-machine-only-never-for-customers"}, "PORTAL_SECRET_KEY"),
        ({"PORTAL_PUBLIC_URL": "http://devices.retailer.example"}, "PORTAL_PUBLIC_URL"),
        ({"PORTAL_PUBLIC_URL": "https://devices.retailer.example/portal"}, "PORTAL_PUBLIC_URL"),
        ({"PORTAL_PUBLIC_URL": "https://devices.retailer.example?a=b"}, "PORTAL_PUBLIC_URL"),
        ({"PORTAL_PUBLIC_URL": "devices.retailer.example"}, "PORTAL_PUBLIC_URL"),
        ({"PORTAL_PUBLIC_URL": "https://user@devices.retailer.example"}, "PORTAL_PUBLIC_URL"),
        ({"PORTAL_OIDC__ISSUER": "http://login.retailer.example"}, "PORTAL_OIDC__ISSUER"),
        ({"PORTAL_OIDC__ISSUER": "http://127.0.0.1:8001/oidc"}, "PORTAL_OIDC__ISSUER"),
        ({"PORTAL_OIDC__ISSUER": "https://localhost:8001/oidc"}, "PORTAL_OIDC__ISSUER"),
        ({**PODERO, "PORTAL_PODERO__CLIENT_SECRET": ""}, "PORTAL_PODERO__CLIENT_SECRET"),
        ({**PODERO, "PORTAL_PODERO__CONNECT_HOSTS": "127.0.0.1:8001"}, "PORTAL_PODERO__CONNECT_HOSTS"),
        ({**PODERO, "PORTAL_PODERO__TOKEN_URL": "https://[::1]/token"}, "PORTAL_PODERO__TOKEN_URL"),
        ({**TELEMATICA, "PORTAL_TELEMATICA__WEBHOOK_SECRET": ""}, "PORTAL_TELEMATICA__WEBHOOK_SECRET"),
        ({**TELEMATICA, "PORTAL_TELEMATICA__API_URL": "http://api.telematica.example"}, "PORTAL_TELEMATICA__API_URL"),
        ({"PORTAL_LANGUAGES": "sv,de", "PORTAL_DEFAULT_LANGUAGE": "fr"}, "PORTAL_DEFAULT_LANGUAGE"),
        ({"PORTAL_LANGUAGES": "sv,sv"}, "PORTAL_LANGUAGES"),
        ({"PORTAL_MARKET": "UK"}, "PORTAL_MARKET"),
        ({"PORTAL_REDIS_URL": "queue:6379"}, "PORTAL_REDIS_URL"),
        ({"PORTAL_REDIS_URL": "redis://"}, "PORTAL_REDIS_URL"),
        ({"PORTAL_REDIS_URL": "redis://queue:port"}, "PORTAL_REDIS_URL"),
        ({"PORTAL_REDIS_URL": "unix://"}, "PORTAL_REDIS_URL"),
        ({"PORTAL_LIMITS__SIGN_INS": "often"}, "PORTAL_LIMITS__SIGN_INS"),
        ({"PORTAL_LIMITS__ARRIVALS": "10 per fortnight"}, "PORTAL_LIMITS__ARRIVALS"),
        ({"PORTAL_LIMITS__STARTS": "20 per hour; 0 per day"}, "PORTAL_LIMITS__STARTS"),
    ],
)
def test_what_would_harm_customers_does_not_start(changed: dict[str, str], variable: str) -> None:
    assert faulty({**LIVE, **changed}) == (variable,)


STAFF = {
    "PORTAL_STAFF_OIDC__ISSUER": "https://staff.retailer.example/",
    "PORTAL_STAFF_OIDC__CLIENT_ID": "support",
    "PORTAL_STAFF_OIDC__CLIENT_SECRET": "a-staff-secret",
}


def test_support_may_have_a_host_of_its_own() -> None:
    assert load({**LIVE, **STAFF}).staff_url is None
    own = load({**LIVE, **STAFF, "PORTAL_STAFF_URL": "https://Support.retailer.example/"})
    assert own.staff_url == "https://support.retailer.example"
    here = load({**LOCAL, "PORTAL_STAFF_URL": "http://127.0.0.1:8000"})
    assert here.staff_url == "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://support.retailer.example", "plain http"),
        ("https://support.retailer.example/desk", "path"),
        ("support.retailer.example", "not a web address"),
        ("https://devices.retailer.example", "host of PORTAL_PUBLIC_URL"),
        ("https://devices.retailer.example:8443", "host of PORTAL_PUBLIC_URL"),
        ("http://localhost:8000", "this very machine"),
    ],
)
def test_a_host_of_support_that_would_not_hold_does_not_start(url: str, word: str) -> None:
    with pytest.raises(SettingsError) as failed:
        load({**LIVE, **STAFF, "PORTAL_STAFF_URL": url})
    (fault,) = failed.value.faults
    assert fault.startswith("PORTAL_STAFF_URL: ")
    assert word in fault


def test_a_host_of_support_is_for_nothing_without_an_issuer_of_the_staff() -> None:
    assert faulty({**LIVE, "PORTAL_STAFF_URL": "https://support.retailer.example"}) == ("PORTAL_STAFF_URL",)


def test_the_well_known_key_does_not_serve_staff_from_elsewhere() -> None:
    assert faulty({**LOCAL, "PORTAL_STAFF_URL": "https://support.retailer.example"}) == ("PORTAL_STAFF_URL",)


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "127.8.9.1", "[::1]:8000"])
def test_plain_http_and_the_well_known_key_serve_this_very_machine(host: str) -> None:
    assert load({**LOCAL, "PORTAL_PUBLIC_URL": f"http://{host}"}).public_url == f"http://{host}"


@pytest.mark.parametrize("host", ["localhost.example", "127.0.0.1.example", "10.0.0.1", "0.0.0.0:8000", "[::2]"])
def test_what_only_looks_like_this_machine_is_another(host: str) -> None:
    assert "PORTAL_PUBLIC_URL" in faulty({**LOCAL, "PORTAL_PUBLIC_URL": f"http://{host}"})


def test_a_provider_without_credentials_is_off_whatever_else_is_set() -> None:
    settings = load({**LIVE, "PORTAL_NOX__AUTH_URL": "https://auth.nox.energy/v2", "PORTAL_PODERO__PRICE_ZONE": "SE_3"})
    assert (settings.podero, settings.nox) == (None, None)


def test_variables_that_are_not_known_or_empty_do_not_stop_the_portal() -> None:
    extra = {"PORTAL_LIMITS__PAGES": "5", "PORTAL_X": "y", "PORTAL_PODERO": "on", "PORTAL_RETAILER__LOGO": " "}
    assert load({**LIVE, **extra}).retailer.logo is None


@pytest.mark.parametrize("url", ["redis://queue", "rediss://:secret@queue:6380/1", "unix:///run/redis.sock?db=1"])
def test_redis_is_reached_over_the_network_or_a_socket(url: str) -> None:
    settings = load({**LIVE, "PORTAL_REDIS_URL": url})
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == url


def test_what_is_not_set_follows_from_what_is() -> None:
    settings = load({**LIVE, **PODERO, **TELEMATICA, "PORTAL_MARKET": "US", "PORTAL_LANGUAGES": "hu, sv"})
    assert settings.podero is not None
    assert settings.telematica is not None
    assert settings.podero.token_url == "https://app.podero.com/api/partners/v2.0/auth/token"
    assert settings.podero.email_domain == "devices.retailer.example"
    assert settings.podero.connect_hosts == ("connect.podero.com",)
    assert (settings.telematica.region, settings.time_zone) == ("US", "America/New_York")
    assert (settings.languages, settings.default_language) == (("hu", "sv"), "hu")


@pytest.mark.parametrize(
    ("market", "zone"), [("SE", "Europe/Stockholm"), ("HU", "Europe/Budapest"), ("PT", "Europe/Lisbon")]
)
def test_the_time_zone_is_the_markets(market: str, zone: str) -> None:
    assert load({**LIVE, "PORTAL_MARKET": market}).time_zone == zone


def test_nox_may_sign_with_secrets_of_their_own() -> None:
    plain = load({**LIVE, "PORTAL_NOX__API_KEY": "key"}).nox
    assert plain is not None
    assert (plain.webhook_secret, plain.webhook_signed_text) == ((), "{timestamp}.{body}")
    more = {
        "PORTAL_NOX__API_KEY": "key",
        "PORTAL_NOX__WEBHOOK_SECRET": "first-secret-of-two, second-secret-of-two",
        "PORTAL_NOX__WEBHOOK_SIGNED_TEXT": "{id}.{timestamp}.{body}",
    }
    chosen = load({**LIVE, **more}).nox
    assert chosen is not None
    assert [one.get_secret_value() for one in chosen.webhook_secret] == ["first-secret-of-two", "second-secret-of-two"]
    for wrong in ({"PORTAL_NOX__WEBHOOK_SECRET": "short"}, {"PORTAL_NOX__WEBHOOK_SIGNED_TEXT": "{body}.{timestamp}"}):
        assert faulty({**LIVE, **more, **wrong}) == tuple(wrong)


def test_lists_are_separated_by_commas() -> None:
    more = {
        "PORTAL_TELEMATICA__WEBHOOK_SECRET": f"{TELEMATICA['PORTAL_TELEMATICA__WEBHOOK_SECRET']}, whsec_{'QUJD' * 8}",
        "PORTAL_TELEMATICA__METADATA": "tariff=night, team=a=b",
        "PORTAL_TELEMATICA__BRAND_SUBSET": "TESLA, ZAPTEC",
        "PORTAL_PROVIDERS": "nox,podero",
    }
    settings = load({**LIVE, **TELEMATICA, **more})
    assert settings.telematica is not None
    assert len(settings.telematica.webhook_secret) == 2
    assert settings.telematica.metadata == {"tariff": "night", "team": "a=b"}
    assert settings.telematica.brand_subset == ("TESLA", "ZAPTEC")
    assert settings.providers == ("nox", "podero")


def test_the_page_on_settings_lists_exactly_these() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == as_markdown(), "write it anew with portal.settings_table.as_markdown()"
    rows = documented()
    assert all(row.meaning for row in rows)
    assert len({row.variable for row in rows}) == len(rows)
