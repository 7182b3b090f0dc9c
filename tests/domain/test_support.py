"""A permission to look is short, renewed once, and never for oneself or a colleague."""

from dataclasses import replace
from datetime import timedelta

import pytest

from portal.domain.people import Customer, Identity
from portal.domain.support import (
    GRANT_LIFETIME,
    Agent,
    EndCause,
    NotAllowed,
    Reason,
    Role,
    SupportGrant,
    check_may_view,
)
from tests.storage.made import NOW

SAM = Agent("a", "https://staff.example", "sam", "Sam", "sam@retailer.example", Role.AGENT)
ANNA = Customer("c", Identity("https://issuer.example", "1", email="anna@example.com"), None, NOW)
GRANT = SupportGrant("g", "a", "c", Reason.OTHER, "T-1", NOW, NOW + GRANT_LIFETIME)
SECOND = timedelta(seconds=1)


def test_it_is_over_after_a_quarter_of_an_hour_to_the_second() -> None:
    assert GRANT.is_open(NOW + GRANT_LIFETIME - SECOND)
    assert not GRANT.is_open(NOW + GRANT_LIFETIME)


def test_it_is_renewed_once_and_lasts_as_long_again() -> None:
    later = NOW + timedelta(minutes=10)
    again = GRANT.renewed(later)
    assert again.is_open(later + GRANT_LIFETIME - SECOND)
    assert not again.may_renew(later)
    assert not GRANT.may_renew(NOW + GRANT_LIFETIME)


def test_what_has_ended_is_not_open() -> None:
    assert not replace(GRANT, ended_at=NOW, end_cause=EndCause.BUTTON).is_open(NOW)


def test_how_long_it_lasted_is_what_came_of_it() -> None:
    assert GRANT.lasted(NOW + timedelta(minutes=3)) == timedelta(minutes=3)
    assert GRANT.lasted(NOW + timedelta(days=1)) == GRANT_LIFETIME
    assert replace(GRANT, ended_at=NOW + timedelta(minutes=2)).lasted(NOW + timedelta(days=1)) == timedelta(minutes=2)


@pytest.mark.parametrize(
    ("agent", "customer", "is_staff", "why"),
    [
        (SAM, ANNA, False, None),
        (replace(SAM, role=Role.LEAD), ANNA, False, None),
        (replace(SAM, role=Role.AUDITOR), ANNA, False, "role"),
        (replace(SAM, email="ANNA@example.com"), ANNA, False, "self"),
        (SAM, ANNA, True, "colleague"),
        (replace(SAM, issuer="https://issuer.example", subject="1"), ANNA, True, "self"),
        (replace(SAM, email=None), replace(ANNA, identity=Identity("i", "1")), False, None),
    ],
)
def test_who_may_be_looked_at(agent: Agent, customer: Customer, *, is_staff: bool, why: str | None) -> None:
    if why is None:
        check_may_view(agent, customer, is_staff=is_staff)
        return
    with pytest.raises(NotAllowed, match=f"^{why}$"):
        check_may_view(agent, customer, is_staff=is_staff)
