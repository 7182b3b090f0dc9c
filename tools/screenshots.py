"""Take the pictures of the documentation: every page of a walk through a portal with the sandbox beside it."""

from __future__ import annotations

import sys
import time

from tests.browser import scenes
from tests.browser.desk import at_the_desk, helps, leaves_the_desk, views
from tests.support.person import Form
from tools.browser import open_browser
from tools.studio import AT_A_DESK, ON_A_PHONE, PICTURES, Camera, Studio, open_studio

LARGEST = 70_000
LARGEST_TOGETHER = 3_000_000

IN_THE_APP = {"app-devices": "app-devices", "out": "app-out", "app-back": "app-back"}


def signed_out(studio: Studio) -> None:
    studio.take({"welcome": "/", "sign-in-failed": "/sign-in/failed", "error-404": "/nowhere"})


def choosing(studio: Studio) -> None:
    studio.take(
        {
            "devices-empty": "/devices",
            "connect-types": "/connect",
            "vendors": "/connect/heat-pump",
            "vendors-search": "/connect/heat-pump?q=mitsu",
            "not-listed": "/connect/heat-pump/not-listed",
            "before-leaving": "/connect/heat-pump/nibe",
        }
    )


def coming_back(studio: Studio) -> None:
    anna = studio.anna
    linked = anna.link("heat-pump", "nibe", "demomyuplink@nibe.se", vendor_there="nibe").path
    there = anna.leave_for("vehicle", "tesla")
    cancelled = anna.submit(Form(there.url, "post"), action="cancel").path
    anna.link("inverter", "sma", "anna@example.com")
    charger = anna.link("charger", "easee", "anna@example.com").path
    anna.sees(charger, lambda page: 'data-state="linked"' in page.html)
    studio.take({"devices": "/devices", "attempt-linked": linked, "attempt-cancelled": cancelled})


def lapsing(studio: Studio) -> None:
    studio.break_the_heat_pump()
    other = studio.reconnect_with_another_account()
    lapsed = next(device for device in studio.live.devices() if device.needs_customer)
    studio.take({"devices-needs": "/devices", "attempt-other-account": other, "remove": f"/devices/{lapsed.id}/remove"})
    withdraw = next(link for link in studio.anna.look("/privacy").links() if link.endswith("/withdraw"))
    studio.take({"privacy-withdraw": withdraw.removeprefix(studio.live.url)})


def waiting(studio: Studio) -> None:
    studio.live.sandbox.state.set_faults("nox", {"lag": 3600})
    there = studio.anna.leave_for("heat-pump", "daikin")
    studio.take({"attempt-waiting": studio.anna.sign_in_at_vendor(there, "anna@example.com").path})


def supporting(studio: Studio) -> None:
    """What customer support sees; the customer's pages are in the customer's language."""
    studio.cameras[0].visitor.open("/devices")
    studio.cameras[0].visitor.speak(ON_A_PHONE.language)
    for view in (ON_A_PHONE, AT_A_DESK):
        at_a_desk(studio.beside(view))


def at_a_desk(camera: Camera) -> None:
    staff = camera.visitor
    at_the_desk(staff, "lea")
    staff.speak(camera.language)
    staff.open("/support/?q=anna")
    camera.shoot("support-search")
    prefix = views(staff, reason="reconnecting")
    camera.shoot("support-devices")
    staff.open(f"{prefix}/timeline")
    camera.shoot("support-timeline")
    helps(staff)
    camera.shoot("support-help")
    leaves_the_desk(staff)
    at_the_desk(staff, "otto")
    staff.speak(camera.language)
    staff.open("/support/audit")
    camera.shoot("support-record")
    leaves_the_desk(staff)


def in_the_app(studio: Studio) -> None:
    """Out of the retailer's app and back, by a customer who begins; whatever there was before is forgotten."""
    for view in (ON_A_PHONE, AT_A_DESK):
        studio.live.forget()
        phone = studio.phone(view)
        phone.enter("bela", locale=view.language)
        for name, shown in scenes.of_app(phone):
            if name in IN_THE_APP:
                studio.beside(view, shown).shoot(IN_THE_APP[name])


def main() -> int:
    """Take every picture anew; the answer is 1 when they have become too large."""
    started = time.monotonic()
    PICTURES.mkdir(parents=True, exist_ok=True)
    for old in PICTURES.glob("*.png"):
        old.unlink()
    with open_browser() as browser, open_studio(browser) as studio:
        signed_out(studio)
        studio.sign_in()
        for scene in (choosing, coming_back, lapsing, waiting, supporting, in_the_app):
            scene(studio)
    sizes = {path.name: path.stat().st_size for path in sorted(PICTURES.glob("*.png"))}
    print(f"screenshots: {len(sizes)}, {sum(sizes.values()) // 1000} kB, {time.monotonic() - started:.0f} s")
    too_large = [name for name, size in sizes.items() if size > LARGEST]
    if too_large or sum(sizes.values()) > LARGEST_TOGETHER:
        print("screenshots: too large: " + (", ".join(too_large) or "all together"), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
