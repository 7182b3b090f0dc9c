"""Limits by address count by the client's address, in whatever way the proxy in front writes it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import structlog

from portal.app import create_app
from portal.web import client_address
from portal.web.client_address import read_address, stranger
from tests.support.live import Installation
from tests.web.visitor import Visitor


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:50123", "203.0.113.9"),
        ("[2001:db8::7]:50123", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("2001:db8::7", "2001:db8::7"),
        ('"[2001:db8::7]:443"', "2001:db8::7"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        (" 203.0.113.9 ", "203.0.113.9"),
    ],
)
def test_an_address_is_found_in_what_proxies_write(written: str, address: str) -> None:
    assert str(read_address(written)) == address


@pytest.mark.parametrize("written", ["", "unknown", "_hidden", "203.0.113.999", "[nonsense]:1", "a:b:c", "1.2.3.4:x"])
def test_what_is_no_address_is_none(written: str) -> None:
    assert read_address(written) is None


def test_who_has_none_shares_with_nobody_and_it_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_address, "_told_at", [-client_address.TOLD_EVERY])
    with structlog.testing.capture_logs() as lines:
        names = [stranger(""), stranger(""), stranger("_one"), stranger("_two")]
    assert len(set(names)) == 4
    assert [line["event"] for line in lines] == ["client_address_unknown"]


def test_seventy_customers_behind_one_gateway_do_not_share_a_limit(running: Installation) -> None:
    """Azure's Application Gateway writes the port behind the address."""
    limits = running.settings.limits.model_copy(update={"enabled": True})
    app = create_app(running.settings.model_copy(update={"proxy_hops": 1, "limits": limits}))
    statuses = {sign_in(app.test_client().get, f"203.0.113.{number}:{50_000 + number}") for number in range(70)}
    assert statuses == {303}
    again = [sign_in(app.test_client().get, f"203.0.113.7:{port}") for port in range(50_000, 50_070)]
    assert again.count(429) >= 10


def sign_in(get: Callable[..., object], forwarded: str) -> int:
    answer = get("/sign-in", base_url="http://localhost", headers={"X-Forwarded-For": forwarded})
    return int(answer.status_code)  # type: ignore[attr-defined]  # a test client's answer


@pytest.mark.parametrize("host", ["10.0.3.17:8500", "target.internal", "localhost"])
def test_a_probe_is_answered_whatever_host_it_names(running: Installation, host: str) -> None:
    visitor = Visitor(running.app, running.url)
    for probe in ("/health/live", "/health/ready"):
        assert visitor.client.get(probe, base_url=f"http://{host}").status_code == 200
    if host != "localhost":
        assert visitor.client.get("/", base_url=f"http://{host}").status_code == 400
