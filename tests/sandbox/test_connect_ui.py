"""The hosted pages as a person walks them, in every language a provider has."""

from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from portal.sandbox import podero
from portal.sandbox.program import RunningSandbox
from portal.sandbox.state import LinkSession, ProviderUser
from portal.sandbox.texts import all_texts


@pytest.fixture
def user(sandbox: RunningSandbox) -> str:
    person = ProviderUser(str(uuid4()), "podero", "pseudonym-anna")
    sandbox.state.users.append(person)
    return person.id


def opened(sandbox: RunningSandbox, user: str, language: str = "en", device_type: str | None = "hp") -> LinkSession:
    link = podero.open_session(sandbox.state, user, "http://p/ok", "http://p/no", language)
    link.device_type = device_type
    return link


def address(sandbox: RunningSandbox, link: LinkSession) -> str:
    return podero.connect_url(sandbox.state, link)


@pytest.mark.parametrize("language", podero.LANGUAGES)
def test_podero_speaks_its_eight_languages(sandbox: RunningSandbox, user: str, visitor: Any, language: str) -> None:
    url = address(sandbox, opened(sandbox, user, language, None))
    assert f'<html lang="{language}">' in visitor.look(url).text
    assert all_texts()[language]["choose_vendor"] in visitor.press(url, device_type="hp").text
    assert all_texts()[language]["password"] in visitor.press(url, vendor="nibe").text


@pytest.mark.parametrize("language", ["nl", "en", "fr", "es"])
def test_nox_speaks_its_four(sandbox: RunningSandbox, visitor: Any, language: str) -> None:
    answer = visitor.post(
        f"{sandbox.url}/nox/v2/supplier/link-sessions",
        json={
            "user_id": "u",
            "redirect_url": f"{sandbox.state.portal_url}/return/nox",
            "asset_type": "pv",
            "language": language,
        },
        headers={"x-api-key": sandbox.config.nox_api_key},
    )
    page = visitor.look(answer.json()["link_url"]).text
    assert f'<html lang="{language}">' in page
    assert all_texts()[language]["choose_vendor"] in page


def test_a_person_chooses_type_and_vendor_goes_back_and_signs_in(
    sandbox: RunningSandbox, user: str, visitor: Any
) -> None:
    url = address(sandbox, opened(sandbox, user, device_type=None))
    assert "What would you like to connect?" in visitor.look(url).text
    assert "Tesla" in visitor.press(url, device_type="ev").text
    assert "demo-tesla@getfreeheat.com" in visitor.press(url, vendor="tesla").text
    assert 'value="tesla"' in visitor.press(url, action="back").text
    assert "What would you like to connect?" in visitor.press(url, action="back").text
    visitor.press(url, device_type="hp")
    visitor.press(url, vendor="nibe")
    back = visitor.sign_in(url, "demomyuplink@nibe.se")
    assert back.status_code == 303
    assert back.headers["Location"].startswith("http://p/ok?deviceId=")


def test_a_wrong_password_can_be_tried_again(sandbox: RunningSandbox, user: str, visitor: Any) -> None:
    url = address(sandbox, opened(sandbox, user))
    visitor.press(url, vendor="nibe")
    assert "not right" in visitor.sign_in(url, "demomyuplink@nibe.se", "wrong").text
    assert "not right" in visitor.sign_in(url, "stranger@nibe.se").text
    assert "no device" in visitor.sign_in(url, "empty@nibe.se").text
    assert "deviceId=" in visitor.sign_in(url, "demomyuplink@nibe.se").headers["Location"]


def test_cancel_leads_to_the_other_address_and_closes_the_link(
    sandbox: RunningSandbox, user: str, visitor: Any
) -> None:
    url = address(sandbox, opened(sandbox, user))
    assert visitor.press(url, action="cancel").headers["Location"] == "http://p/no"
    assert visitor.look(url).status_code == 410


def test_a_link_expires_is_used_once_and_cannot_be_guessed(sandbox: RunningSandbox, user: str, visitor: Any) -> None:
    expired = address(sandbox, opened(sandbox, user))
    assert "expired" in visitor.press(expired, action="expire").text
    assert visitor.sign_in(expired, "demomyuplink@nibe.se").status_code == 410
    old = opened(sandbox, user)
    old.expires_at = sandbox.state.now() - 1
    assert "expired" in visitor.look(address(sandbox, old)).text
    used = address(sandbox, opened(sandbox, user))
    visitor.press(used, vendor="nibe")
    visitor.sign_in(used, "demomyuplink@nibe.se")
    assert "used already" in visitor.sign_in(used, "demomyuplink@nibe.se").text
    assert visitor.look(f"{sandbox.url}/podero/connect?onboarding_session_id={uuid4()}").status_code == 404


def test_the_same_account_is_the_same_device_and_another_is_another(
    sandbox: RunningSandbox, user: str, visitor: Any
) -> None:
    def link(vendor: str, username: str) -> str:
        url = address(sandbox, opened(sandbox, user))
        visitor.press(url, vendor=vendor)
        location = str(visitor.sign_in(url, username).headers["Location"])
        return parse_qs(urlsplit(location).query)["deviceId"][0]

    assert link("nibe", "demomyuplink@nibe.se") == link("nibe", "DemoMyUplink@nibe.se ")
    assert link("nibe", "demomyuplink@nibe.se") != link("nibe", "second@nibe.se")
    assert link("daikin", "a@example.com") == link("daikin", "a@example.com") != link("daikin", "b@example.com")


def test_an_account_with_several_devices_asks_which(sandbox: RunningSandbox, user: str, visitor: Any) -> None:
    url = address(sandbox, opened(sandbox, user))
    visitor.press(url, vendor="daikin")
    page = visitor.sign_in(url, "several@example.com").text
    assert page.count('type="radio"') == 2
    serial = page.split('name="device" value="')[2].split('"')[0]
    assert "deviceId=" in visitor.press(url, action="connect", device=serial).headers["Location"]
    assert sandbox.state.devices[0].physical.serial == serial
