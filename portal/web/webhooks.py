"""What providers tell us by themselves. Proven by the provider's own signature, never by a session."""

import structlog
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from portal.journey.provider_events import NotStored, receive
from portal.providers.protocol import EventRefused, UnexpectedAnswer
from portal.web.guards import machines
from portal.web.wiring import portal

blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")

LARGEST_BODY = 128 * 1024

log = structlog.get_logger(__name__)


@blueprint.post("/<provider_key>/")
@blueprint.post("/<provider_key>")
@machines
def provider_event(provider_key: str) -> ResponseReturnValue:
    """Takes one event in; says yes once it is stored."""
    request.max_content_length = LARGEST_BODY
    body = request.get_data(cache=False)
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        receive(ports=portal().ports, provider_key=provider_key, headers=headers, body=body, now=portal().clock())
    except KeyError:
        return Response(status=404)
    except EventRefused as refusal:
        log.warning("event_refused", cause=str(refusal))
        return Response(status=401)
    except UnexpectedAnswer as surprise:
        log.error("event_unreadable", cause=str(surprise))
        return Response(status=400)
    except NotStored:
        return Response(status=503)
    return Response(status=204)
