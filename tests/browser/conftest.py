"""An installation with short waits, and people who walk through it with a real browser."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser

from portal.sandbox.program import RunningSandbox
from tests.browser.visitor import Visitor
from tests.support.live import Installation, installation


@pytest.fixture(scope="session")
def browser_sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def running(browser_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    url = f"sqlite:///{tmp_path_factory.mktemp('browser')}/portal.sqlite"
    with installation(browser_sandbox, url) as live:
        yield live
        browser_sandbox.state.reset()


@pytest.fixture
def live(running: Installation) -> Installation:
    """The module's installation, as if nobody had been there before."""
    running.forget()
    running.sandbox.config_portal_url(running.url)
    return running


@pytest.fixture
def visitor(live: Installation, browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Makes people, each with a browser profile of their own, of whose browsers none may complain."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Visitor(browser, live, **options))


