"""What the issuer's answers to a sign-in must be before anything of them is used."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from portal.identity.calls import IssuerError
from portal.identity.id_token import LEEWAY
from portal.identity.issuer import Metadata
from portal.identity.signatures import seconds


def is_fresh(claims: Mapping[str, Any], begun_at: datetime) -> bool:
    """Whether the issuer says that somebody has signed in there since then."""
    at = seconds(claims.get("auth_time"))
    return at is not None and at >= begun_at.timestamp() - LEEWAY


def read_answer(args: Mapping[str, str], metadata: Metadata) -> str:
    """The code in the issuer's answer. Raises IssuerError."""
    if args.get("iss", metadata.issuer) != metadata.issuer:
        raise IssuerError("answer_of_another_issuer")
    if metadata.names_itself_in_answers and "iss" not in args:
        raise IssuerError("answer_without_issuer")
    if "error" in args:
        # Anybody can write anything into these parameters, so nothing of them goes further.
        raise IssuerError("cancelled" if was_cancelled(args) else "refused_by_issuer")
    if not args.get("code"):
        raise IssuerError("answer_without_code")
    return args["code"]


def was_cancelled(args: Mapping[str, str]) -> bool:
    """Whether the issuer says that the customer did not want to go on; some have a word of their own for it."""
    error = args.get("error", "").lower()
    return error == "access_denied" or "cancel" in error


def read_token(token: Mapping[str, Any]) -> tuple[str | None, str]:
    """The access token, where there is one, and the ID token of a token answer. Raises IssuerError."""
    access_token, id_token, kind = (token.get(name) for name in ("access_token", "id_token", "token_type"))
    if access_token is None:
        # Some issuers give none where only the person was asked for; the ID token says who that is.
        kind = "bearer"
    elif not isinstance(access_token, str) or not re.fullmatch(r"[\x21-\x7e]+", access_token):
        raise IssuerError("token_answer_without_access_token")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise IssuerError("token_answer_of_another_kind")
    if not isinstance(id_token, str) or not id_token:
        raise IssuerError("id_token_missing")
    return access_token, id_token
