"""The portal with a sandbox beside it, in English alone, and its visitors."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portal.sandbox.program import RunningSandbox
from tests.support.live import Installation, installation
from tests.web.visitor import Visitor

ENGLISH = {
    "PORTAL_LANGUAGES": "en",
    "PORTAL_DEFAULT_LANGUAGE": "en",
    "PORTAL_RETAILER__LOGO": str(Path(__file__).with_name("logo.svg")),
}


@pytest.fixture(scope="session")
def web_sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def running(web_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    url = f"sqlite:///{tmp_path_factory.mktemp('web')}/portal.sqlite"
    with installation(web_sandbox, url, ENGLISH) as live:
        yield live


@pytest.fixture
def stranger(running: Installation) -> Visitor:
    return Visitor(running.app, running.url)


@pytest.fixture
def anna(running: Installation) -> Visitor:
    return Visitor(running.app, running.url).sign_in("anna")


@pytest.fixture
def visitor(running: Installation) -> Callable[[], Visitor]:
    return lambda: Visitor(running.app, running.url)
