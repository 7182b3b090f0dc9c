"""A strict reading of our pages: what a browser forgives, a test does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any

import html5lib
from html5lib.constants import E as ERROR_TEXTS

VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
INTERACTIVE = frozenset("a button details input label select textarea".split())
ONLY_CHILDREN = {
    "ul": {"li", "template"},
    "ol": {"li", "template"},
    "dl": {"dt", "dd", "div", "template"},
    "select": {"option", "optgroup", "hr"},
    "tr": {"td", "th"},
}
NO_BLOCKS_IN = frozenset("p h1 h2 h3 h4 h5 h6 span a button label summary legend dt".split())
BLOCKS = frozenset("div section article nav aside header footer main form ul ol dl table p h1 h2 h3 h4".split())
REFERENCES = (
    "for",
    "aria-labelledby",
    "aria-describedby",
    "aria-controls",
    "aria-errormessage",
    "list",
    "form",
)
LABELLED = frozenset("input select textarea".split())
NEEDS_NO_LABEL = frozenset("hidden submit button image reset".split())


@dataclass(frozen=True, slots=True)
class Element:
    """One element as it is written, with what it stands in, outermost first."""

    name: str
    line: int
    attributes: list[tuple[str, str | None]]
    parents: tuple[str, ...]

    def get(self, name: str) -> str | None:
        """The value of an attribute; empty where it has none, nothing where it is absent."""
        return next((value or "" for key, value in self.attributes if key == name), None)


@dataclass(slots=True)
class Reading:
    """What a reader found in a text."""

    elements: list[Element] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def assert_valid_html(text: str) -> None:
    """Demand a whole page of correct HTML: well nested, unique ids, living references, named controls."""
    reading = read(text)
    faults = [*parse_faults(text, fragment=False), *reading.faults, *page_faults(reading.elements)]
    faults += element_faults(reading.elements)
    assert not faults, "the page is not valid HTML:\n  " + "\n  ".join(faults)


def assert_valid_fragment(text: str) -> None:
    """Demand that a piece of a page, as htmx swaps it in, is correct HTML."""
    reading = read(text)
    faults = [*parse_faults(text, fragment=True), *reading.faults, *element_faults(reading.elements)]
    assert not faults, "the fragment is not valid HTML:\n  " + "\n  ".join(faults)


def parse_faults(text: str, *, fragment: bool) -> list[str]:
    """What the HTML standard calls a parse error."""
    if fragment:
        parser = html5lib.HTMLParser()
        parser.parseFragment(text)
    else:
        _, parser = _parsed(text)
    return [f"line {line}: {ERROR_TEXTS[code] % values}" for (line, _), code, values in parser.errors]


def tree_of(text: str) -> Any:
    """A page's elements as the HTML standard reads them, for looking at only."""
    return _parsed(text)[0]


@lru_cache(maxsize=16)
def _parsed(text: str) -> tuple[Any, html5lib.HTMLParser]:
    """Read once: a page is checked, and then looked at."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    return parser.parse(text), parser


def read(text: str) -> Reading:
    """The elements of a text, and every tag left open or closed in the wrong order."""
    reader = NestingReader()
    reader.feed(text)
    reader.close()
    reader.reading.faults += [f"line {line}: <{tag}> is never closed" for tag, line in reader.open]
    return reader.reading


class NestingReader(HTMLParser):
    """Keeps the stack of open tags and notes every element."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, int]] = []
        self.reading = Reading()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An opening tag is noted and joins the stack, unless it has no end."""
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append((tag, self.getpos()[0]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A self-closing tag, as inline SVG has them, is noted and opens nothing."""
        parents = tuple(name for name, _ in self.open)
        self.reading.elements.append(Element(tag, self.getpos()[0], attrs, parents))

    def handle_endtag(self, tag: str) -> None:
        """A closing tag must close what was opened last."""
        if self.open and self.open[-1][0] == tag:
            self.open.pop()
        else:
            self.reading.faults.append(f"line {self.getpos()[0]}: </{tag}> does not close what was opened last")


def page_faults(elements: list[Element]) -> list[str]:
    """What every whole page has: a language, a title, one main part, one first heading."""
    names = Counter(element.name for element in elements)
    faults = [f"{names[name]} <{name}> instead of one" for name in ("main", "h1") if names[name] != 1]
    if "title" not in names:
        faults.append("no title")
    if not any(element.name == "html" and element.get("lang") for element in elements):
        faults.append("no language on <html>")
    return faults


def element_faults(elements: list[Element]) -> list[str]:
    """What any element can do wrong."""
    ids = Counter(name for element in elements if (name := element.get("id")) is not None)
    labelled = {element.get("for") for element in elements if element.name == "label"} - {None}
    faults = [f"the id {name!r} is used {count} times" for name, count in ids.items() if count > 1]
    for element in elements:
        found = (
            *attribute_faults(element, set(ids)),
            *nesting_faults(element),
            *control_faults(element, labelled),
        )
        faults += [f"line {element.line}: <{element.name}> {fault}" for fault in found]
    return faults


def attribute_faults(element: Element, ids: set[str]) -> Iterator[str]:
    """Attributes written twice, pointing nowhere, running inline code or not HTML's."""
    counts = Counter(name for name, _ in element.attributes)
    yield from (f"says {name} twice" for name, count in counts.items() if count > 1)
    for name, value in element.attributes:
        if name in REFERENCES:
            yield from (f'{name}="{target}" names nothing' for target in (value or "").split() if target not in ids)
        if name.startswith("on") or name == "style":
            yield f"carries inline {name}"
        if name.startswith("hx-"):
            yield f"says {name} where data-{name} is HTML"


def nesting_faults(element: Element) -> Iterator[str]:
    """Elements standing where HTML does not allow them."""
    if not element.parents:
        return
    parent = element.parents[-1]
    if parent in ONLY_CHILDREN and element.name not in ONLY_CHILDREN[parent]:
        yield f"cannot stand in <{parent}>"
    if parent in NO_BLOCKS_IN - {"a"} and element.name in BLOCKS:
        yield f"cannot stand in <{parent}>"
    if element.name in INTERACTIVE:
        yield from (f"cannot stand in <{outer}>" for outer in ("a", "button") if outer in element.parents)


def control_faults(element: Element, labelled: set[str | None]) -> Iterator[str]:
    """Controls without a name and images without a text."""
    if element.name == "img" and element.get("alt") is None:
        yield "has no alt"
    if element.name not in LABELLED or element.get("type") in NEEDS_NO_LABEL:
        return
    named = element.get("aria-label") or element.get("aria-labelledby") or element.get("id") in labelled
    if not named and "label" not in element.parents:
        yield f"name={element.get('name')!r} has no label"
