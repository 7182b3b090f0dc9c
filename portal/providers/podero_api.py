"""Podero's Partner API v2.0: calls with the token, paths, and the users behind our pseudonyms."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from portal.domain.catalogue import DeviceType
from portal.domain.people import ProviderAccount
from portal.providers.answers import Answer, elements, members, text, uuid
from portal.providers.http import Gateway
from portal.providers.podero_token import PoderoToken
from portal.providers.protocol import (
    AdoptedUser,
    OutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    UnexpectedAnswer,
    UserGone,
)

SEGMENTS = {
    DeviceType.HEAT_PUMP: "heat-pumps",
    DeviceType.VEHICLE: "electric-vehicles",
    DeviceType.CHARGER: "wallboxes",
    DeviceType.INVERTER: "inverters",
}
TAKEN = frozenset({400, 409, 422})
LARGEST_USER_LIST = 8 * 1024 * 1024
"""The list of all users knows neither pages nor a filter."""


class PoderoApi:
    """One organisation's API. Every path that names a user or a device is made of checked ids."""

    def __init__(self, gateway: Gateway, token: PoderoToken, *, base_url: str, org_id: str) -> None:
        self.base = base_url.rstrip("/")
        self._gateway = gateway
        self._token = token
        self._users = f"/org/{quote(org_id, safe='')}/users"

    def place_of(self, account: ProviderAccount, device_type: DeviceType, device_id: str) -> str:
        return f"{self.list_of(account, device_type)}/{_checked_id(device_id)}"

    def list_of(self, account: ProviderAccount, device_type: DeviceType) -> str:
        return f"{self._users}/{user_of(account)}/{SEGMENTS[device_type]}"

    def settled(self, name: str, method: str, path: str, **parts: Any) -> Answer:
        return self._gateway.settled(name, self.call(name, method, path, **parts))

    def call(self, name: str, method: str, path: str, **parts: Any) -> Answer:
        """One call with the token; a refused token is renewed once, for then the call was not carried out.

        `about` names the customer by pseudonym: what a provider refuses to one is not refused to all.
        """
        token = self._token.get()
        answer = self._with_token(token, name, method, path, **parts)
        if answer.status != 401:
            return answer
        self._token.drop(token)
        return self._with_token(self._token.get(), name, method, path, **parts)

    def _with_token(self, token: str, name: str, method: str, path: str, **parts: Any) -> Answer:
        headers = {"Authorization": f"Bearer {token}"}
        return self._gateway.call(name, method, f"{self.base}{path}", headers=headers, **parts)

    def find_user(self, pseudonym: str) -> str | None:
        path = f"{self._users}/by-ext-id/{quote(pseudonym, safe='')}"
        answer = self.call("find user", "GET", path, query={"include_deleted": "false"}, about=pseudonym)
        if answer.status == 404:
            return None
        found = members(self._gateway.settled("find user", answer).body)
        if found.get("external_user_id") not in (None, pseudonym):
            raise UnexpectedAnswer("podero find user: another user than asked for")
        return _id_in("find user", found)

    def create_user(self, pseudonym: str, address: str, *, adopts: bool = False) -> str | None:
        """The new user, or None where the name or the address is taken by nobody who may be this customer's.

        Never made a second time by itself: what nobody has heard of is looked up, now or at the next try. A plain user
        who has this address and is nobody else's is this customer's; where it is the customer's own address, `adopts`,
        it was there before us.
        """
        try:
            return self._created(pseudonym, address, adopts=adopts)
        except OutcomeUnknown as unknown:
            made = self.find_user(pseudonym)
            if made is None:
                raise ProviderUnavailable(str(unknown)) from None
            return made

    def _created(self, pseudonym: str, address: str, *, adopts: bool) -> str | None:
        sent = {"role": "user", "email": address, "external_user_id": pseudonym}
        answer = self.call("create user", "POST", self._users, json=sent, about=pseudonym)
        if answer.status in TAKEN:
            ours = self.find_user(pseudonym)
            if ours is not None:
                return ours
            found = self._adoptable(pseudonym, address)
            return AdoptedUser(found) if found is not None and adopts else found
        return _id_in("create user", members(self._gateway.settled("create user", answer).body))

    def delete_user(self, account: ProviderAccount) -> Answer | None:
        """None where the customer has no user any more; else the answer that says why they still have."""
        user = account.provider_user_id or self.find_user(account.pseudonym)
        if user is None:
            return None
        place = f"{self._users}/{_checked_id(user)}"
        answer = self.call("delete user", "DELETE", place, needs_json=False, removes=True, about=account.pseudonym)
        if answer.is_success or (answer.status == 404 and self.find_user(account.pseudonym) is None):
            return None
        return answer

    def require_user(self, account: ProviderAccount) -> None:
        """Raises UserGone where the customer's user is no more; a refusal alone may mean much else."""
        user = user_of(account)
        found = self.find_user(account.pseudonym)
        if found != user and not (found is None and self._is_nameless(account, user)):
            raise UserGone("podero: the customer's user is gone")

    def _is_nameless(self, account: ProviderAccount, user: str) -> bool:
        """Whether this user is there and has no external id, as one that was adopted."""
        answer = self.call("read user", "GET", f"{self._users}/{user}", about=account.pseudonym)
        return answer.is_success and members(answer.body).get("external_user_id") in (None, "")

    def was_there_before(self, account: ProviderAccount) -> bool:
        """Whether the customer's user is one that does not carry our name, and so was not made by us."""
        user = account.provider_user_id
        return user is not None and self.find_user(account.pseudonym) is None and self._is_nameless(account, user)

    def _adoptable(self, pseudonym: str, address: str) -> str | None:
        """The plain user who has this address and is nobody else's."""
        query = {"include_deleted": "false"}
        listed = self.settled("list users", "GET", self._users, query=query, cap=LARGEST_USER_LIST, about=pseudonym)
        for user in map(members, elements(listed.body)):
            if (text(user.get("email")) or "").casefold() != address.casefold():
                continue
            if user.get("external_user_id") in (None, "", pseudonym) and user.get("role") in (None, "user"):
                return _id_in("list users", user)
            return None
        return None


def user_of(account: ProviderAccount) -> str:
    if account.provider_user_id is None:
        raise ProviderRefused("podero: the customer has no user there yet")
    return _checked_id(account.provider_user_id)


def _checked_id(stored: str) -> str:
    """A stored id, safe to stand in a path."""
    checked = uuid(stored)
    if checked is None:
        raise ProviderRefused("podero: an id is not a uuid")
    return checked


def _id_in(name: str, user: Mapping[str, object]) -> str:
    found = uuid(user.get("id"))
    if found is None:
        raise UnexpectedAnswer(f"podero {name}: no id")
    return found
