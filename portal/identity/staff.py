"""Who of the retailer's support staff is asking: signed in at an issuer of their own, in a role, for a while."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from portal.domain.access import NO_ROLE, NOBODY, SIGN_IN, SIGN_OUT
from portal.domain.people import Identity
from portal.domain.support import MAY_VIEW, Agent, EndCause, Role
from portal.identity.claims import claim_at, line
from portal.identity.logout_token import LogoutRefused
from portal.identity.oidc import Completed, Oidc, SignInFailed, SignInWaits
from portal.storage import access_events, agents, logout_tokens, support_grants
from portal.storage.database import Database, Transaction

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=10)
"""How long an agent stays signed in without doing anything, and at the most."""

SEEN_EVERY = timedelta(minutes=1)

REMEMBERED = timedelta(minutes=10)
"""How long a token is known that signed somebody out: longer than it would be taken."""

log = structlog.get_logger(__name__)

BEGUN_ELSEWHERE = frozenset({"no_state", "unknown_state", "answer_too_long"})
"""Failures of what never began here. Anybody can send such an answer as often as they like: the log is enough."""


@dataclass(frozen=True, slots=True)
class Roles:
    """How the issuer's claims become a role. `acr` are the ways of signing in that are good enough; empty: any.

    The `claim` may be a list, one text with several words, or an object whose keys are the roles (Zitadel).
    """

    claim: str
    roles: Mapping[str, Role]
    acr: tuple[str, ...] = ()

    def of(self, claims: Mapping[str, Any]) -> Role:
        """The role of these claims, the widest of several. Raises SignInFailed."""
        if self.acr and claims.get("acr") not in self.acr:
            raise SignInFailed("staff_acr")
        told = claim_at(claims, self.claim)
        held = {self.roles[word] for word in _words(told) if word in self.roles}
        role = next((role for role in (Role.LEAD, Role.AGENT, Role.AUDITOR) if role in held), None)
        if role is None:
            log.warning("staff_role_unknown", claim=self.claim, found=_found(told, claims))
            raise SignInFailed("staff_role")
        return role


def _words(told: object) -> set[str]:
    """Every word that a claim may mean by what it holds."""
    if isinstance(told, str):
        return {told, *re.split(r"[\s,;]+", told)}
    if isinstance(told, Mapping):
        return {str(word) for word, is_held in told.items() if is_held}
    return {word for word in told if isinstance(word, str)} if isinstance(told, list) else set()


def _found(told: object, claims: Mapping[str, Any]) -> str:
    """Tells an operator why there is no role, without the values of any claim."""
    if told is not None:
        return f"{len(_words(told))} values, none of them in PORTAL_STAFF_OIDC__ROLES"
    if "_claim_names" in claims or claims.get("hasgroups"):
        # Entra ID leaves a long list out of the token and names an address where it may be read instead.
        return "left out of the token: assign fewer groups, or application roles"
    return "no such claim in the ID token or userinfo"


class StaffDoor:
    """The door of customer support. Customers' sessions are none here."""

    def __init__(self, oidc: Oidc, roles: Roles, database: Database) -> None:
        self.oidc = oidc
        self._roles = roles
        self._database = database

    def complete(self, *, args: Mapping[str, str], browser: str, now: datetime, reference: str) -> str:
        """The random token of a session that was just opened. Raises SignInFailed; a role that is lost ends all.

        Whoever comes in is on record in the transaction that lets them in, and who does not, in one of their own.
        """
        try:
            completed = self.oidc.complete(args=args, browser=browser, now=now)
        except SignInWaits:
            raise
        except SignInFailed as failure:
            if str(failure) not in BEGUN_ELSEWHERE:
                with self._database.write() as tx:
                    note(tx, NOBODY, NO_ROLE, SIGN_IN, f"refused {failure}", now=now, reference=reference)
            raise
        try:
            return self._let_in(completed, self._roles.of(completed.claims), now, reference)
        except SignInFailed as failure:
            self._refuse(completed.identity, str(failure), now, reference)
            raise

    def _refuse(self, identity: Identity, why: str, now: datetime, reference: str) -> None:
        """Ends all that is left of somebody who is no agent, or none any more."""
        with self._database.write() as tx:
            known = agents.close_all(tx, identity.issuer, identity.subject)
            if known is not None:
                support_grants.end(tx, known.id, grant_id=None, cause=EndCause.ROLE_LOST, now=now)
            # Who is no agent has no id here: the digest only shows that it was the same person again.
            who = ("staff_subject", tx.digest(f"{identity.issuer} {identity.subject}"))
            actor = known.id if known else NOBODY
            note(tx, actor, NO_ROLE, SIGN_IN, f"refused {why}", now=now, reference=reference, about=who)

    def _let_in(self, completed: Completed, role: Role, now: datetime, reference: str) -> str:
        identity, token = completed.identity, secrets.token_urlsafe(32)
        issued_at = datetime.fromtimestamp(max(0, completed.claims["iat"]), UTC)
        with self._database.write() as tx:
            tx.in_turn(f"{identity.issuer} {identity.subject}")
            if logout_tokens.is_out(tx, identity.issuer, identity.subject, since=issued_at):
                # Switched off between the proof of who it is and here.
                raise SignInFailed("staff_signed_out")
            agents.purge_sessions(tx, now)
            agent = agents.signed_in(
                tx,
                issuer=identity.issuer,
                subject=identity.subject,
                name=identity.name,
                email=identity.email,
                role=role,
                now=now,
            )
            if not MAY_VIEW[role]:
                support_grants.end(tx, agent.id, grant_id=None, cause=EndCause.ROLE_LOST, now=now)
            session_id = agents.open_session(
                tx,
                agent.id,
                token=token,
                id_token=completed.id_token,
                now=now,
                expires_at=now + LONGEST,
                issuer_session=line(completed.claims.get("sid")),
            )
            about = ("staff_session", session_id)
            note(tx, agent.id, role, SIGN_IN, "ok", now=now, reference=reference, about=about)
        return token

    def agent(self, token: str, *, now: datetime) -> Agent | None:
        """The agent of this browser, who is there now; None once signed out or away for too long."""
        with self._database.read() as tx:
            agent = agents.by_token(tx, token, now=now, seen_since=now - IDLE)
            is_noted = agents.by_token(tx, token, now=now, seen_since=now - SEEN_EVERY) is not None
        if agent is not None and not is_noted:
            with self._database.write() as tx:
                agents.seen(tx, token, now=now)
        return agent

    def sign_out(self, agent: Agent, token: str, *, now: datetime, reference: str) -> str | None:
        """Ends the session and all that was permitted in it, on record; answers its ID token."""
        with self._database.write() as tx:
            id_token = agents.id_token(tx, token)
            session_id = agents.close_session(tx, token)
            support_grants.end(tx, agent.id, grant_id=None, cause=EndCause.SIGNED_OUT, now=now)
            about = ("staff_session", session_id) if session_id else None
            note(tx, agent.id, agent.role, SIGN_OUT, "ok", now=now, reference=reference, about=about)
        return id_token

    def sign_out_for_issuer(self, logout_token: str, *, now: datetime, reference: str) -> None:
        """Ends every session and permission of whom the issuer signed out. Raises LogoutRefused and IssuerError.

        Whoever lost a role or a post is gone from here as soon as the issuer says so. A session that it names ends with
        all the others: an agent is either at work or not.
        """
        told = self.oidc.read_logout(logout_token, now=now)
        with self._database.write() as tx:
            subject = told.subject or agents.subject_of(tx, told.issuer, line(told.session) or "")
            tx.in_turn(f"{told.issuer} {subject}")
            if not logout_tokens.take(
                tx,
                told.issuer,
                told.token_id,
                subject=subject,
                issued_at=told.issued_at,
                now=now,
                expires_at=now + REMEMBERED,
            ):
                raise LogoutRefused("token_replayed")
            agent = agents.close_all(tx, told.issuer, subject) if subject else None
            if agent is not None:
                support_grants.end(tx, agent.id, grant_id=None, cause=EndCause.SIGNED_OUT, now=now)
                note(tx, agent.id, agent.role, SIGN_OUT, "by_issuer", now=now, reference=reference)


def note(
    tx: Transaction,
    actor: str,
    role: str,
    action: str,
    outcome: str,
    *,
    now: datetime,
    reference: str,
    about: tuple[str, str] | None = None,
) -> None:
    """Writes down that somebody came or left; called last in its transaction, as every record of access is."""
    access_events.record(
        tx,
        at=now,
        actor=actor,
        actor_role=role,
        action=action,
        outcome=outcome,
        request_reference=reference,
        object_type=about[0] if about else None,
        object_id=about[1] if about else None,
    )
