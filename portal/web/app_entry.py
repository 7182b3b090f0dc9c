"""Coming in from the retailer's app: a token for a code, a code for a session, a question where others led here."""

import structlog
from flask import Blueprint, Response, abort, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from portal import i18n
from portal.domain.people import AppEntry
from portal.identity import current
from portal.identity.app_entry import CODE_LIFETIME, AppDoor, Entered, is_of
from portal.identity.app_token import TokenRefused
from portal.web import targets
from portal.web.app_addresses import address_of
from portal.web.guards import everyone, machines
from portal.web.page import page, see_other
from portal.web.surface import is_told_by_another_site
from portal.web.wiring import portal

blueprint = Blueprint("app_entry", __name__, url_prefix="/app")

LARGEST_BODY = 32 * 1024

log = structlog.get_logger(__name__)


@blueprint.post("/tickets")
@machines
def change_token() -> ResponseReturnValue:
    """Changes a signed token of the retailer's backend for a code. The reason of a refusal stands in the log alone."""
    door = _door()
    request.max_content_length = LARGEST_BODY
    try:
        code = door.take_token(_token(), now=portal().clock())
    except TokenRefused as refusal:
        log.warning("app_entry_refused", reason=str(refusal))
        return jsonify(error="token_refused"), 401
    enter_url = f"{portal().site.public_url}{url_for('app_entry.enter')}"
    return jsonify(code=code, expires_in=int(CODE_LIFETIME.total_seconds()), enter_url=enter_url), 201


@blueprint.get("/enter")
@everyone("app/again", has_effect=True, from_app=True)
def enter_by_link() -> ResponseReturnValue:
    """Opens the session of a code, in a webview that cannot post."""
    return _enter(request.args.get("code", ""))


@blueprint.post("/enter")
@everyone("app/again", from_app=True)
def enter() -> ResponseReturnValue:
    """The same in one that can; a `token` is changed for its code here, for a backend that cannot ask for it.

    What another site sends comes without the cookie, and is looked at again with it.
    """
    code = request.form.get("code", "")
    if "token" in request.form:
        try:
            code = _door().take_token(request.form["token"], now=portal().clock())
        except TokenRefused as refusal:
            return _refused(refusal)
    if is_told_by_another_site():
        return see_other(url_for("app_entry.enter_by_link", code=code))
    return _enter(code)


@blueprint.get("/continue")
@everyone("app/continue")
def ask() -> ResponseReturnValue:
    """Names the account and asks whether to go on with it."""
    entry = _asked()
    if entry is None:
        return see_other(url_for("app_entry.again"))
    viewer = current.viewer()
    return page(
        "app_entry/ask.html",
        entry=entry,
        replaced=viewer.identity if viewer and not is_of(entry, viewer) else None,
    )


@blueprint.post("/continue")
@everyone("app/continue")
def go_on() -> ResponseReturnValue:
    """The customer has said yes."""
    entry = _asked()
    if entry is None:
        return see_other(url_for("app_entry.again"))
    if request.form.get("entry") != entry.token_id:
        # Another site may have put another entry in the place of the one that was read: it is asked anew.
        return see_other(url_for("app_entry.ask"))
    try:
        return _let_in(_door().enter(entry, now=portal().clock()))
    except TokenRefused as refusal:
        return _refused(refusal)


@blueprint.get("/again")
@everyone("app/again")
def again() -> ResponseReturnValue:
    """What everybody reads who was not let in: it is opened again from the app."""
    _door()
    return open_again(to=request.args.get("to", targets.DEVICES)[: targets.LONGEST])


def open_again(*, status: int = 200, to: str | None = None) -> Response:
    """The calm page that is the same for everybody who was not let in; with `to` it also offers to sign in here."""
    app = portal().app
    back = address_of(next(iter(app.links))) if app else None
    return page("app_entry/again.html", status=status, back=back, to=to)


def _enter(code: str) -> ResponseReturnValue:
    door, now, viewer = _door(), portal().clock(), current.viewer()
    try:
        entry = door.look(code, now=now)
        if entry.entered_at is not None:
            return _once_more(entry)
        if is_told_by_another_site() or (viewer is not None and not is_of(entry, viewer)):
            door.ask(entry, browser=current.browser_token(), now=now)
            return see_other(url_for("app_entry.ask"))
        return _let_in(door.enter(entry, now=now))
    except TokenRefused as refusal:
        return _refused(refusal)


def _once_more(entry: AppEntry) -> ResponseReturnValue:
    """A code that was used leads back in where its session is, and nowhere else."""
    if not is_of(entry, current.viewer()):
        raise TokenRefused("code_used")
    return see_other(targets.parse(entry.target))


def _let_in(entered: Entered) -> ResponseReturnValue:
    current.login(entered.token)
    i18n.choose(i18n.primary(entered.entry.locale) or "")
    return see_other(targets.parse(entered.entry.target))


def _refused(refusal: TokenRefused) -> Response:
    log.warning("app_entry_refused", reason=str(refusal))
    return open_again(status=401)


def _asked() -> AppEntry | None:
    return _door().asked(browser=current.browser_token(), now=portal().clock())


def _door() -> AppDoor:
    """The door of the retailer's app; where there is none, these pages do not exist."""
    app = portal().app
    if app is None:
        abort(404)
    return app.door


def _token() -> str:
    """The token in the request; nothing where that is too long or too deep to be read."""
    try:
        return _sent()
    except (RequestEntityTooLarge, RecursionError):
        return ""


def _sent() -> str:
    """What was sent as a field of a form or of a JSON object, or by itself."""
    if request.is_json:
        told = request.get_json(silent=True)
        token = told.get("token") if isinstance(told, dict) else None
        return token if isinstance(token, str) else ""
    return request.form.get("token") or request.get_data(as_text=True).strip()
