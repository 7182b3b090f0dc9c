"""Customers, their accounts at the providers, what they agreed to, and how they are signed in."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """What the OpenID issuer says of a person. (issuer, subject) is the key; the rest may change or be missing."""

    issuer: str
    subject: str
    email: str | None = None
    name: str | None = None
    locale: str | None = None
    price_zone: str | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """A person who has signed in at least once. `language` is their own choice and stays None until they make one."""

    id: str
    identity: Identity
    language: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ProviderAccount:
    """A customer as one provider knows them.

    `pseudonym` is random and all that a provider is ever told of who the customer is; `provider_user_id` is the
    provider's own id (Podero, NOX) once known, and never changes afterwards.
    """

    id: str
    customer_id: str
    provider_key: str
    pseudonym: str
    provider_user_id: str | None


@dataclass(frozen=True, slots=True)
class Consent:
    """What a customer agreed to before leaving, in which version of the words, and when."""

    customer_id: str
    link_session_id: str
    provider_key: str
    version: str
    language: str
    smart_control: bool
    given_at: datetime


@dataclass(frozen=True, slots=True)
class LoginSession:
    """One signed-in browser. The cookie holds a random token; only its hash is kept, and deleting the row ends it."""

    id: str
    customer: Customer
    created_at: datetime
    expires_at: datetime
