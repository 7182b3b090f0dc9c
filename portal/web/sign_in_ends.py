"""What becomes of a sign-in that signed nobody in: begun once more where that helps, else the customer is told."""

from dataclasses import dataclass

from flask import request, session

from portal.identity.answers import was_cancelled
from portal.identity.oidc import Oidc, SignInFailed

BEGUN_AGAIN = "begun_again"
"""Marks in the cookie that a sign-in of this browser was begun once more; one that the customer begins starts over."""


@dataclass(frozen=True, slots=True)
class End:
    """`target` is the page that was wanted, where that is known."""

    target: str | None
    was_cancelled: bool
    begins_again: bool
    confirms: bool


def end_of(failure: SignInFailed, oidc: Oidc) -> End:
    """How the sign-in ended whose answer this browser has just brought.

    An answer that belongs to no sign-in of this browser comes from another browser, came too late, or lost the cookie
    to a second tab: nobody is to blame, and a fresh start works. It is one only, or it might go round for ever.
    """
    begun = oidc.begun(request.args.get("state"))
    is_lost = str(failure) == "unknown_state" and "error" not in request.args
    was_begun_again = session.pop(BEGUN_AGAIN, False) or (begun is not None and begun.is_retry)
    begins_again = is_lost and not was_begun_again
    if begins_again:
        session[BEGUN_AGAIN] = True
    return End(
        target=begun.target if begun else None,
        was_cancelled=was_cancelled(request.args),
        begins_again=begins_again,
        confirms=begun is not None and begun.confirms,
    )


def starts_over() -> None:
    """The customer begins a sign-in by themselves."""
    session.pop(BEGUN_AGAIN, None)
