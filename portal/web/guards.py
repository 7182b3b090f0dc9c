"""Who may call what. Every view wears one guard, and one function enforces them all before any view runs."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar, cast
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RoutingException

from portal.domain.people import Customer
from portal.identity import current
from portal.web import notices, onward, targets
from portal.web.page import fragment, see_other, wants_fragment
from portal.web.surface import is_webview
from portal.web.wiring import portal

View = Callable[..., ResponseReturnValue]
V = TypeVar("V", bound=View)

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

csrf = CSRFProtect()


class Access(StrEnum):
    """Whom a view is for."""

    EVERYONE = "everyone"
    CUSTOMERS = "customers"
    MACHINES = "machines"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Guard:
    """Whom a view is for, and the name of its page: where a sign-in or a change of language leads back.

    `has_effect` marks the GETs that change something: a probe or a prefetch of them must not. `from_app` marks what the
    retailer's app opens by itself, with a secret of its own in place of a token of ours. `needs_token` is false for a
    form that harms nobody, and that may have been open since before a sign-in.
    """

    access: Access
    target: str = targets.HOME
    has_effect: bool = False
    from_app: bool = False
    needs_token: bool = True


_guards: dict[object, Guard] = {}


class Unguarded(RuntimeError):
    """A view without a guard: a mistake that must not start."""


def everyone(
    target: str = targets.HOME, *, has_effect: bool = False, from_app: bool = False, needs_token: bool = True
) -> Callable[[V], V]:
    """A page for anybody."""
    return _wear(Guard(Access.EVERYONE, target, has_effect, from_app, needs_token))


def customers(target: str, *, has_effect: bool = False) -> Callable[[V], V]:
    """A page for the signed-in customer; `target` may name the view's arguments in braces."""
    return _wear(Guard(Access.CUSTOMERS, target, has_effect))


def machines(view: V) -> V:
    """An address for programs: no session, no form token, no page."""
    return _wear(Guard(Access.MACHINES))(view)


def staff(view: V) -> V:
    """A page of customer support, which only its own application serves."""
    return _wear(Guard(Access.STAFF))(view)


def guard_of(app: Flask, endpoint: str) -> Guard:
    """The guard of an endpoint. Raises Unguarded."""
    try:
        return _guards[inspect.unwrap(app.view_functions[endpoint])]
    except KeyError:
        raise Unguarded(endpoint) from None


def customer() -> Customer:
    """Who is signed in, within a view for customers."""
    return cast(Customer, g.customer)


def is_for_machines() -> bool:
    """Whether the request goes to an address for programs."""
    endpoint = request.endpoint
    return endpoint is not None and endpoint != "static" and guard_of(current_app, endpoint).access is Access.MACHINES


def init_app(app: Flask) -> None:
    """Puts the guards in place, and refuses an application with a view that wears none."""
    for endpoint in app.view_functions:
        if endpoint != "static":
            guard_of(app, endpoint)
    # The token is checked by `_enforce`: a customer whose session is over is sent to sign in, not told about tokens.
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    app.config["WTF_CSRF_TIME_LIMIT"] = None
    app.config["WTF_CSRF_SSL_STRICT"] = False
    csrf.init_app(app)
    app.before_request(_enforce)
    app.after_request(_end_no_form_at_a_sign_in)


def _wear(guard: Guard) -> Callable[[V], V]:
    def mark(view: V) -> V:
        _guards[view] = guard
        return view

    return mark


def _enforce() -> ResponseReturnValue | None:
    if request.endpoint in {None, "static"} or request.method == "OPTIONS":
        return None
    guard = guard_of(current_app, str(request.endpoint))
    if guard.access is Access.MACHINES:
        return None
    if guard.has_effect and (probe := _answer_to_probe()):
        return probe
    g.target = guard.target.format(**_as_written(request.view_args or {}))
    is_checked = request.method not in SAFE and not guard.from_app
    if is_checked:
        refuse_other_sites()
    if guard.access is Access.CUSTOMERS:
        viewer = current.viewer()
        if viewer is None:
            return _to_sign_in(g.target)
        g.customer = viewer
    if is_checked and guard.needs_token:
        return _refuse_stale_form()
    return None


def _refuse_stale_form() -> ResponseReturnValue | None:
    """A form whose token is not of this session, mostly because its page was open for long, leads back to its page."""
    try:
        csrf.protect()
    except CSRFError:
        notices.leave_not_sent()
        return see_other(targets.parse(g.target))
    return None


def _as_written(view_args: dict[str, object]) -> dict[str, str]:
    """The arguments of a view as they stand in its URL."""
    return {name: str(getattr(value, "slug", value)) for name, value in view_args.items()}


def _answer_to_probe() -> Response | None:
    """The answer to a link scanner or a prefetching browser, for whom nothing happens."""
    if request.method == "HEAD":
        return Response(status=204)
    if "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", "")):
        return Response(status=503)
    return None


def _to_sign_in(target: str) -> ResponseReturnValue:
    """To sign in and back; where that would happen in the webview of the retailer's app, to the app first."""
    in_app = portal().app is not None and is_webview(request.user_agent.string)
    url = url_for("app_entry.again", to=target) if in_app else url_for("sign_in.begin", to=target)
    if wants_fragment():
        return Response(status=204, headers={"HX-Redirect": url}) if in_app else say_signed_out(url)
    if request.method not in SAFE and not in_app:
        return onward.to_sign_in(url)
    return see_other(url)


def say_signed_out(sign_in_url: str) -> Response:
    """In place of all that the page shows: one that looks by itself must sign nobody in who does not ask for it."""
    response = fragment("sign_in/_over.html", url=sign_in_url)
    response.headers.update({"HX-Retarget": "#content", "HX-Reswap": "innerHTML"})
    return response


def _end_no_form_at_a_sign_in(response: Response) -> Response:
    """A form that leads to a page for customers, where nobody is signed in, goes on from a page of ours instead.

    The issuer is another host, and its address would belong to the redirects of the form.
    """
    if request.method in SAFE or response.status_code != 303 or current.viewer() is not None:
        return response
    here = response.headers["Location"]
    return onward.to_sign_in(here) if _is_for_customers(here) else response


def _is_for_customers(path: str) -> bool:
    adapter = current_app.url_map.bind_to_environ(request.environ)
    try:
        endpoint, _ = adapter.match(urlsplit(path).path.removeprefix(request.root_path), method="GET")
    except (HTTPException, RoutingException):
        return False
    return endpoint != "static" and guard_of(current_app, endpoint).access is Access.CUSTOMERS


def refuse_other_sites() -> None:
    """A form of another site is refused by what the browser says of itself, before any token is looked at."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site not in {"same-origin", "none"}:
            abort(403)
        return
    origin = request.headers.get("Origin")
    ours = {urlsplit(portal().site.origin).netloc, request.host}
    # `null` is what a browser says that tells nobody where a form comes from: the token decides.
    if origin is not None and origin != "null" and urlsplit(origin).netloc not in ours:
        abort(403)
