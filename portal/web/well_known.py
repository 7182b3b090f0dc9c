"""What the telephones ask before a link opens the retailer's app: which apps these hosts belong to."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, jsonify
from flask.typing import ResponseReturnValue

from portal.web.guards import machines
from portal.web.wiring import App, portal

blueprint = Blueprint("well_known", __name__, url_prefix="/.well-known")


@blueprint.get("/apple-app-site-association")
@machines
def apple() -> ResponseReturnValue:
    """For Apple's devices: the links that open the app, and that it may take a sign-in's return."""
    app = _app()
    if not app.apple_app_ids:
        abort(404)
    components = [{"/": f"{urlsplit(link.url).path}*"} for link in app.links.values()]
    return _kept(
        jsonify(
            applinks={"details": [{"appIDs": list(app.apple_app_ids), "components": components}]},
            webcredentials={"apps": list(app.apple_app_ids)},
        )
    )


@blueprint.get("/assetlinks.json")
@machines
def android() -> ResponseReturnValue:
    """For Android: the packages that may open this host's links, by their certificates."""
    app = _app()
    if not app.android_apps:
        abort(404)
    statements = [
        {
            "relation": ["delegate_permission/common.handle_all_urls"],
            "target": {
                "namespace": "android_app",
                "package_name": package,
                "sha256_cert_fingerprints": list(fingerprints),
            },
        }
        for package, fingerprints in app.android_apps.items()
    ]
    return _kept(jsonify(statements))


def _app() -> App:
    app = portal().app
    if app is None:
        abort(404)
    return app


def _kept(response: Response) -> Response:
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response
