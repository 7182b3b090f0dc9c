"""An engine that can tell of a refusal does, or its silence would prove nothing."""

import pytest

from tests.engines.window import Telling, Window, until

pytestmark = pytest.mark.browser

REFUSED = """data:text/html,<meta http-equiv="Content-Security-Policy" content="img-src 'none'">
<img src="http://127.0.0.1:9/picture">"""


@pytest.mark.parametrize("window", ["chromium", "firefox"], indirect=True)
def test_what_a_policy_refuses_is_heard(window: Window) -> None:
    assert isinstance(window, Telling)
    window.complaints()
    window.open(REFUSED)
    until(lambda: bool(window.url and window.complaints()), lambda: "nothing was said")
