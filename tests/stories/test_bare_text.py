"""No page holds a word that no catalogue knows: in the bracketed language every word stands in brackets."""

import functools
import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

import pytest

from portal.providers.offers import vendors
from portal.sandbox.program import RunningSandbox
from tests.support.live import Installation, installation
from tests.support.person import Form, Page, Person

BRACKETED = re.compile(r"\[[^\[\]]*\]")
LETTERS = re.compile(r"[^\W\d_]{2,}")
SPOKEN = ("aria-label", "placeholder", "alt", "title")

REFERENCE = re.compile(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}\b")
OWN_NAMES = {"Nordvind Energi", "Anna Lindqvist", "S1255", "Podero", "NOX", "Telematica"}
NAMES = re.compile(
    "|".join(
        re.escape(name)
        for name in sorted(
            OWN_NAMES | {v.name for v in vendors().values()} | {v.app for v in vendors().values() if v.app},
            key=len,
            reverse=True,
        )
    )
)
"""Names are never translated."""

PAGES = (
    "/devices",
    "/connect",
    "/connect/heat-pump?q=nothing-like-it",
    "/connect/heat-pump/not-listed",
    "/connect/heat-pump/not-listed/thanks",
    "/connect/heat-pump/nibe",
    "/connect/heat-pump/other",
    "/connect/inverter/sma",
    "/connect/charger/easee",
    "/privacy",
    "/accessibility",
    "/return",
    "/sign-in/failed",
    "/nothing-here",
    "/connect/heat-pump/nobody",
)


@pytest.fixture(scope="module")
def running(running_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    url = f"sqlite:///{tmp_path_factory.mktemp('bare')}/portal.sqlite"
    with installation(running_sandbox, url, pseudo=True) as live:
        yield live


def test_every_word_of_every_page_comes_from_a_catalogue(live: Installation) -> None:
    with Person(live.url) as anna:
        pages = [anna.look("/"), anna.sign_in("anna")]
        pages += [anna.look(path) for path in PAGES]
        form = anna.look("/connect/heat-pump/nibe").form("/connect/heat-pump/nibe")
        pages.append(anna.submit(form))

        there = anna.leave_for("heat-pump", "nibe")
        pages.append(under_way(live, anna))
        cancelled = anna.submit(Form(there.url, "post"), action="cancel")
        linked = anna.link("heat-pump", "nibe", "demomyuplink@nibe.se", vendor_there="nibe")
        waiting = anna.link("charger", "easee", "anna@example.com")
        anna.sees("/devices", lambda _: len(live.devices()) == 2)
        given = {name for device in live.devices() for name in (device.nickname, device.model) if name}
        pages += [cancelled, linked, waiting, anna.look("/devices")]

        removal = next(link for link in anna.look("/devices").links() if link.endswith("/remove"))
        pages.append(anna.look(removal))
        pages.append(anna.submit(pages[-1].form("/remove")))

    assert len(pages) == 25
    assert {page.path: bare(page, given) for page in pages if bare(page, given)} == {}


def under_way(live: Installation, anna: Person) -> Page:
    """The page of the attempt that has left and not come back."""
    return anna.look(f"/link-sessions/{live.newest_attempt()}")


def bare(page: Page, given: set[str]) -> list[str]:
    """The words of a page that stand in no brackets and that no maker or owner has `given`."""
    words = []
    for text in map(without_brackets, spoken(page.tree)):
        longest_first = sorted(given, key=len, reverse=True)
        # First of all the reference, in which a short name may happen to stand.
        of_words = REFERENCE.sub(" ", text)
        nameless = functools.reduce(lambda rest, name: rest.replace(name, " "), longest_first, of_words)
        words += LETTERS.findall(NAMES.sub(" ", nameless))
    return words


def without_brackets(text: str) -> str:
    """Text without what is in brackets; a bracketed word may stand within another bracketed sentence."""
    inner = BRACKETED.sub(" ", text)
    return inner if inner == text else without_brackets(inner)


def spoken(element: Element) -> Iterator[str]:
    """Every text that is seen or read out, but the languages' own names and addresses."""
    is_silent = element.tag in {"script", "style", "meta", "link", "svg"} or element.get("aria-hidden") == "true"
    if is_silent or (element.tag != "html" and element.get("lang")):
        return
    if not (element.get("href") or "").startswith(("tel:", "mailto:")):
        yield element.text or ""
        yield from (element.get(name, "") for name in SPOKEN)
    for child in element:
        yield from spoken(child)
        yield child.tail or ""
