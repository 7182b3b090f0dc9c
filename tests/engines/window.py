"""A window of a browser, whichever engine draws it: what a customer can do in it."""

import time
from collections.abc import Callable
from typing import Protocol, runtime_checkable
from urllib.parse import urlsplit

PATIENCE = 20.0
"""Seconds until what is to be seen must be seen."""


class Window(Protocol):
    """What each engine is able to do. A selector's first match counts, and is waited for."""

    @property
    def url(self) -> str: ...

    def open(self, url: str) -> None: ...

    def has(self, selector: str) -> bool:
        """Whether it is there now."""
        ...

    def click(self, selector: str) -> None: ...

    def fill(self, selector: str, text: str) -> None: ...

    def text(self) -> str:
        """What can be read on the page."""
        ...

    def forget(self) -> None:
        """Every cookie."""
        ...


@runtime_checkable
class Telling(Protocol):
    """A window whose engine can be asked what it refused. WebKit's driver tells nothing: there the arrival is proof."""

    def complaints(self) -> list[str]:
        """What was said of content security policies since it was asked last."""
        ...


def until(is_so: Callable[[], bool], otherwise: Callable[[], str], *, within: float = PATIENCE) -> None:
    """Lets time pass until something is so."""
    deadline = time.monotonic() + within
    while not is_so():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.05)


def speaks_of_policy(line: str) -> bool:
    """Whether an engine's message is one about a content security policy; each has words of its own."""
    words = line.lower()
    return "content security policy" in words or "content-security-policy" in words


def path_of(url: str) -> str:
    return urlsplit(url).path
