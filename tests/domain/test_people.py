"""Whom a page names, and how much of them a stranger reads."""

import pytest

from portal.domain.people import Customer, Identity, LoginSession, Surface
from tests.storage.made import NOW


@pytest.mark.parametrize(
    ("name", "email", "read"),
    [
        ("Anna Lindqvist", "anna@example.com", "A. L."),
        ("  anna   maria  lindqvist ", None, "A. L."),
        ("Anna", None, "A."),
        ("Ödön Ács", None, "Ö. Á."),
        (None, "anna@example.com", "a…@example.com"),
        ("  ", "a@example.com", "a…@example.com"),
        (None, "no address", None),
        (None, "@example.com", None),
        (None, None, None),
    ],
)
def test_a_person_knows_themselves_and_a_stranger_learns_no_name(
    name: str | None, email: str | None, read: str | None
) -> None:
    assert Identity("https://issuer.example", "1", name=name, email=email).initials == read


def test_a_session_that_was_entered_from_the_app_is_shown_in_the_app() -> None:
    anna = Customer("c", Identity("https://issuer.example", "1"), None, NOW)
    assert LoginSession("s", anna, NOW, NOW).surface is Surface.BROWSER
    assert LoginSession("s", anna, NOW, NOW, app_link="main").surface is Surface.APP
