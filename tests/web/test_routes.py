"""Every address of the portal, whom it is for, and what strangers get there."""

import pytest

from portal.domain.catalogue import DeviceType
from portal.web.guards import Access, guard_of
from tests.support.live import Installation
from tests.web.visitor import Visitor, good_page

ROUTES = {
    "GET /": ("everyone", "home"),
    "POST /language": ("everyone", "home"),
    "GET /privacy": ("everyone", "privacy"),
    "POST /privacy/support-code": ("customers", "privacy"),
    "POST /privacy/support-asks-first": ("customers", "privacy"),
    "GET /privacy/permissions/<consent_id>/withdraw": ("customers", "privacy/permissions/abc/withdraw"),
    "POST /privacy/permissions/<consent_id>/withdraw": ("customers", "privacy/permissions/abc/withdraw"),
    "GET /privacy/data": ("customers", "privacy/data"),
    "POST /privacy/data": ("customers", "privacy/data"),
    "GET /privacy/delete": ("customers", "privacy/delete"),
    "POST /privacy/delete": ("customers", "privacy/delete"),
    "GET /privacy/deleted/<receipt>": ("everyone", "privacy/deleted/abc"),
    "POST /sign-in/again": ("customers", "privacy"),
    "GET /help": ("everyone", "help"),
    "GET /accessibility": ("everyone", "accessibility"),
    "GET /theme.css": ("everyone", "home"),
    "GET /logo": ("everyone", "home"),
    "GET /sign-in": ("everyone", "home"),
    "GET /sign-in/callback": ("everyone", "home"),
    "GET /sign-in/failed": ("everyone", "sign-in-failed"),
    "POST /sign-out": ("everyone", "home"),
    "GET /connect": ("customers", "connect"),
    "GET /connect/<device_type>": ("customers", "connect/heat-pump"),
    "GET /connect/<device_type>/not-listed": ("customers", "connect/heat-pump/not-listed"),
    "POST /connect/<device_type>/not-listed": ("customers", "connect/heat-pump/not-listed"),
    "GET /connect/<device_type>/not-listed/thanks": ("customers", "connect/heat-pump"),
    "GET /connect/<device_type>/<vendor_key>": ("customers", "connect/heat-pump/nibe"),
    "POST /connect/<device_type>/<vendor_key>": ("customers", "connect/heat-pump/nibe"),
    "GET /link-sessions/<link_session_id>": ("customers", "link-sessions/abc"),
    "GET /link-sessions/<link_session_id>/leave": ("customers", "link-sessions/abc"),
    "POST /link-sessions/<link_session_id>/continue": ("customers", "link-sessions/abc"),
    "POST /link-sessions/<link_session_id>/put-away": ("customers", "devices"),
    "POST /link-sessions/<link_session_id>/keep": ("customers", "link-sessions/abc"),
    "POST /link-sessions/<link_session_id>/same": ("customers", "link-sessions/abc"),
    "POST /link-sessions/<link_session_id>/another": ("customers", "link-sessions/abc"),
    "POST /link-sessions/<link_session_id>/let-go": ("customers", "link-sessions/abc"),
    "GET /return/<provider_key>/<secret>/success": ("everyone", "return"),
    "GET /return/<provider_key>/<secret>/success/": ("everyone", "return"),
    "GET /return/<provider_key>/<secret>/cancel": ("everyone", "return"),
    "GET /return/<provider_key>/<secret>/cancel/": ("everyone", "return"),
    "GET /return/<provider_key>": ("everyone", "return"),
    "GET /return/<provider_key>/": ("everyone", "return"),
    "GET /return": ("everyone", "return"),
    "GET /devices": ("customers", "devices"),
    "POST /devices/<device_id>/reauthenticate": ("customers", "devices"),
    "POST /devices/<device_id>/put-away": ("customers", "devices"),
    "GET /devices/<device_id>/remove": ("customers", "devices/abc/remove"),
    "POST /devices/<device_id>/remove": ("customers", "devices/abc/remove"),
    "POST /app/tickets": ("machines", "home"),
    "GET /app/enter": ("everyone", "app/again"),
    "POST /app/enter": ("everyone", "app/again"),
    "GET /app/continue": ("everyone", "app/continue"),
    "POST /app/continue": ("everyone", "app/continue"),
    "GET /app/again": ("everyone", "app/again"),
    "GET /app/back": ("everyone", "app/back"),
    "GET /app/return": ("everyone", "app/again"),
    "POST /app/return": ("everyone", "app/again"),
    "GET /out/<text>": ("everyone", "out"),
    "GET /out": ("everyone", "out"),
    "POST /out": ("everyone", "out"),
    "GET /out/leave": ("everyone", "out"),
    "POST /out/not-me": ("everyone", "out"),
    "GET /out/not-me": ("everyone", "out/not-me"),
    "GET /.well-known/apple-app-site-association": ("machines", "home"),
    "GET /.well-known/assetlinks.json": ("machines", "home"),
    "POST /webhooks/<provider_key>": ("machines", "home"),
    "POST /webhooks/<provider_key>/": ("machines", "home"),
    "GET /health/live": ("machines", "home"),
    "GET /health/ready": ("machines", "home"),
}
VALUES = {
    "<device_type>": "heat-pump",
    "<vendor_key>": "nibe",
    "<link_session_id>": "abc",
    "<device_id>": "abc",
    "<consent_id>": "abc",
    "<receipt>": "abc",
    "<provider_key>": "podero",
    "<secret>": "s" * 43,
    "<text>": "t" * 200,
}
WRITTEN = {
    "device_type": "heat-pump",
    "vendor_key": "nibe",
    "link_session_id": "abc",
    "device_id": "abc",
    "consent_id": "abc",
    "receipt": "abc",
}
FOR_CUSTOMERS = [route for route, (access, _) in ROUTES.items() if access == "customers"]


def address(route: str) -> str:
    path = route.split(" ")[1]
    for name, value in VALUES.items():
        path = path.replace(name, value)
    return path


def test_every_route_wears_its_guard(running: Installation) -> None:
    found = {}
    for rule in running.app.url_map.iter_rules():
        if rule.endpoint == "static":
            continue
        guard = guard_of(running.app, rule.endpoint)
        (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        path = rule.rule.replace("<device_type:device_type>", "<device_type>")
        found[f"{method} {path}"] = (str(guard.access), guard.target.format_map({**WRITTEN}))
    assert found == ROUTES


@pytest.mark.parametrize("route", [route for route in FOR_CUSTOMERS if route.startswith("POST")])
def test_a_form_whose_session_is_over_goes_on_to_sign_in_from_a_page_of_ours(stranger: Visitor, route: str) -> None:
    page = good_page(stranger.send("POST", address(route)), 200, "en")
    sign_in = f"/sign-in?to={ROUTES[route][1]}"
    assert page.headers["Refresh"] == f"0;url={sign_in}"
    assert sign_in in page.links()


@pytest.mark.parametrize("route", [route for route in FOR_CUSTOMERS if route.startswith("GET")])
def test_a_stranger_is_sent_to_sign_in_and_back_to_the_page(stranger: Visitor, route: str) -> None:
    target = ROUTES[route][1]
    answer = stranger.send("GET", address(route))
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/sign-in?to={target}"
    assert answer.data == b""


@pytest.mark.parametrize("route", FOR_CUSTOMERS)
def test_the_way_back_leads_to_the_page_itself(anna: Visitor, route: str) -> None:
    target = ROUTES[route][1]
    answer = anna.send("GET", f"/sign-in?to={target}")
    assert answer.status_code == 303
    expected = "/devices" if target == "devices" else f"/{target}"
    assert answer.headers["Location"] == expected


@pytest.mark.parametrize("route", [route for route in ROUTES if route.startswith("GET") and "/theme" not in route])
def test_a_probe_of_any_address_is_harmless(stranger: Visitor, route: str) -> None:
    for method in ("HEAD", "OPTIONS"):
        answer = stranger.send(method, address(route))
        assert answer.status_code in {200, 204, 303, 410}
        assert answer.data == b""


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/callback?state=s&code=c", "/return/podero/secret/success"])
def test_nothing_happens_for_a_browser_that_only_fetches_ahead(stranger: Visitor, path: str) -> None:
    assert stranger.send("GET", path, headers={"Sec-Purpose": "prefetch"}).status_code == 503
    assert stranger.send("HEAD", path).status_code == 204


@pytest.mark.parametrize(
    "path",
    ["/devices/abc/remove", "/link-sessions/abc", "/link-sessions/abc/leave", "/privacy/permissions/abc/withdraw"],
)
def test_an_unknown_id_is_a_page_that_does_not_exist(anna: Visitor, path: str) -> None:
    assert anna.page(path, status=404).heading == "This page does not exist"


@pytest.mark.parametrize(
    "path", ["/devices/abc/reauthenticate", "/devices/abc/remove", "/privacy/permissions/abc/withdraw"]
)
def test_acting_on_an_unknown_id_is_a_page_that_does_not_exist(anna: Visitor, path: str) -> None:
    assert anna.post(path).status_code == 404


@pytest.mark.parametrize(
    ("path", "target"),
    [("/link-sessions/abc?n=1&was=waiting", "link-sessions/abc"), ("/devices?n=3", "devices")],
)
def test_a_page_that_looks_by_itself_signs_nobody_in_and_says_so(stranger: Visitor, path: str, target: str) -> None:
    answer = stranger.fragment(path)
    assert answer.status_code == 200
    assert not {"HX-Redirect", "HX-Location", "HX-Refresh", "Refresh", "Location"} & set(answer.headers.keys())
    assert (answer.headers["HX-Retarget"], answer.headers["HX-Reswap"]) == ("#content", "innerHTML")
    assert "You’ve been signed out" in answer.text
    assert f'href="/sign-in?to={target}"' in answer.text
    assert "data-hx" not in answer.text


def test_there_are_three_kinds_of_guard_besides_the_staffs() -> None:
    assert {access for access, _ in ROUTES.values()} == {str(access) for access in Access} - {str(Access.STAFF)}


def test_device_types_stand_in_addresses_as_words(anna: Visitor) -> None:
    for device_type in DeviceType:
        assert anna.page(f"/connect/{device_type.slug}").status == 200
    assert anna.send("GET", "/connect/heat_pump").status_code == 404
