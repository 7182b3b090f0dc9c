"""The providers' hosted pages: choose a device, sign in to the vendor account, return to the portal."""

from collections.abc import Mapping
from typing import Protocol

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from portal.sandbox.podero import LANGUAGES as PODERO_LANGUAGES
from portal.sandbox.state import LinkSession, SandboxState
from portal.sandbox.texts import all_texts, first_known
from portal.sandbox.vendor_accounts import (
    PASSWORD,
    Kind,
    VendorDevice,
    WrongCredentialsError,
    sample_logins,
    sign_in,
)


class HostedProvider(Protocol):
    """What a provider tells its pages. All but `settled` are called with the state's lock held."""

    @property
    def key(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def links_several(self) -> bool: ...

    def find(self, token: str) -> LinkSession | None: ...

    def device_types(self) -> Mapping[str, Kind]: ...

    def vendors(self, link: LinkSession) -> Mapping[str, str]:
        """The vendors on offer: the provider's code and the name to show."""
        ...

    def finish(self, link: LinkSession, chosen: tuple[VendorDevice, ...]) -> str | None:
        """Links the devices; answers where the browser goes, None for nowhere."""
        ...

    def cancel(self, link: LinkSession) -> str | None: ...

    def settled(self, link: LinkSession) -> None:
        """Called when a link is finished, without the lock and before the browser leaves."""
        ...


class ConnectPages:
    """The pages of one provider: a token in the query, each step a form that posts to the same address."""

    def __init__(self, state: SandboxState, provider: HostedProvider, path: str, parameter: str) -> None:
        self.state = state
        self.provider = provider
        self.path = path
        self.parameter = parameter

    def blueprint(self) -> Blueprint:
        routes = Blueprint(f"connect_{self.provider.key}", __name__)
        routes.add_url_rule(self.path, view_func=self.visit, methods=["GET", "POST"])
        return routes

    def visit(self) -> AnyResponse:
        with self.state.lock:
            link = self.provider.find(request.args.get(self.parameter, ""))
            if link is None:
                return self._notice(None, "unknown", 404)
            status = self.state.link_status(link)
            if status != "open":
                return self._notice(link, "expired" if status == "expired" else "used", 410)
            answer = self._submitted(link) if request.method == "POST" else self._step(link)
        if link.status == "used":
            self.provider.settled(link)
        return answer

    def _submitted(self, link: LinkSession) -> AnyResponse:
        if "device_type" in request.form or "vendor" in request.form:
            return self._chosen(link)
        match request.form.get("action"):
            case "cancel":
                link.status = "cancelled"
                return self._leave(link, self.provider.cancel(link))
            case "expire":
                link.status = "expired"
                return self._notice(link, "expired", 410)
            case "back":
                self._step_back(link)
                return redirect(request.full_path, 303)
            case "sign-in":
                return self._signed_in(link)
            case "connect":
                serials = request.form.getlist("device")
                picked = tuple(device for device in link.found if device.serial in serials)
                return self._finish(link, picked) if picked else self._step(link)
            case _:
                return self._step(link)

    def _chosen(self, link: LinkSession) -> AnyResponse:
        device_type, vendor = request.form.get("device_type", ""), request.form.get("vendor", "")
        if link.device_type is None and device_type in self.provider.device_types():
            link.device_type = device_type
            link.type_chosen = True
        elif link.device_type is not None and link.vendor is None and vendor in self.provider.vendors(link):
            link.vendor = vendor
        return redirect(request.full_path, 303)

    def _step_back(self, link: LinkSession) -> None:
        if link.found:
            link.found = ()
        elif link.vendor is not None and not link.vendor_fixed:
            link.vendor = None
        elif link.type_chosen:
            link.device_type, link.type_chosen = None, False

    def _signed_in(self, link: LinkSession) -> AnyResponse:
        if link.device_type is None or link.vendor is None:
            return self._step(link)
        kind = self.provider.device_types()[link.device_type]
        username, password = request.form.get("username", ""), request.form.get("password", "")
        try:
            found = sign_in(link.vendor, kind, username, password)
        except WrongCredentialsError:
            return self._step(link, error="wrong_login", username=username)
        if not found:
            return self._step(link, error="no_device", username=username)
        if len(found) == 1:
            return self._finish(link, found)
        link.found = found
        return redirect(request.full_path, 303)

    def _finish(self, link: LinkSession, chosen: tuple[VendorDevice, ...]) -> AnyResponse:
        link.status = "used"
        return self._leave(link, self.provider.finish(link, chosen))

    def _leave(self, link: LinkSession, url: str | None) -> AnyResponse:
        return redirect(url, 303) if url else self._notice(link, "closed", 200)

    def _step(self, link: LinkSession, *, error: str = "", username: str = "") -> Response:
        types = self.provider.device_types()
        kind = types[link.device_type] if link.device_type is not None else None
        vendors = self.provider.vendors(link) if kind is not None else {}
        page = render_template(
            "connect.html",
            **self._frame(link),
            types=types,
            kind=kind,
            vendors=vendors,
            vendor=vendors.get(link.vendor or "", link.vendor),
            found=link.found,
            several=self.provider.links_several,
            can_go_back=bool(link.found or link.type_chosen or (link.vendor and not link.vendor_fixed)),
            error=error,
            username=username,
            logins=sample_logins(link.vendor, kind) if link.vendor and kind else (),
            sample_password=PASSWORD,
        )
        return make_response(page)

    def _notice(self, link: LinkSession | None, message: str, status: int) -> Response:
        return make_response(render_template("notice.html", **self._frame(link), message=message), status)

    def _frame(self, link: LinkSession | None) -> dict[str, object]:
        wanted = [link.language] if link is not None and link.language else request.accept_languages.values()
        language = first_known(wanted, PODERO_LANGUAGES) if link is None or not link.language else link.language
        return {"provider": self.provider, "language": language, "t": all_texts()[language]}
