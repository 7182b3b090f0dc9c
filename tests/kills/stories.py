"""What is under way when the portal is killed, each up to its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from portal.domain.device import Connection
from tests.kills.anna import Anna

Tells = Callable[[Anna], None]


@dataclass(frozen=True)
class Story:
    """`before` is told while nothing happens to the portal, `tells` while it may be killed."""

    name: str
    before: Tells
    tells: Tells

    def __str__(self) -> str:
        return self.name


def nothing(anna: Anna) -> None:
    """She comes for the first time."""


def links(anna: Anna) -> None:
    attempt_id, back = anna.goes_there(anna.opens)
    anna.comes_back(back)
    anna.news_comes()
    anna.sees_linked(attempt_id)


def links_after_the_news(anna: Anna) -> None:
    """Its provider told of the device before she was back."""
    attempt_id, back = anna.goes_there(anna.opens)
    anna.news_comes()
    anna.comes_back(back)
    anna.sees_linked(attempt_id)


def links_signed_out(anna: Anna) -> None:
    """She has to sign in once more when she is back."""
    attempt_id, back = anna.goes_there(anna.opens)
    anna.comes_back(back, signed_in=False)
    anna.news_comes()
    anna.signs_in_again()
    anna.sees_linked(attempt_id)


def has_a_lapsed_device(anna: Anna) -> None:
    links(anna)
    (device,) = anna.devices()
    anna.happens_there(device, "break")
    anna.sees(Connection.NEEDS_REAUTHENTICATION)
    anna.street.a_minute_passes()


def reconnects(anna: Anna) -> None:
    (device,) = anna.devices()
    attempt_id, back = anna.goes_there(lambda: anna.reconnects(device))
    anna.comes_back(back)
    anna.news_comes()
    assert anna.sees_linked(attempt_id).id == device.id
    anna.sees(Connection.WORKING)


def hears(anna: Anna) -> None:
    """The access lapses and comes back, and the provider tells of it where it does."""
    (device,) = anna.devices()
    anna.happens_there(device, "break")
    anna.sees(Connection.NEEDS_REAUTHENTICATION)
    anna.happens_there(device, "repair")
    anna.sees(Connection.WORKING)


def removes(anna: Anna) -> None:
    (device,) = anna.devices()
    anna.removes(device)


LINKING = Story("linking", nothing, links)
NEWS_FIRST = Story("linking_after_the_news", nothing, links_after_the_news)
SIGNED_OUT = Story("linking_signed_out", nothing, links_signed_out)
RECONNECTING = Story("reconnecting", has_a_lapsed_device, reconnects)
HEARING = Story("an_event", links, hears)
REMOVING = Story("removing", links, removes)
STORIES = (LINKING, NEWS_FIRST, SIGNED_OUT, RECONNECTING, HEARING, REMOVING)
