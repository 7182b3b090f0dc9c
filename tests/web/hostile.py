"""Hundreds of strings that strangers send, and what no answer to them may do."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import quote, urlsplit

from werkzeug.test import TestResponse

from tests.support.html import read
from tests.web.test_targets import CORPUS as NAMES

EVIL = "evil.example"

ADDRESSES = [
    *(
        "intent://evil.example#Intent;scheme=https;package=evil;end",
        "intent:#Intent;S.browser_fallback_url=//evil.example;end",
    ),
    *(
        "market://details?id=evil",
        "android-app://evil/https/evil.example",
        "evil://evil.example",
        "example.nordvind.app:/x",
    ),
    *(
        "tel:+4600",
        "sms:+46?body=x",
        "mailto:a@evil.example",
        "blob:https://evil.example/1",
        "filesystem:http://evil.example/",
    ),
    *(
        "about:blank",
        "view-source:http://evil.example",
        "jar:http://evil.example!/",
        "ws://evil.example",
        "feed://evil.example",
    ),
    *(
        "java\tscript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "\x01javascript:alert(1)",
        "javascript\x00:alert(1)",
        "&#106;avascript:1",
    ),
    *(
        "data:text/html;base64,PHN2Zz4=",
        "data:,x",
        "vbscript:msgbox(1)",
        "livescript:1",
        "https:evil.example",
        "https:/evil.example",
    ),
    *(
        "https://localhost.evil.example",
        "https://localhost%40evil.example",
        "//localhost:80@evil.example",
        "http://[::1]@evil.example",
    ),
    *(
        "//evil.example/%2f..",
        "/%2e%2e//evil.example",
        "/..;/evil",
        "/%09//evil.example",
        "/%0a/evil.example",
        "/%00/evil.example",
    ),
    *(
        "//evil%E3%80%82example",
        "//ｅｖｉｌ．example",
        "//evil。example",
        "\\/\\/evil.example",
        "/\\\\evil.example",
        "\\\\evil.example",
    ),
    *(
        "%252f%252fevil.example",
        "%25252f%25252fevil.example",
        "%c0%af%c0%afevil.example",
        "%2F%5Cevil.example",
        "%u002f%u002fevil",
    ),
    *(
        "/app/enter?code=x",
        "app/enter",
        "app/tickets",
        "app/return",
        "/out/x",
        "out/x",
        "/app/back?address=//evil.example",
    ),
    *(
        "@evil.example",
        ":80@evil.example",
        ".evil.example",
        "-evil.example",
        "?//evil.example",
        "#//evil.example",
        ";//evil.example",
    ),
]
MARKUP = [
    *(
        "<canary>",
        '"><canary>',
        "'><canary x='",
        "</title><canary>",
        "</script><canary>",
        "--><canary>",
        "<svg/onload=canary>",
    ),
    *(
        "<img src=x onerror=canary>",
        '" onmouseover="canary',
        "' autofocus onfocus='canary",
        "<a href=javascript:canary>x</a>",
    ),
    *(
        "<iframe src=//evil.example>",
        "<base href=//evil.example>",
        "<meta http-equiv=refresh content=0;//evil.example>",
        "<!--",
    ),
    *("{{7*7}}", "{% include 'x' %}", "${7*7}", "#{7*7}", "%(name)s", "{0.__class__.__mro__}", "<%= 7*7 %>", "[[7*7]]"),
    *(
        "＜canary＞",
        "\u2039canary\u203a",
        "<\x00canary>",
        "<canary\t/>",
        "%3Ccanary%3E",
        "&lt;canary&gt;",
        "\\u003ccanary\\u003e",
    ),
]
TROUBLE = [
    *(
        "\x00",
        "a\x00b",
        "\ud800",
        "\udfff\ud800",
        "x\udc80",
        "\ufffe",
        "\U0010ffff",
        "\u202e\u2066\u2067",
        "\u0000\u0000",
        "\x7f\x80\x9f",
    ),
    *(
        "\r\nX-Evil: 1",
        "x\r\n\r\n<canary>",
        "%0d%0aX-Evil:%201",
        "\nSet-Cookie: portal=evil",
        "\u560d\u560aX-Evil: 1",
        "\x85X-Evil: 1",
    ),
    *(
        "a" * 3_000,
        "/" * 3_000,
        "%" * 1_000,
        "é" * 1_000,
        "../" * 500,
        "[" * 2_000,
        '{"a":' * 500,
        "=" * 1_000,
        "&" * 500,
    ),
    *(
        "' OR '1'='1",
        "'; DROP TABLE customers; --",
        "1; SELECT pg_sleep(9)",
        "\\",
        "\\x00",
        "NULL",
        "None",
        "undefined",
        "NaN",
    ),
    *(
        "-1",
        "0",
        "99999999999999999999",
        "1e999",
        "0x10",
        "٣",
        "²",
        "1_000",
        "true",
        "[]",
        "{}",
        "()",
        "*",
        "../../etc/passwd",
    ),
    *(
        "__proto__",
        "constructor",
        "con",
        "aux.txt",
        ".env",
        ".git/config",
        "%s%s%s%n",
        "$(id)",
        "`id`",
        "|id",
        "~root",
        "{}{0}{x}",
    ),
    *(
        "sv-SE",
        "sv_SE.UTF-8",
        "x-evil",
        "zz",
        "en;q=9",
        "EN",
        "e\u0301n",
        "../../../translations/sv",
        "sv\x00",
        "C",
        "i18n" * 60,
    ),
]
CORPUS = tuple(dict.fromkeys([*NAMES[::2], *ADDRESSES, *MARKUP, *TROUBLE]))

LEADS = re.compile(r"""\b(?:href|src|action|formaction|data-hx-get)\s*=\s*"([^"]*)\"""")
SUSPECT = re.compile(r"canary|\son\w+\s*=|<(?:iframe|base|object|embed)\b", re.IGNORECASE)
NEVER = {"canary", "iframe", "base", "object", "embed"}


def in_a_path(text: str) -> str:
    """As one segment of a path."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def in_a_query(text: str, *names: str) -> str:
    """As the value of each of these parameters."""
    return "&".join(f"{name}={in_a_path(text)}" for name in names)


def in_a_header(text: str) -> str:
    """As the bytes of a header reach an application."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def assert_harmless(answer: TestResponse, said: str, homes: frozenset[str]) -> None:
    """Demand that nothing broke, that nothing leads but to `homes`, and that nothing was taken for markup."""
    where = (answer.request.method, answer.request.path, said)
    assert answer.status_code < 500, where
    assert "X-Evil" not in answer.headers, where
    assert leads_home(answer.headers.get("Location", "/"), homes), (*where, answer.headers["Location"])
    if answer.mimetype == "text/html":
        assert not SUSPECT.search(answer.text) or not foreign_markup(answer.text), where
        for address in LEADS.findall(answer.text):
            assert leads_home(unescape(address), homes), (*where, address)


def foreign_markup(text: str) -> list[str]:
    """The elements of a page that no page of ours has, and those that run something."""
    elements = read(text).elements
    return [one.name for one in elements if one.name in NEVER or any(name[:2] == "on" for name, _ in one.attributes)]


def leads_home(address: str, homes: frozenset[str]) -> bool:
    """Whether a browser stays in the portal, or goes to one of the few places it may go to."""
    if address.startswith(("data:image/", "data:,", "tel:+46771000000")) or address[:1] in {"", "#", "?"}:
        return True
    if re.search(r"[\x00-\x20\\]", address):
        return False
    parts = urlsplit(address)
    if not parts.scheme and not parts.netloc:
        return address.startswith("/") and not address.startswith("//")
    return f"{parts.scheme}://{parts.netloc}" in homes
