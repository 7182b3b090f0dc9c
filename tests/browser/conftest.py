"""Installations with sandboxes of their own, and people who walk through them with a real browser."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser

from portal.sandbox.program import RunningSandbox
from tests.browser.household import CALM, Household
from tests.browser.visitor import Visitor
from tests.support.live import Installation, installation


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    url = f"sqlite:///{tmp_path_factory.mktemp('browser')}/portal.sqlite"
    with RunningSandbox() as sandbox, installation(sandbox, url) as live:
        yield live


@pytest.fixture
def live(running: Installation) -> Installation:
    """An installation as if nobody had been there before."""
    running.forget()
    return running


@pytest.fixture(scope="session")
def household(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Household]:
    """An installation of its own with a customer who has been through everything."""
    url = f"sqlite:///{tmp_path_factory.mktemp('household')}/portal.sqlite"
    with RunningSandbox() as sandbox, installation(sandbox, url, CALM) as live:
        yield Household(live)


@pytest.fixture
def visitor(live: Installation, browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Makes people, each with a browser profile of their own, of whose browsers none may complain."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Visitor(browser, live, **options))
