"""The races once more on the database of production: one return, one click."""

from collections.abc import Callable, Iterator

import pytest

from portal.sandbox.program import RunningSandbox
from tests.stories import test_security_leaving, test_security_returns
from tests.stories.strangers import CHOICES, IN_ENGLISH, NIBE
from tests.support.databases import Databases
from tests.support.live import Installation, installation
from tests.support.person import Person

pytestmark = pytest.mark.postgres

Make = Callable[..., Person]


@pytest.fixture(scope="module")
def running(running_sandbox: RunningSandbox, databases: Databases) -> Iterator[Installation]:
    with installation(running_sandbox, databases.empty("postgresql"), IN_ENGLISH) as live:
        yield live


@pytest.fixture
def anna(live: Installation, person: Make) -> Person:
    anna = person()
    anna.sign_in("anna")
    return anna


def test_many_clicks_at_once_are_one(live: Installation, anna: Person) -> None:
    test_security_leaving.test_many_clicks_at_once_are_one(live, anna, NIBE, 50)


@pytest.mark.torture
def test_a_return_repeated_fifty_times_and_fifty_at_once_is_one_return(live: Installation, anna: Person) -> None:
    for choice in CHOICES:
        test_security_returns.test_a_return_repeated_fifty_times_and_fifty_at_once_is_one_return(live, anna, choice)
        live.forget()
        anna.cookies.clear()
        anna.sign_in("anna")
