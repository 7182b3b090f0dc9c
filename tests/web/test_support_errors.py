"""What goes wrong on the staff's pages is told as one of them, and a choice of language leaves them where they are."""

import pytest

from portal.domain.support import Role
from portal.web import support
from tests.support.live import Installation
from tests.web.desk import Desk
from tests.web.visitor import Page, Visitor, good_page


def is_of_staff(page: Page, desk: Desk, *, has_tools: bool = True) -> bool:
    """The staff's header, whoever is signed in, and nothing that leads to the customers' pages."""
    assert desk.agent
    assert f"Customer support: {desk.agent.name}" in page.text
    assert ("Sign out" in page.text) is has_tools
    assert "Privacy" not in page.text
    assert "devices" not in page.text.casefold()
    return all(link == "" or link.startswith(("/support/", "#")) for link in page.links())


def test_a_page_that_is_not_there_wears_the_staffs_header(running: Installation) -> None:
    desk = Desk(running, name="lost")
    for path in ("/nowhere", "/customers/nobody", "/grants/x"):
        page = desk.page(path, status=404)
        assert page.heading == "This page does not exist"
        assert is_of_staff(page, desk)
        assert "/support/" in page.links()
    assert is_of_staff(desk.page("/audit", status=403), desk)
    assert is_of_staff(good_page(desk.send("POST", "/over"), 405, "en"), desk)
    assert is_of_staff(good_page(desk.send("POST", "/language"), 400, "en"), desk)


def test_a_fault_wears_it_too_and_relies_on_nothing(running: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(running, name="unlucky")

    def crash(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(support, "page", crash)
    page = desk.page("/over", status=500)
    assert is_of_staff(page, desk, has_tools=False)
    assert "report the reference number" in page.text


def test_who_is_not_signed_in_sees_the_header_and_no_name(running: Installation) -> None:
    page = Desk(running, None).page("/nowhere", status=404)
    assert "Customer support" in page.text
    assert "Sign out" not in page.text


def test_what_goes_wrong_on_a_customers_page_stays_under_the_banner(running: Installation, anna: Visitor) -> None:
    desk = Desk(running, name="viewer")
    assert anna.customer
    prefix = desk.view(anna.customer.id)
    page = desk.page(f"{prefix}/link-sessions/nobodys", status=404)
    assert page.text.strip().startswith("Viewing as Anna")
    assert f"/support{prefix}/devices" in page.links()


@pytest.mark.parametrize(
    "path",
    ["/", "/?q=anna+lind&word=x&after=y", "/over", "/customers/{customer}", "/grants/{grant}/help"],
)
def test_a_language_is_chosen_without_leaving_the_page(running: Installation, anna: Visitor, path: str) -> None:
    desk = Desk(running, Role.LEAD, "polyglot")
    assert anna.customer
    grant = desk.view(anna.customer.id).rsplit("/", 1)[-1]
    here = path.format(customer=anna.customer.id, grant=grant)
    fields = desk.page(here).form_fields("/support/language")
    answer = desk.post("/language", **{**fields, "language": "en"})
    assert answer.headers["Location"] == f"/support{here}"
    desk.post(f"/grants/{grant}/end")


def test_an_auditor_keeps_what_they_were_looking_for(running: Installation) -> None:
    desk = Desk(running, Role.AUDITOR, "reader")
    fields = desk.page("/audit?customer=%C3%A5sa&agent=&lang=en").form_fields("/support/language")
    assert desk.post("/language", **fields).headers["Location"] == "/support/audit?customer=%C3%A5sa"


def test_after_a_form_the_page_is_that_of_the_form(running: Installation, anna: Visitor) -> None:
    desk = Desk(running, name="typist")
    assert anna.customer
    grant = desk.view(anna.customer.id).rsplit("/", 1)[-1]
    for path, form_page in (
        (f"/grants/{grant}/code", f"/grants/{grant}/help"),
        (f"/customers/{anna.customer.id}", f"/customers/{anna.customer.id}"),
    ):
        page = good_page(desk.post(path), 422, "en")
        fields = page.form_fields("/support/language")
        assert desk.post("/language", **fields).headers["Location"] == f"/support{form_page}"


def test_the_banners_switch_leaves_the_agent_on_the_customers_page(running: Installation, anna: Visitor) -> None:
    desk = Desk(running, name="switcher")
    assert anna.customer
    prefix, other = desk.view(anna.customer.id), desk.view(anna.customer.id)
    switch = f"/grants/{prefix.rsplit('/', 1)[-1]}/language"
    for path in ("/devices", "/connect/heat-pump", "/privacy"):
        fields = desk.page(f"{prefix}{path}").form_fields(f"/support{switch}")
        assert desk.post(switch, **fields).headers["Location"] == f"/support{prefix}{path}"
    for elsewhere in (f"{other}/timeline", "/", "/audit", "/nowhere"):
        answer = desk.post(switch, own="no", to=elsewhere)
        assert answer.headers["Location"] == f"/support{prefix}/devices", elsewhere


@pytest.mark.parametrize(
    "to",
    [
        "//evil.example", "https://evil.example/", "/\\evil.example", "/%2f%2fevil.example", "/over\r\nX: y", "///",
        "/sign-in", "/sign-in/callback?code=x", "/sign-out", "/static/portal.css", "/as/-/theme.css?", "/as/x/devices",
        "nowhere", "", "http://[", "/" + "x" * 5000,
    ],
)  # fmt: skip
def test_a_choice_of_language_never_leads_elsewhere(running: Installation, to: str) -> None:
    assert Desk(running, name="led").post("/language", language="en", to=to).headers["Location"] == "/support/"
