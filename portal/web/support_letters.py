"""The letters that tell customers what support did for them, or invite them to a page of ours; in their language."""

from collections.abc import Iterable
from urllib.parse import quote

from flask import render_template

from portal import i18n
from portal.domain.device import Device
from portal.domain.letter import Letter
from portal.domain.link_session import LinkSession
from portal.domain.people import Customer
from portal.journey.assist import Choice
from portal.web.labels import ONE_OF_TYPE, device_name, vendor_name
from portal.web.wiring import portal
from portal.web.words import gettext


def cancelled(customer: Customer, attempt: LinkSession) -> Letter:
    """Their attempt was ended."""
    with i18n.speaking(i18n.language_of(customer)):
        vendor = portal().ports.catalogue.vendor(attempt.vendor_key)
        what = choice_name(Choice(attempt.device_type, vendor))
        return _told(
            customer,
            gettext(
                "Customer support ended your attempt to connect this device: %(device)s. You can start again.",
                device=what,
            ),
        )


def checked(customer: Customer, device: Device, *, among: Iterable[Device]) -> Letter:
    """One of their devices is being checked."""
    with i18n.speaking(i18n.language_of(customer)):
        name = _name(device, among)
        return _told(customer, gettext("Customer support had your device checked: %(device)s.", device=name))


def to_reconnect(customer: Customer, device: Device, *, among: Iterable[Device]) -> Letter:
    """To their devices, where this one is to be reconnected."""
    with i18n.speaking(i18n.language_of(customer)):
        name = _name(device, among)
        return _letter(
            customer,
            gettext("Reconnect your device: %(device)s", device=name),
            gettext("Customer support has sent you a link to reconnect your device: %(device)s.", device=name),
            f"devices/{device.id}",
        )


def to_connect(customer: Customer, choice: Choice) -> Letter:
    """To the page for this type and vendor."""
    with i18n.speaking(i18n.language_of(customer)):
        name = choice_name(choice)
        return _letter(
            customer,
            gettext("Connect your device: %(device)s", device=name),
            gettext("Customer support has sent you a link to connect your device: %(device)s.", device=name),
            f"connect/{choice.name}",
        )


def choice_name(choice: Choice) -> str:
    return f"{ONE_OF_TYPE[choice.device_type]}, {vendor_name(choice.vendor)}"


def _told(customer: Customer, said: str) -> Letter:
    return _letter(customer, gettext("Customer support has helped you"), said, "devices")


def _letter(customer: Customer, subject: str, said: str, target: str) -> Letter:
    """A letter with one link: to sign in, and from there to a page of ours. It carries no secret."""
    site, language = portal().site, i18n.current_language()
    link = f"{site.public_url}/sign-in?to={quote(target, safe='/')}"
    paragraphs = (
        said,
        link,
        gettext("Sign in there as usual. We never ask for a password or a code by e-mail."),
        gettext("If you did not ask for help, please tell customer support."),
        " · ".join(part for part in (site.retailer_name, site.support_phone, site.support_email) if part),
    )
    return Letter(
        to=customer.identity.email or "",
        language=language,
        subject=f"{site.retailer_name}: {' '.join(subject.split())}",
        text="\n\n".join(paragraphs) + "\n",
        html=render_template("letters/letter.html", language=language, subject=subject, link=link, said=paragraphs),
    )


def _name(device: Device, among: Iterable[Device]) -> str:
    return " ".join(device_name(device, among=among).split())
