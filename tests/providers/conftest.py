"""Scripted servers, and one sandbox for the contract of all three providers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import structlog

from portal.sandbox.configuration import SandboxConfig
from portal.sandbox.program import RunningSandbox
from tests.providers.scripted import Answering, Received, Scripted, reply


@pytest.fixture
def serve() -> Iterator[Callable[[Answering], Scripted]]:
    """Starts servers that answer as told."""
    with ExitStack() as running:
        yield lambda answering: running.enter_context(Scripted(answering))


@pytest.fixture
def logged() -> Iterator[list[dict[str, object]]]:
    """What was logged, whatever a portal of another test has set for the whole process."""
    structlog.reset_defaults()
    with structlog.testing.capture_logs() as entries:
        yield entries  # type: ignore[misc]


@pytest.fixture(scope="module")
def running_sandbox() -> Iterator[tuple[RunningSandbox, Scripted]]:
    """A sandbox, and the place of a portal to which it sends its events."""

    def taken(_: Received) -> bytes:
        return reply(204)

    with Scripted(taken) as portal, RunningSandbox(SandboxConfig(portal_url="http://unknown.invalid")) as sandbox:
        sandbox.config_portal_url(portal.url)
        yield sandbox, portal
