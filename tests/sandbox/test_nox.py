"""NOX as the portal meets it: link sessions on one host, devices on the other."""

import base64
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from portal.sandbox.program import RunningSandbox


class Api(requests.Session):
    """A client with the supplier's key."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        super().__init__()
        self.trust_env = False
        self.url = sandbox.url
        self.returns = f"{sandbox.state.portal_url}/return/nox"
        self.headers["x-api-key"] = sandbox.config.nox_api_key

    def open(self, **more: Any) -> requests.Response:
        body = {"user_id": "pseudonym-daan", "redirect_url": self.returns, "asset_type": "hp", **more}
        return self.post(f"{self.url}/nox/v2/supplier/link-sessions", json=body, timeout=10)

    def rows(self, path: str = "", **query: str | int) -> Any:
        answer = self.get(f"{self.url}/v1/devices{path}", params=query, timeout=10)
        return answer.json()["data"] if answer.ok else answer.status_code

    def link(self, visitor: Any, username: str = "daan@example.com", **more: Any) -> dict[str, Any]:
        url = self.open(**{"brand": "daikin", **more}).json()["link_url"]
        return payload(visitor.sign_in(url, username).headers["Location"])


def payload(location: str) -> dict[str, Any]:
    data = parse_qs(urlsplit(location).query)["data"][0]
    assert "=" not in data
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(data + "=" * (-len(data) % 4)))
    return decoded


@pytest.fixture
def api(sandbox: RunningSandbox) -> Any:
    with Api(sandbox) as session:
        yield session


def test_a_link_session_lives_ten_minutes_and_speaks_dutch_unless_asked(api: Api) -> None:
    answer = api.open()
    opened = answer.json()
    assert answer.status_code == 201
    assert opened["expires_at"] - opened["created_at"] == 600
    assert (opened["language"], opened["brand"], opened["completed_at"]) == ("nl", None, None)
    assert opened["supplier_user_id"] == "pseudonym-daan"
    assert opened["link_url"].startswith(f"{api.url}/nox/ui?token={opened['link_token']}")


@pytest.mark.parametrize(
    "wrong",
    [
        {"user_id": None},
        {"asset_type": None},
        {"asset_type": "ev"},
        {"brand": None},
        {"brand": "sma"},
        {"brand": "Daikin"},
        {"language": "sv"},
        {"redirect_url": "http://elsewhere.example/return/nox"},
        {"redirect_url": "nonsense"},
    ],
)
def test_a_wrong_request_is_refused_with_a_reason(api: Api, wrong: dict[str, Any]) -> None:
    answer = api.open(**wrong)
    assert answer.status_code == 400
    assert list(answer.json()) == ["error"]


def test_a_wrong_key_opens_nothing_and_reads_nothing(api: Api) -> None:
    api.headers["x-api-key"] = "wrong"
    answer = api.open()
    assert (answer.status_code, answer.json()) == (401, {"error": "Invalid API key"})
    assert api.rows() == 401


def test_the_return_names_the_customer_and_the_device(api: Api, visitor: Any) -> None:
    told = api.link(visitor)
    assert (told["supplier_user_id"], told["brand"]) == ("pseudonym-daan", "daikin")
    (row,) = api.rows(user_id=told["nox_user_id"])
    assert [row["device_id"]] == told["device_ids"]
    assert (row["brand"], row["needs_reauthentication"]) == ("daikin", False)
    assert api.rows(user_id="somebody-else") == []


def test_a_new_link_overwrites_the_device_of_the_same_type(api: Api, visitor: Any) -> None:
    first, second = api.link(visitor), api.link(visitor)
    assert first["nox_user_id"] == second["nox_user_id"]
    assert [row["device_id"] for row in api.rows()] == second["device_ids"] != first["device_ids"]
    solar = api.link(visitor, asset_type="pv", brand="sma")
    assert [row["brand"] for row in api.rows("/pv")] == ["SMA"]
    assert solar["nox_user_id"] == first["nox_user_id"]
    assert len(api.rows()) == 1


def test_inverters_of_everybody_are_listed_unless_the_filter_works(
    api: Api, sandbox: RunningSandbox, visitor: Any
) -> None:
    daan = api.link(visitor, asset_type="pv", brand="solaredge")
    api.link(visitor, asset_type="pv", brand="sma", user_id="pseudonym-ines")
    assert len(api.rows("/pv", user_id=daan["nox_user_id"])) == 2
    sandbox.state.choose_variants("nox", {"user_filter_pv": "yes"})
    assert [row["brand"] for row in api.rows("/pv", user_id=daan["nox_user_id"])] == ["SolarEdge"]


def test_long_lists_come_in_pages(api: Api, visitor: Any) -> None:
    for number in range(3):
        api.link(visitor, user_id=f"pseudonym-{number}")
    first = api.get(f"{api.url}/v1/devices", params={"limit": 2}).json()
    assert len(first["data"]) == 2
    rest = api.get(f"{api.url}/v1/devices", params={"limit": 2, "next_token": first["meta"]["next_token"]}).json()
    assert (len(rest["data"]), rest["meta"]["next_token"]) == (1, None)
    assert api.rows(limit=0) == api.rows(limit=4001) == api.rows(next_token="x") == 400


def test_a_broken_device_asks_for_reauthentication_and_a_sparse_row_is_silent(
    api: Api, sandbox: RunningSandbox, visitor: Any
) -> None:
    (device_id,) = api.link(visitor)["device_ids"]
    requests.post(f"{sandbox.url}/control/devices/nox/{device_id}/break", timeout=10).raise_for_status()
    assert api.rows()[0]["needs_reauthentication"] is True
    sandbox.state.choose_variants("nox", {"device_row_fields": "sparse"})
    assert set(api.rows()[0]) == {"device_id", "user_id", "brand"}


@pytest.mark.parametrize(("form", "ending"), [("bare", "/return/nox"), ("error", "flow"), ("never", None)])
def test_a_cancelled_link_returns_in_the_chosen_form(
    api: Api, sandbox: RunningSandbox, visitor: Any, form: str, ending: str | None
) -> None:
    sandbox.state.choose_variants("nox", {"cancel_form": form})
    answer = visitor.press(api.open(language="en").json()["link_url"], action="cancel")
    if ending is None:
        assert "You may close this page" in answer.text
    else:
        assert answer.headers["Location"].endswith(ending)
        assert "data=" not in answer.headers["Location"]
