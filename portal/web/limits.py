"""How often something may be asked for: by a customer, by one of the staff, from an address, by a provider.

Counted in Redis where there is one, else in the process. While Redis is away each process counts by itself: a limit is
never gone, at most a little wider.
"""

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_network
from typing import Any, cast

from flask import Flask, Response, request
from flask_limiter import Limiter, RateLimitExceeded
from limits import parse_many
from limits.errors import StorageError

from portal.web import errors, guards, staff_session
from portal.web.client_address import read_address, stranger

logging.getLogger("flask-limiter").setLevel(logging.WARNING)  # below that it writes customers' addresses

REDIS_PATIENCE = 0.2
"""Seconds a request waits for Redis."""

STORE: dict[str, Any] = {
    "wrap_exceptions": True,
    "socket_timeout": REDIS_PATIENCE,
    "socket_connect_timeout": REDIS_PATIENCE,
}

SHARED_BY_A_HOUSEHOLD = 64
"""Bits of an IPv6 address: whoever has one address has all that begin with these."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What is counted together, and how it is refused. `counts`: by its answer; without it every request does.

    `exempts` are requests that the rule is not about.
    """

    endpoints: tuple[str, ...]
    key: Callable[[], str]
    counts: Callable[[Response], bool] | None = None
    status: int = 429
    exempts: Callable[[], bool] | None = None


def init_app(app: Flask, rules: Mapping[str, Rule], *, allowed: Mapping[str, str], redis_url: str | None) -> None:
    """Puts the limits on their views. `allowed` is how often, in the notation of the library, for each of the rules."""
    limiter = Limiter(
        _address,
        storage_uri=_place(redis_url),
        storage_options=STORE,
        in_memory_fallback_enabled=True,
        # Requests that are under way at the moment Redis goes away pass: their counts went with it.
        swallow_errors=True,
        key_prefix="portal",
    )
    limiter.init_app(app)
    limited = {endpoint for rule in rules.values() for endpoint in rule.endpoints}
    # Pages that nothing is counted for never ask whether Redis is back.
    limiter.request_filter(lambda: request.endpoint not in limited)
    for name, rule in rules.items():
        for endpoint in rule.endpoints:
            limit = limiter.shared_limit(
                allowed[name], scope=name, key_func=rule.key, deduct_when=rule.counts, exempt_when=rule.exempts
            )
            app.view_functions[endpoint] = cast(guards.View, limit(app.view_functions[endpoint]))

    @app.errorhandler(RateLimitExceeded)
    def refuse(error: RateLimitExceeded) -> Response:
        name = str(error.limit.scope)
        return errors.come_again(_seconds_to_wait(limiter, allowed[name], error), status=rules[name].status)


def _place(redis_url: str | None) -> str:
    """Where the counts are, as the library writes it."""
    if redis_url is None:
        return "memory://"
    return f"redis+{redis_url}" if redis_url.startswith("unix:") else redis_url


def _seconds_to_wait(limiter: Limiter, allowed: str, error: RateLimitExceeded) -> int:
    """Until nothing stands in the way any more: an hour's limit may be used up as well as a minute's."""
    who = limiter.current_limits[-1].request_args
    try:
        windows = [limiter.limiter.get_window_stats(item, *who) for item in parse_many(allowed)]
    except StorageError:
        return error.limit.limit.get_expiry()
    until = max((window.reset_time for window in windows if window.remaining == 0), default=0.0)
    return max(1, math.ceil(until - time.time()))


def _customer() -> str:
    return guards.customer().id


def _agent() -> str:
    return staff_session.agent().id


def _address() -> str:
    """Where a request comes from."""
    written = request.remote_addr or ""
    address = read_address(written)
    if address is None:
        return stranger(written)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, SHARED_BY_A_HOUSEHOLD), strict=False).network_address)
    return str(address)


def _address_and_step() -> str:
    """A sign-in begins and ends at an address of ours each: together they are one."""
    return f"{_address()} {request.endpoint}"


def _provider() -> str:
    return str((request.view_args or {})["provider_key"])


def _was_taken(response: Response) -> bool:
    return response.status_code == 303


def _was_taken_in(response: Response) -> bool:
    return response.status_code < 300


def _was_not_proven(response: Response) -> bool:
    return response.status_code == 401


def _was_refused(response: Response) -> bool:
    return 400 <= response.status_code < 500


def _seeks_nobody() -> bool:
    return not request.args.get("q")


def _was_filled_in(response: Response) -> bool:
    return response.status_code != 422


RULES: Mapping[str, Rule] = {
    "vendor_requests": Rule(("connect.ask_for_vendor",), _customer, counts=_was_taken),
    "starts": Rule(("connect.leave", "devices.reauthenticate"), _customer),
    "arrivals": Rule(("arrivals.success", "arrivals.cancel", "arrivals.fixed"), _address),
    "app_entries": Rule(
        ("app_entry.change_token", "app_entry.enter_by_link", "app_entry.enter"), _address, counts=_was_not_proven
    ),
    "sign_ins": Rule(("sign_in.begin", "sign_in.again", "sign_in.callback"), _address_and_step),
    # A provider may not deliver again what we refuse as its fault (4xx), but does what we could not take (5xx).
    "webhooks": Rule(("webhooks.provider_event",), _provider, counts=_was_taken_in, status=503),
    # Not 429: a genuine event that comes from the same address is to be delivered again, and NOX does not after a 4xx.
    "refused_webhooks": Rule(("webhooks.provider_event",), _address, counts=_was_not_proven, status=503),
}


def customers_rules(app: Flask) -> Mapping[str, Rule]:
    """The rules of the customers' pages, with one for every form that has none of its own.

    What is written for good can so be filled by no single account.
    """
    named = {endpoint for rule in RULES.values() for endpoint in rule.endpoints}
    forms = {route.endpoint for route in app.url_map.iter_rules() if "POST" in (route.methods or ())}
    theirs = (e for e in sorted(forms - named) if guards.guard_of(app, e).access is guards.Access.CUSTOMERS)
    return {**RULES, "forms": Rule(tuple(theirs), _customer)}


STAFF_RULES: Mapping[str, Rule] = {
    "staff_sign_ins": Rule(("sign_in.begin", "sign_in.callback"), _address_and_step),
    "refused_sign_outs": Rule(("sign_in.signed_out_by_issuer",), _address, counts=_was_refused),
    "staff_searches": Rule(("support.search",), _agent, exempts=_seeks_nobody),
    "staff_views": Rule(("support.begin",), _agent, counts=_was_filled_in),
}
