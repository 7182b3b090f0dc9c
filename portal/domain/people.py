"""Customers, their accounts at the providers, what they agreed to, and how they are signed in."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Surface(StrEnum):
    """What the pages are shown in: a browser, or the webview of the retailer's app."""

    BROWSER = "browser"
    APP = "app"


@dataclass(frozen=True, slots=True)
class Identity:
    """What the OpenID issuer says of a person. (issuer, subject) is the key; the rest may change or be missing."""

    issuer: str
    subject: str
    email: str | None = None
    name: str | None = None
    locale: str | None = None
    price_zone: str | None = None
    number: str | None = None

    @property
    def initials(self) -> str | None:
        """Enough for the person to know themselves by, and too little for a stranger: "A. L.", or "a…@example.com"."""
        words = (self.name or "").split()
        if words:
            return " ".join(f"{word[0].upper()}." for word in dict.fromkeys((words[0], words[-1])))
        local, at, domain = (self.email or "").rpartition("@")
        return f"{local[:1]}…{at}{domain}" if local and domain else None


@dataclass(frozen=True, slots=True)
class Customer:
    """A person who has signed in at least once. `language` is their own choice and stays None until they make one.

    `support_asks_first`: customer support looks at nothing of theirs without a code that they read out.
    """

    id: str
    identity: Identity
    language: str | None
    created_at: datetime
    support_asks_first: bool = False


@dataclass(frozen=True, slots=True)
class ProviderAccount:
    """A customer as one provider knows them.

    `pseudonym` is random and all that a provider is ever told of who the customer is; `provider_user_id` is the
    provider's own id (Podero, NOX) once known, and never changes afterwards. `adopted`: that user was there before, and
    is not ours to delete.
    """

    id: str
    customer_id: str
    provider_key: str
    pseudonym: str
    provider_user_id: str | None
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class Consent:
    """What a customer agreed to before leaving, in which version of the words, and when; and when they took it back.

    `ended_at`: it ended by itself, because its attempt was over for good and had linked nothing.
    """

    customer_id: str
    link_session_id: str
    provider_key: str
    version: str
    language: str
    smart_control: bool
    given_at: datetime
    withdrawn_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def is_in_force(self) -> bool:
        return self.withdrawn_at is None and self.ended_at is None


@dataclass(frozen=True, slots=True)
class LoginSession:
    """One signed-in browser. The cookie holds a random token; only its hash is kept, and deleting the row ends it.

    `app_link` is the registered way back to the retailer's app that it was entered from; None in a browser.
    `confirmed_at`: then the customer has shown anew at the issuer that it is them.
    """

    id: str
    customer: Customer
    created_at: datetime
    expires_at: datetime
    app_link: str | None = None
    confirmed_at: datetime | None = None

    @property
    def surface(self) -> Surface:
        return Surface.BROWSER if self.app_link is None else Surface.APP


@dataclass(frozen=True, slots=True)
class AppEntry:
    """One token of the retailer's backend, changed for a code.

    `app_link` names the registered way back. `target` and `locale` are what the token asked for. `entered_at` is when
    it opened its session: never again afterwards.
    """

    issuer: str
    token_id: str
    customer: Customer
    app_link: str
    target: str | None
    locale: str | None
    expires_at: datetime
    entered_at: datetime | None
