"""The first page, the choice of language, and the portal's own short pages."""

from flask import Blueprint, Response, abort, make_response, request, url_for
from flask.typing import ResponseReturnValue

from portal import i18n
from portal.identity import current
from portal.journey import support_code as codes
from portal.journey.language import choose_language
from portal.journey.support import looks_at
from portal.web import notices, targets
from portal.web.guards import customer, customers, everyone
from portal.web.page import page, see_other
from portal.web.support_words import REASONS, lasted
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
@everyone("home")
def language() -> ResponseReturnValue:
    """Takes a choice of language and goes back to where it was made."""
    chosen = request.form.get("language", "")
    viewer = current.viewer()
    if i18n.choose(chosen) and viewer is not None:
        choose_language(ports=portal().ports, customer=viewer, language=chosen)
    return see_other(targets.parse(request.form.get("to")))


@blueprint.get("/privacy")
@everyone("privacy")
def privacy() -> ResponseReturnValue:
    """What the portal does with data, in short."""
    return _privacy()


@blueprint.post("/privacy/support-code")
@customers("privacy")
def support_code() -> ResponseReturnValue:
    """A code by which customer support may help. It is on this one page, and nowhere kept as it is."""
    if not portal().site.has_support:
        abort(404)
    return _privacy(codes.give(ports=portal().ports, customer=customer(), now=portal().clock()))


def _privacy(code: str | None = None) -> Response:
    viewer = current.viewer()
    looks = looks_at(ports=portal().ports, customer=viewer) if viewer else ()
    return page(
        "welcome/privacy.html",
        code=code,
        shares_email=portal().ports.policy.send_customer_email,
        looks=[(grant, REASONS[grant.reason], lasted(grant.lasted(portal().clock()))) for grant in looks],
    )


@blueprint.get("/accessibility")
@everyone("accessibility")
def accessibility() -> ResponseReturnValue:
    """How accessible the portal is, and whom to tell where it is not."""
    return page("welcome/accessibility.html")


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
