"""A vendor's sign-in belongs in a browser: what is one, and what only shows pages inside of another app."""

import pytest
from flask import Flask

from portal.web.surface import is_told_by_another_site, is_webview
from tests.support.live import Installation
from tests.support.retailer import ANDROID_WEBVIEW, IPHONE_WEBVIEW

APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"

BROWSERS = {
    "Safari on an iPhone": f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) {APPLE} Version/18.5 Mobile/15E148 "
    "Safari/604.1",
    "Safari on an iPad": f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {APPLE} Version/18.5 Safari/605.1.15",
    "Chrome on an iPhone": f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) {APPLE} CriOS/142.0 Mobile/15E148 "
    "Safari/604.1",
    "Firefox on an iPhone": f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) {APPLE} FxiOS/144.0 Mobile/15E148 "
    "Safari/605.1.15",
    "Chrome on Android": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 "
    "Mobile Safari/537.36",
    "Samsung": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 "
    "Chrome/130.0.0.0 Mobile Safari/537.36",
    "Firefox": "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
}
WEBVIEWS = {
    "the app on Android": ANDROID_WEBVIEW,
    "the app on an iPhone": IPHONE_WEBVIEW,
    "the app on an iPad": f"Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) {APPLE} Mobile/22F76",
    "Facebook on an iPhone": f"{IPHONE_WEBVIEW} [FBAN/FBIOS;FBAV/530.0]",
    "Instagram on Android": f"{ANDROID_WEBVIEW} Instagram 400.0.0",
}


@pytest.mark.parametrize("user_agent", BROWSERS.values(), ids=BROWSERS.keys())
def test_a_browser_is_no_webview(user_agent: str) -> None:
    assert not is_webview(user_agent)


@pytest.mark.parametrize("user_agent", WEBVIEWS.values(), ids=WEBVIEWS.keys())
def test_a_webview_is_known_by_what_it_says_of_itself(user_agent: str) -> None:
    assert is_webview(user_agent)


@pytest.mark.parametrize(
    ("headers", "is_told"),
    [
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "same-origin"}, False),
        ({"Sec-Fetch-Site": "same-site"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Sec-Fetch-Site": "cross-site", "User-Agent": ANDROID_WEBVIEW}, True),
        ({"User-Agent": ANDROID_WEBVIEW}, False),
        ({"User-Agent": IPHONE_WEBVIEW}, False),
        ({"User-Agent": BROWSERS["Safari on an iPhone"]}, True),
        ({"User-Agent": "NordvindEnergi/4.1 CFNetwork/1568"}, False),
        ({}, False),
    ],
)
def test_who_led_here_is_told_by_the_browser_and_an_old_one_is_not_believed(
    running: Installation, headers: dict[str, str], is_told: bool
) -> None:
    app: Flask = running.app
    with app.test_request_context("/app/enter", headers=headers):
        assert is_told_by_another_site() is is_told
