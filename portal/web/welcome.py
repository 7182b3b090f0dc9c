"""The first page, the choice of language, and the portal's own short pages."""

from flask import Blueprint, Response, abort, make_response, request, url_for
from flask.typing import ResponseReturnValue

from portal import i18n
from portal.identity import current
from portal.journey.language import choose_language
from portal.web import notices, targets
from portal.web.guards import everyone
from portal.web.page import page, see_other
from portal.web.theme import theme_css
from portal.web.wiring import portal

blueprint = Blueprint("welcome", __name__)

PICTURES = {".svg": "image/svg+xml", ".png": "image/png", ".webp": "image/webp"}


@blueprint.get("/")
@everyone("home")
def home() -> ResponseReturnValue:
    """Welcome and sign-in; the devices for those who are signed in."""
    if current.viewer() is not None:
        return see_other(url_for("devices.overview"))
    return page("welcome/welcome.html", notice=notices.take())


@blueprint.post("/language")
@everyone("home", needs_token=False)
def language() -> ResponseReturnValue:
    """Takes a choice of language and goes back to where it was made."""
    chosen = request.form.get("language", "")
    viewer = current.viewer()
    if i18n.choose(chosen) and viewer is not None:
        choose_language(ports=portal().ports, customer=viewer, language=chosen)
    return see_other(targets.parse(request.form.get("to")))


@blueprint.get("/accessibility")
@everyone("accessibility")
def accessibility() -> ResponseReturnValue:
    """How accessible the portal is, and whom to tell where it is not."""
    return page("welcome/accessibility.html")


@blueprint.get("/help")
@everyone("help")
def help_page() -> ResponseReturnValue:
    """How to reach customer support, the code for it, and where else to read on."""
    return page("welcome/help.html")


@blueprint.get("/logo")
@everyone("home")
def logo() -> ResponseReturnValue:
    """The retailer's logo, where there is one."""
    picture = portal().site.logo
    if picture is None:
        abort(404)
    return _kept(make_response(picture.read_bytes()), PICTURES[picture.suffix.lower()])


@blueprint.get("/theme.css")
@everyone("home")
def theme() -> ResponseReturnValue:
    """The retailer's colour, as custom properties."""
    return _kept(make_response(theme_css(portal().site.accent)), "text/css; charset=utf-8")


def _kept(response: Response, content_type: str) -> ResponseReturnValue:
    """The same for everybody, so browsers may keep it for an hour."""
    response.content_type = content_type
    response.headers["Cache-Control"] = "public, max-age=3600"
    response.add_etag()
    return response.make_conditional(request)
