"""Where one goes on to is a name from a list; nothing a stranger writes becomes an address."""

import itertools

import pytest

from tests.web.visitor import Visitor

HOSTS = ["evil.example", "localhost@evil.example", "evil.example:80", "evil%2eexample", "evil.example\\@localhost"]
OPENINGS = [
    *(
        "//",
        "///",
        "////",
        "/\\",
        "\\\\",
        "\\/",
        "/%09/",
        "/\t/",
        "/%5c",
        "/%2f/",
        "%2f%2f",
        "/./",
        "/../",
        "/;@",
        "/ /",
    ),
    *("http://", "https://", "https:", "http:/", "http:///", "HTTP://", "hTTps:\\\\", "ftp://", "//user@", "https:@"),
    *("javascript:alert(1)//", "data:text/html,", "vbscript:", "file:///", "intent://", "android-app://", "evil://"),
    *(
        "/\r\nLocation: http://",
        "\r\n//",
        "%0d%0aLocation:%20//",
        "\x00//",
        "\u2028//",
        "\u202e//",
        "\ufeff//",
        "\u3000//",
    ),
    *("／／", "/〱", "?next=//", "#//", ".", "..", "~", "*", "devices//", "devices/..//", "connect/..//", "connect/@"),
    *("connect/heat-pump/..//", "link-sessions///", "link-sessions/..//", "home//", "return//", "devices?x=//"),
]
ALONE = [
    *(
        "",
        " ",
        "DEVICES",
        "Devices ",
        "devices\n",
        " devices",
        "connect/heat_pump",
        "connect/toaster",
        "connect/heat-pump/",
    ),
    *("connect/heat-pump/NIBE", "connect/heat-pump/nibe/x", "link-sessions/", "link-sessions/" + "a" * 65, "sign-out"),
    *("health/live", "webhooks/podero", "a" * 5000, "devices/a b/remove", "devices/../remove", "{device_type}", "%s"),
    *(
        "connect/{0.__class__}",
        "sign-in",
        "sign-in/callback",
        "language",
        "static/portal.css",
        "theme.css",
        "٣",
        "connect/٣",
    ),
]
CORPUS = [*(opening + host for opening, host in itertools.product(OPENINGS, HOSTS)), *ALONE]


def test_the_corpus_is_worth_its_name() -> None:
    assert len(set(CORPUS)) >= 300


def test_no_hostile_name_leads_anywhere_but_to_the_devices(anna: Visitor) -> None:
    for name in CORPUS:
        answer = anna.send("GET", "/sign-in", query_string={"to": name})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/devices"), name


def test_no_hostile_name_in_a_form_leads_anywhere_but_to_the_devices(anna: Visitor) -> None:
    token = anna.token()
    for name in CORPUS:
        answer = anna.send("POST", "/language", data={"csrf_token": token, "language": "en", "to": name})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/devices"), name


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("home", "/"),
        ("devices", "/devices"),
        ("connect", "/connect"),
        ("connect/heat-pump", "/connect/heat-pump"),
        ("connect/hvac/mitsubishi-electric", "/connect/hvac/mitsubishi-electric"),
        ("connect/hvac/not-listed", "/connect/hvac/not-listed"),
        ("link-sessions/Ab_-9", "/link-sessions/Ab_-9"),
        ("devices/Ab_-9/remove", "/devices/Ab_-9/remove"),
        ("return", "/return"),
        ("privacy", "/privacy"),
        ("accessibility", "/accessibility"),
        ("sign-in-failed", "/sign-in/failed"),
    ],
)
def test_a_name_on_the_list_leads_to_its_page(anna: Visitor, name: str, path: str) -> None:
    assert anna.send("GET", "/sign-in", query_string={"to": name}).headers["Location"] == path
