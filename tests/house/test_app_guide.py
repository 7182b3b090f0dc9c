"""What the app team is told is what the code does: words, settings, pages and the token of the example."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from portal.identity.app_token import Expected, read_app_token
from portal.setting_groups import AppSettings
from portal.web.targets import TARGETS
from tests.support.house import ROOT

GUIDE = (ROOT / "docs" / "app-integration.md").read_text(encoding="utf-8")
RAISED = (
    ("app_token", "TokenRefused", ""),
    ("app_entry", "TokenRefused", ""),
    ("signatures", "Unproven", "token_"),
    ("app_keys", "IssuerError", "keys_"),
    ("calls", "IssuerError", "keys_"),
)
NOT_FOR_AN_APP = {
    "home",
    "privacy",
    "accessibility",
    "help",
    "sign-in-failed",
    "sign-in-failed/(.+)",
    "sign-in-cancelled/(.+)",
    "sign-in-unconfirmed/(.+)",
    "return",
    "out",
    "out/not-me",
}


def words_in_the_log() -> Iterator[str]:
    for module, error, prefix in RAISED:
        source = (ROOT / "portal" / "identity" / f"{module}.py").read_text(encoding="utf-8")
        found = re.findall(rf'raise {error}\(f?"([a-z_]+)', source)
        assert found, module
        yield from {prefix + word for word in found} - {"token_", "keys_"}


def examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, flags=re.DOTALL)


def settings_of_the_example() -> dict[str, str]:
    return dict(re.findall(r"^PORTAL_APP__([A-Z_]+)=(\S+)", GUIDE, flags=re.MULTILINE))


@pytest.mark.parametrize("word", sorted(set(words_in_the_log())))
def test_every_reason_of_a_refusal_is_explained(word: str) -> None:
    assert re.search(rf"`{word}(`|<)", GUIDE), word


@pytest.mark.parametrize("name", sorted(AppSettings.model_fields))
def test_every_setting_of_the_app_is_named(name: str) -> None:
    if name != "jwks_file":  # beside the other, as its alternative
        assert f"`PORTAL_APP__{name.upper()}" in GUIDE or f"\nPORTAL_APP__{name.upper()}=" in GUIDE


def test_every_page_that_an_app_may_open_is_listed() -> None:
    listed = re.findall(r"^\| `([^`]+)`(?:, `([^`]+)`)? \| ", GUIDE, flags=re.MULTILINE)
    names = {re.sub(r"<[a-z]+>", "x", name) for pair in listed for name in pair}
    for pattern, _ in TARGETS:
        if pattern not in NOT_FOR_AN_APP and not pattern.startswith("app/"):
            assert any(re.fullmatch(pattern, name) for name in names), pattern


def test_the_token_of_the_example_lets_somebody_in() -> None:
    header, claims = (json.loads(example) for example in examples("json")[:2])
    key = ECKey.generate_key("P-256", {"kid": header["kid"]})
    settings = settings_of_the_example()
    expected = Expected(
        issuer=settings["ISSUER"],
        audience=claims["aud"],
        subject_issuer=settings["SUBJECT_ISSUER"],
        app_links=(settings["LINKS"].split("=")[0],),
    )
    now = datetime.fromtimestamp(claims["iat"] + 10, UTC)
    read = read_app_token(jwt.encode(header, claims, key), expected=expected, keys=lambda _insist: (key,), now=now)
    assert (read.identity.subject, read.identity.name, read.target) == ("customer-4711", "Anna Lindqvist", "devices")
    assert len(claims["jti"]) * 6 >= 128
