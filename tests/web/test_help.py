"""Help is one press away on every page: in a browser, in the retailer's app, and for support that looks along."""

from tests.support.clock import Clock
from tests.support.live import Installation
from tests.web.desk import Desk
from tests.web.visitor import Visitor
from tests.web.webview import RetailersApp


def test_every_foot_leads_to_help_privacy_and_accessibility(running: Installation, anna: Visitor) -> None:
    webview = RetailersApp(running, Clock()).enters("anna")
    for visitor in (anna, webview):
        for path in ("/devices", "/connect", "/help", "/nothing-here"):
            links = visitor.page(path, status=404 if path == "/nothing-here" else 200).links()
            assert {"/help", "/privacy", "/accessibility"} <= set(links), path


def test_help_names_how_to_reach_support_and_the_way_to_its_code(
    running: Installation, stranger: Visitor, anna: Visitor
) -> None:
    for visitor in (stranger, anna):
        page = visitor.page("/help")
        assert page.heading == "Help"
        assert f"tel:{running.settings.retailer.support_phone}".replace(" ", "") in page.links()
    assert "/privacy#support" in anna.page("/help").links()
    assert "/sign-in?to=privacy" in stranger.page("/help").links()
    assert anna.send("GET", "/sign-in?to=help").headers["Location"] == "/help"


def test_support_sees_the_help_that_its_customer_sees(running: Installation, anna: Visitor) -> None:
    assert anna.customer
    desk = Desk(running)
    prefix = desk.view(anna.customer.id)
    page = desk.page(f"{prefix}/help")
    assert page.heading == "Help"
    assert f"/support{prefix}/privacy#support" in page.links()
