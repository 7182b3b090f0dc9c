"""What every page is given, and the one way to make a page or a piece of one."""

from collections.abc import Callable, Mapping, MutableMapping
from functools import cache
from typing import Any

import structlog
from flask import Flask, Response, after_this_request, g, make_response, render_template, request
from flask.templating import Environment
from markupsafe import Markup, escape

from portal import i18n
from portal.domain.people import Customer, Surface
from portal.identity import current
from portal.web import labels, notices, targets
from portal.web.reconnecting import before_reconnecting
from portal.web.surface import surface
from portal.web.wiring import portal

log = structlog.get_logger(__name__)


class Templates(Environment):
    """Keeps what all templates know in one plain dictionary: Jinja looks through it at each import, on every page."""

    def make_globals(self, d: Mapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **(d or {})}


class Shared:
    """Pieces of pages that are the same for everybody, made once in each language and given nothing of anybody.

    Where pages have addresses of their own for each who looks, no piece `keeps`.
    """

    def __init__(self, templates: Environment, *, keeps: bool = True) -> None:
        self._templates = templates
        self._keeps = keeps
        self._made: dict[tuple[str, str], Markup] = {}

    def __call__(self, template: str) -> Markup:
        language = i18n.current_language()
        made = self._made.get((template, language))
        if made is None:
            given = {"site": portal().site, "language": language, "languages": i18n.enabled_languages()}
            made = escape(self._templates.get_template(template).make_module(given))
            if self._keeps:
                self._made[template, language] = made
        return made


def init_app(app: Flask, *, keeps_pieces: bool = True) -> None:
    app.context_processor(_given)
    icons: Any = app.jinja_env.get_template("components/icons.html").module
    app.jinja_env.globals.update(
        icon=cache(icons.icon),
        shared=Shared(app.jinja_env, keeps=keeps_pieces),
        card_words=labels.card_words,
        device_name=labels.device_name,
        gone_words=labels.gone_words,
        plain_name=labels.plain_name,
        one_of_type=labels.ONE_OF_TYPE,
        same_questions=labels.SAME_QUESTIONS,
        type_names=labels.TYPE_NAMES,
        vendor_name=labels.vendor_name,
        vendor_questions=labels.VENDOR_QUESTIONS,
        before_reconnecting=before_reconnecting,
    )


def page(template: str, *, status: int = 200, **context: object) -> Response:
    """A whole page."""
    return make_response(render_template(template, status=status, **context), status)


def fragment(template: str, **context: object) -> Response:
    """A piece of a page, for htmx."""
    return make_response(render_template(template, **context))


def once_sent(work: Callable[[], None]) -> None:
    """Has something done when the answer is with the customer, who waits for nothing of it."""

    def do() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - the answer is out, and the next look asks for the same
            log.warning("not_done_behind_the_page", cause=type(error).__name__)

    @after_this_request
    def add(response: Response) -> Response:
        response.call_on_close(do)
        return response


def see_other(url: str) -> Response:
    """On to another address. The answer has no body: an address may be a secret, and Werkzeug would print it there."""
    response = Response(status=303)
    response.headers["Location"] = url
    return response


def wants_fragment() -> bool:
    """Whether htmx asks for a piece of the page it is already on."""
    return "HX-Request" in request.headers


def round_of_polling() -> int:
    """How often this page has asked already."""
    asked = request.args.get("n", "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 4 else 0


def rely_on_nothing() -> None:
    """From here on the page is made without asking who is signed in: the database may be what failed."""
    g.bare = True


def viewer() -> Customer | None:
    """Who is signed in, as far as this page may ask."""
    return None if g.get("bare") else current.viewer()


def _given() -> dict[str, Any]:
    return {
        "site": portal().site,
        "viewer": viewer(),
        "language": i18n.current_language(),
        "languages": i18n.enabled_languages(),
        "target_name": g.get("target", targets.HOME),
        "surface": surface(),
        "to_the_app": _to_the_app(),
        "observed": g.get("observed"),
        "a_form_was_not_sent": notices.take_not_sent,
    }


def _to_the_app() -> str | None:
    """The link out of the portal, back to the app that it is shown in."""
    app = portal().app
    link = app.links.get(current.app_link() or "") if app and surface() is Surface.APP else None
    return link.url if link else None
