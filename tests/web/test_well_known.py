"""What telephones read before they open a link in the retailer's app."""

from collections.abc import Iterator

import pytest

from portal.sandbox.program import RunningSandbox
from tests.support.live import Installation, environment, serving
from tests.web.visitor import Visitor

APPLE = "/.well-known/apple-app-site-association"
ANDROID = "/.well-known/assetlinks.json"


@pytest.fixture
def without_app(web_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    url = f"sqlite:///{tmp_path_factory.mktemp('no-app')}/portal.sqlite"
    off = {name: "" for name in environment(web_sandbox, "", "") if name.startswith("PORTAL_APP__")}
    with serving(web_sandbox, url, {"PORTAL_LANGUAGES": "en", **off}) as live:
        yield live


def test_apples_devices_are_told_which_links_open_the_app_and_that_it_takes_returns(stranger: Visitor) -> None:
    answer = stranger.send("GET", APPLE)
    assert answer.content_type == "application/json"
    assert answer.json == {
        "applinks": {"details": [{"appIDs": ["ABCDE12345.example.nordvind.app"], "components": [{"/": "/app*"}]}]},
        "webcredentials": {"apps": ["ABCDE12345.example.nordvind.app"]},
    }


def test_android_is_told_the_package_and_its_certificate(stranger: Visitor) -> None:
    answer = stranger.send("GET", ANDROID)
    assert answer.content_type == "application/json"
    (statement,) = answer.json or []
    assert statement["relation"] == ["delegate_permission/common.handle_all_urls"]
    assert statement["target"] == {
        "namespace": "android_app",
        "package_name": "example.nordvind.app",
        "sha256_cert_fingerprints": [":".join(["AB"] * 32)],
    }


@pytest.mark.parametrize("path", [APPLE, ANDROID])
def test_both_may_be_kept_and_belong_to_nobody(stranger: Visitor, path: str) -> None:
    answer = stranger.send("GET", path)
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", [APPLE, ANDROID, "/app/enter?code=x", "/app/again", "/app/continue"])
def test_a_retailer_without_an_app_has_none_of_its_pages(without_app: Installation, path: str) -> None:
    stranger = Visitor(without_app.app, without_app.url)
    assert stranger.send("GET", path).status_code == 404
    assert stranger.send("POST", "/app/tickets", data={"token": "x"}).status_code == 404
