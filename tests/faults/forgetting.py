"""What must hold once a customer has had their account deleted, whatever the provider made of it."""

from __future__ import annotations

import time

from sqlalchemy import select

from portal.domain.deletion import PORTAL, TRIED_FOR, Progress
from portal.storage import deletions, tables
from tests.faults.faults import Family
from tests.faults.story import Story
from tests.support.person import Page

OVER = "Your account is deleted"
UNDER_WAY = "Your account is being deleted"
ENDED = "The access to your devices has ended."
ALL_GONE = "All your data is deleted."
BY_HAND = (
    "We cannot end the access at %(provider)s from here. To end it completely, change the password of your "
    "manufacturer’s account or ask customer support."
)
IS_TOLD = "Is being told. If it does not answer at once, we keep trying for some days."
NOBODYS = "Your name and all that says who you were is deleted. The rest goes as soon as it can."
GIVEN_UP = (
    "It did not answer for days, so the access may still be there. To end it, change the password of your "
    "manufacturer’s account or ask customer support."
)
HAVE_NO_PERSON = {"audit", "deletions", "deletion_steps", "tombstones", "provider_calls", "sign_ins", "alembic_version"}
"""What may hold a row when all is over: ids that mean nothing any more, and which page a browser wanted."""

ROUNDS = 10


def assert_forgotten(story: Story, page: Page) -> None:
    assert_over(story, page, Progress.DONE, ENDED)
    assert users_there(story) == 0


def assert_known_there(story: Story, page: Page) -> None:
    assert_over(story, page, Progress.NOT_OFFERED, BY_HAND)
    assert users_there(story) == 1


def assert_is_being_told(story: Story, page: Page) -> None:
    assert_meanwhile(story, page)
    story.house.layer.disarm()
    if story.cell.fault.family is Family.TOO_LONG:
        a_minute_passes(story)
        assert_meanwhile(story, story.anna.look(page.path))
        return
    for _ in range(ROUNDS):
        if stands(story)[PORTAL] is Progress.DONE:
            break
        # What a provider asks for is obeyed by a clock that nobody can put forward.
        time.sleep(story.cell.fault.wait and 0.5)
        a_minute_passes(story)
    assert_forgotten(story, story.anna.look(page.path))


def assert_given_up(story: Story, page: Page) -> None:
    """Three days later, with the fault still there."""
    assert_meanwhile(story, page)
    story.house.clock.forward(TRIED_FOR.total_seconds() - 61)
    a_minute_passes(story)
    assert_meanwhile(story, story.anna.look(page.path))
    a_minute_passes(story)
    # Tried at first, and in the two minutes that a reconciler came by.
    most = story.cell.expected.reached[-1] * 3
    assert len(story.house.layer.reached(story.cell.call)) <= most, story.house.layer.calls
    assert_over(story, story.anna.look(page.path), Progress.GIVEN_UP, GIVEN_UP)


def assert_meanwhile(story: Story, page: Page) -> None:
    """The provider has not been heard, and yet nothing here says who it was."""
    assert stands(story) == {story.cell.call.provider: Progress.UNDER_WAY, PORTAL: Progress.UNDER_WAY}
    assert page.heading == story.words(UNDER_WAY)
    assert story.words(IS_TOLD) in page.text
    assert story.words(NOBODYS) in page.text
    assert_nobody(story, page)


def assert_over(story: Story, page: Page, progress: Progress, words: str) -> None:
    assert stands(story) == {story.cell.call.provider: progress, PORTAL: Progress.DONE}
    assert page.heading == story.words(OVER)
    assert story.words(words, provider=story.choice.name) in page.text
    assert story.words(ALL_GONE) in page.text
    assert_nobody(story, page)
    still_there = {name for name, rows in story.house.kept().items() if rows}
    assert not still_there - HAVE_NO_PERSON, still_there - HAVE_NO_PERSON
    assert_nothing_is_asked_any_more(story)


def assert_nothing_is_asked_any_more(story: Story) -> None:
    """Neither the provider's answer nor its silence keeps anything going."""
    before = len(story.house.layer.calls), story.house.layer.door.knocks
    a_minute_passes(story)
    assert (len(story.house.layer.calls), story.house.layer.door.knocks) == before


def assert_nobody(story: Story, page: Page) -> None:
    """Neither the page nor any table says who it was; and whoever she was is signed out."""
    told = [page.text, *(repr(rows) for rows in story.house.kept().values())]
    assert not [word for word in story.person for text in told if word.casefold() in text.casefold()]
    assert not story.house.live.devices()
    assert f"{story.house.live.url}/sign-in?to=devices" in story.anna.look("/").links()


def stands(story: Story) -> dict[str, Progress]:
    """How far it has come in each system."""
    with story.house.live.database.read() as tx:
        (deletion,) = tx.connection.scalars(select(tables.deletions.c.id)).all()
        return {step.system: step.progress for step in deletions.steps(tx, deletion)}


def users_there(story: Story) -> int:
    users = story.house.live.sandbox.state.users
    return sum(user.provider == story.cell.call.provider for user in users)


def a_minute_passes(story: Story) -> None:
    story.house.clock.forward(61)
    story.house.worker.reconciles()
