"""The address of a sign-out is short enough for proxies and issuers, and says who it is for as well as it can."""

from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from portal.identity.logout_address import LONGEST, logout_address

QUERY = {"client_id": "portal", "post_logout_redirect_uri": "https://devices.example.com/", "ui_locales": "sv"}
KEY = OctKey.import_key("k" * 32)


def token(groups: int, **claims: str) -> str:
    told = {"groups": [f"group-{number:06}" for number in range(groups)], **claims}
    return jwt.encode({"alg": "HS256"}, told, KEY)


def query_of(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)


def test_a_short_token_says_who_it_is() -> None:
    hint = token(2, sub="anna")
    told = query_of(logout_address("https://issuer.example/end?realm=x", QUERY, hint))
    assert told == {"realm": ["x"], "id_token_hint": [hint], **{name: [value] for name, value in QUERY.items()}}


@pytest.mark.parametrize(
    ("claims", "hint"),
    [({"sub": "anna", "login_hint": "O.abc"}, ["O.abc"]), ({"sub": "anna"}, ["anna"]), ({"sub": "x" * 5000}, None)],
)
@pytest.mark.parametrize("groups", [150, 400])
def test_a_token_with_many_groups_makes_no_address_that_is_refused(
    claims: dict[str, str], hint: list[str] | None, groups: int
) -> None:
    url = logout_address("https://issuer.example/end", QUERY, token(groups, **claims))
    told = query_of(url)
    assert len(url) <= LONGEST
    assert "id_token_hint" not in told
    assert told.get("logout_hint") == hint
    assert (told["client_id"], told["post_logout_redirect_uri"]) == (["portal"], ["https://devices.example.com/"])


@pytest.mark.parametrize("odd", ["x" * 5000, "a." + "é" * 3000 + ".c", f"a.{'_' * 4000}.c", None, ""])
def test_what_is_no_token_is_left_out(odd: str | None) -> None:
    url = logout_address("https://issuer.example/end", QUERY, odd)
    assert len(url) <= LONGEST
    assert set(query_of(url)) == set(QUERY)
