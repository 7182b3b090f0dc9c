"""The portal that the retailer's app opens, at a time that the tests say, and two customers' webviews."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from portal.sandbox.program import RunningSandbox
from tests.stories import letting_out
from tests.stories.letting_out import Make
from tests.stories.strangers import IN_ENGLISH
from tests.support.clock import Clock
from tests.support.live import Installation, serving, working
from tests.support.person import Person


@pytest.fixture(scope="module")
def running_clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def running(
    running_sandbox: RunningSandbox, running_clock: Clock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    url = f"sqlite:///{tmp_path_factory.mktemp('app')}/portal.sqlite"
    with serving(running_sandbox, url, IN_ENGLISH, clock=running_clock) as live, working(live.settings):
        yield live


@pytest.fixture
def clock(running_clock: Clock) -> Iterator[Clock]:
    """The portal's time, which is right again after each test."""
    yield running_clock
    running_clock.later = timedelta()


@pytest.fixture
def anna(live: Installation, person: Make) -> Person:
    """Anna's webview."""
    anna = person()
    letting_out.enters(live, anna, "anna")
    return anna


@pytest.fixture
def bela(live: Installation, person: Make) -> Person:
    """The webview of another customer, on another phone."""
    bela = person()
    letting_out.enters(live, bela, "bela")
    return bela
