"""The installation that customers walk through, and the customers."""

import io
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import requests

from portal.sandbox.program import RunningSandbox
from tests.support.live import Installation, installation
from tests.support.person import Person


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def running(running_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    url = f"sqlite:///{tmp_path_factory.mktemp('stories')}/portal.sqlite"
    with installation(running_sandbox, url) as live:
        yield live


@pytest.fixture
def live(running: Installation) -> Installation:
    """The module's installation, as if nobody had been there before."""
    running.forget()
    running.sandbox.config_portal_url(running.url)
    return running


@pytest.fixture
def person(live: Installation) -> Iterator[Callable[..., Person]]:
    """Makes people, each with a browser of their own."""
    with ExitStack() as stack:
        yield lambda language="en": stack.enter_context(Person(live.url, language))


@pytest.fixture
def log(running: Installation) -> Iterator[io.StringIO]:
    """All that the portal writes down, at its most talkative."""
    written = io.StringIO()
    handlers = [handler for handler in logging.getLogger().handlers if isinstance(handler, logging.StreamHandler)]
    before = [handler.setStream(written) for handler in handlers]
    yield written
    for handler, stream in zip(handlers, before, strict=True):
        handler.setStream(stream)


@pytest.fixture
def answers() -> list[requests.Response]:
    return []
