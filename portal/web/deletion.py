"""Deleting one's account: what happens where, after signing in anew; and how far it has come, for whoever asked."""

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from portal.identity import current
from portal.journey import deletion as journey
from portal.web.deletion_words import provider_words, step_words
from portal.web.guards import customer, customers, everyone
from portal.web.page import page, see_other
from portal.web.surface import is_in_webview
from portal.web.way_out import elsewhere
from portal.web.wiring import portal

blueprint = Blueprint("deletion", __name__, url_prefix="/privacy")


@blueprint.get("/delete")
@customers("privacy/delete")
def confirm_deletion() -> ResponseReturnValue:
    """Says what happens to what, and asks; in a webview it says where that can be done."""
    if is_in_webview():
        return page("privacy/elsewhere.html", way=elsewhere(url_for("deletion.confirm_deletion")))
    providers = journey.preview(ports=portal().ports, customer=customer())
    return page(
        "deletion/confirm.html",
        providers=[(provider.name, provider_words(provider)) for provider in providers],
        is_confirmed=current.is_confirmed(),
    )


@blueprint.post("/delete")
@customers("privacy/delete")
def delete() -> ResponseReturnValue:
    """Deletes the account, of whoever has just shown that it is theirs."""
    if not current.is_confirmed():
        return see_other(url_for("deletion.confirm_deletion"))
    receipt = journey.ask(ports=portal().ports, customer=customer(), now=portal().clock())
    current.logout()
    return see_other(url_for("deletion.deleted", receipt=receipt))


@blueprint.get("/deleted/<receipt>")
@everyone("privacy/deleted/{receipt}")
def deleted(receipt: str) -> ResponseReturnValue:
    """How far it has come: for whoever holds the address, which says of nobody who they were."""
    found = journey.look(ports=portal().ports, receipt=receipt)
    if found is None:
        return page("deletion/over.html", status=410)
    return page(
        "deletion/deleted.html",
        is_done=found.deletion.done_at is not None,
        steps=[step_words(step, name) for step, name in found.steps],
    )
