"""An installation, and a window of each engine; without JavaScript it is WebKit's, the strictest of them."""

from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest

from portal.sandbox.program import RunningSandbox
from tests.engines.chromium import chromium
from tests.engines.customer import Customer
from tests.engines.firefox import firefox
from tests.engines.webkit import webkit
from tests.engines.window import Telling, Window
from tests.support.live import Installation, installation

ENGINES = {
    "chromium": ("chromium", True),
    "firefox": ("firefox", True),
    "webkit": ("webkit", True),
    "webkit-without-javascript": ("webkit", False),
}


STRICTEST = "webkit"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every engine is shown one provider each time, the strictest the other pages too; `make torture` shows all."""
    for item in items:
        named = getattr(item, "callspec", None)
        if named is None or "window" not in named.params:
            continue
        is_another = named.params.get("provider", "podero") != "podero" or named.params.get("page") == "/privacy/delete"
        is_more = "page" in named.params or item.name.startswith("test_a_page_that_waits")
        if is_another or (is_more and named.params["window"] != STRICTEST):
            item.add_marker(pytest.mark.torture)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    url = f"sqlite:///{tmp_path_factory.mktemp('engines')}/portal.sqlite"
    with RunningSandbox() as sandbox, installation(sandbox, url) as live:
        yield live


@pytest.fixture(scope="module", params=ENGINES)
def window(
    request: pytest.FixtureRequest, running: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Window]:
    """Each engine is started once for a module's tests."""
    engine, javascript = ENGINES[request.param]
    folder = tmp_path_factory.mktemp(engine)
    homes = (running.url, f"{running.sandbox.origins[-1]}/oidc/authorize")
    started: AbstractContextManager[Window]
    match engine:
        case "chromium":
            started = chromium(request.getfixturevalue("browser"), javascript=javascript)
        case "firefox":
            started = firefox(folder, javascript=javascript)
        case _:
            started = webkit(folder, homes, javascript=javascript)
    with started as opened:
        yield opened


@pytest.fixture
def anna(request: pytest.FixtureRequest, window: Window, running: Installation) -> Iterator[Customer]:
    """Signed in, in an installation as if nobody had been there before; her browser complains of no policy."""
    running.forget()
    window.forget()
    if isinstance(window, Telling):
        window.complaints()
    _, javascript = ENGINES[request.node.callspec.params["window"]]
    customer = Customer(window, running, javascript=javascript)
    customer.sign_in()
    yield customer
    assert not isinstance(window, Telling) or not window.complaints()
