"""Telematica, by the contract and by its own traps."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal.domain.catalogue import DeviceType
from portal.providers.protocol import (
    ProviderRefused,
    ProviderUnavailable,
    ReauthenticationRequired,
    Removal,
    UnexpectedAnswer,
)
from portal.providers.telematica import PARAMETERS
from tests.providers.contract import PSEUDONYM, ProviderContract, an_account
from tests.providers.scripted import Scripted, reply
from tests.providers.telematica_world import TelematicaWorld, fresh

DEVICE = "641f19e460d102219c235fa3"


OTHER = "645ca1658652f65eeda38258"


NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class TestTelematica(ProviderContract):
    world_class = TelematicaWorld


@pytest.fixture
def world(running_sandbox: Any) -> TelematicaWorld:
    return fresh(running_sandbox)


class TestSession:
    def sent(
        self, world: TelematicaWorld, serve: Callable[..., Scripted], changes: Any = None, **departing: Any
    ) -> Any:
        server = serve(lambda _: reply(201, {"url": world.connect_url}))
        world.provider = world.made(base=server.url, **(changes or {}))
        world.provider.begin_link(world.departing(**departing), now=NOW)
        return server.received[0]

    def test_only_what_is_needed_is_sent(self, world: TelematicaWorld, serve: Callable[..., Scripted]) -> None:
        request = self.sent(world, serve, vendor_code=None)
        assert request.json == {
            "userId": PSEUDONYM,
            "region": "EU",
            "redirectUrl": f"{world.portal.url}/return/telematica",
            "deviceType": "charger",
            "metadata": {"link_session": "attempt-1"},
        }
        assert request.headers["authorization"] == f"Bearer {world.sandbox.config.telematica_api_token}"

    def test_every_parameter_can_be_reached_from_settings(
        self, world: TelematicaWorld, serve: Callable[..., Scripted]
    ) -> None:
        changes = {
            "site_id": "s1",
            "site_name": "Home",
            "callback_env": "stage",
            "region": "US",
            "metadata": {"tenant": "x", "link_session": "not this"},
            "brand_subset": ("ENELX", "WALLBOX"),
            "exclude_brands": ("WALLBOX",),
            "show_simulator": True,
        }
        sent = self.sent(world, serve, changes, vendor_code="ENELX").json
        assert set(sent) == set(PARAMETERS.values())
        assert sent["metadata"] == {"tenant": "x", "link_session": "attempt-1"}
        assert (sent["brandSubset"], sent["excludeBrands"]) == (["ENELX", "WALLBOX"], ["WALLBOX"])
        assert (sent["brand"], sent["showSimulator"], sent["siteName"]) == ("ENELX", True, "Home")

    def test_header_and_scheme_are_settings(self, world: TelematicaWorld, serve: Callable[..., Scripted]) -> None:
        request = self.sent(world, serve, {"auth_header": "X-Token", "auth_scheme": ""})
        assert request.headers["x-token"] == world.sandbox.config.telematica_api_token

    @pytest.mark.parametrize("key", ["url", "sessionUrl", "authUrl", "connectUrl", "link", "redirectUrl"])
    @pytest.mark.parametrize("status", ["200", "201"])
    def test_the_address_is_found_under_any_of_its_names(self, world: TelematicaWorld, key: str, status: str) -> None:
        world.choose(session_key=key, session_status=status)
        assert world.leave().connect_url.startswith(world.sandbox.url)

    def test_the_first_trusted_address_counts(self, world: TelematicaWorld, serve: Callable[..., Scripted]) -> None:
        answer = {"url": "https://evil.example/", "link": world.connect_url, "redirectUrl": "https://portal.example/"}
        world.provider = world.made(base=serve(lambda _: reply(200, answer)).url)
        departure = world.provider.begin_link(world.departing(), now=NOW)
        assert departure.connect_url == world.connect_url
        assert departure.expires_at == NOW + timedelta(minutes=10)

    def test_an_answer_without_one_names_the_keys_it_had_and_no_value(
        self, world: TelematicaWorld, serve: Callable[..., Scripted]
    ) -> None:
        answer = {"sessionId": "s3cret", "consent\nUrl": world.connect_url, "\x00": 1}
        world.provider = world.made(base=serve(lambda _: reply(200, answer)).url)
        with pytest.raises(UnexpectedAnswer) as alarm:
            world.provider.begin_link(world.departing(), now=NOW)
        assert "sessionId, consent Url, ?" in str(alarm.value)
        assert "s3cret" not in str(alarm.value)

    @pytest.mark.parametrize(
        ("status", "body", "error"),
        [
            (412, {"error": "INVALID_REQUEST"}, ProviderRefused),
            (412, {"error": "RELOGIN_REQUIRED"}, ReauthenticationRequired),
            (412, {"error": "USER_CONSENT_REQUIRED", "action": {}}, ReauthenticationRequired),
            (412, {"error": ["x"], "action": "x"}, ProviderRefused),
            (503, {"error": "X", "action": {"user": "RECONNECT_ACCOUNT"}}, ReauthenticationRequired),
            (400, {"action": {"dev": "RECONNECT_ACCOUNT"}}, ReauthenticationRequired),
            (500, {"error": "CABLE", "action": {"user": "PLUG_IN"}}, ReauthenticationRequired),
            (500, {"error": "X", "action": {"dev": "RETRY"}}, ProviderUnavailable),
            (500, {}, ProviderUnavailable),
            (503, {"error": "MALFORMED_RESPONSE", "action": {"user": "WAIT"}}, ProviderUnavailable),
            (401, {}, ProviderRefused),
            (429, {}, ProviderUnavailable),
        ],
    )
    def test_codes_count_before_the_status(
        self,
        world: TelematicaWorld,
        serve: Callable[..., Scripted],
        status: int,
        body: dict[str, object],
        error: type[Exception],
    ) -> None:
        world.provider = world.made(base=serve(lambda _: reply(status, body)).url)
        with pytest.raises(error):
            world.provider.begin_link(world.departing(), now=NOW)


class TestOffers:
    def codes(self, world: TelematicaWorld, **changes: Any) -> set[str | None]:
        return {offer.vendor_code for offer in world.made(**changes).offers()}

    def test_the_simulator_is_shown_only_where_asked_for(self, world: TelematicaWorld) -> None:
        assert "SIMULATOR" not in self.codes(world)
        assert "SIMULATOR" in self.codes(world, show_simulator=True)

    def test_what_its_page_would_hide_is_not_offered(self, world: TelematicaWorld) -> None:
        assert self.codes(world, brand_subset=("TESLA", "EASEE"), exclude_brands=("TESLA",)) == {"EASEE"}


class TestArrival:
    @pytest.mark.parametrize(
        ("query", "ids", "device_type"),
        [
            ({"devices": [DEVICE], "deviceType": ["vehicle"]}, (DEVICE,), "vehicle"),
            ({"devices": [f"{DEVICE},{OTHER}"], "deviceType": ["hvac"]}, (DEVICE, OTHER), "hvac"),
            ({"devices": [DEVICE, OTHER, DEVICE]}, (DEVICE, OTHER), None),
            ({"devices": [DEVICE], "deviceType": ["toaster"]}, (DEVICE,), None),
            ({"devices": [DEVICE], "deviceType": ["vehicle", "hvac"]}, (DEVICE,), None),
        ],
    )
    def test_named_devices_are_hints(
        self, world: TelematicaWorld, query: dict[str, list[str]], ids: tuple[str, ...], device_type: str | None
    ) -> None:
        hints = world.provider.read_arrival("", query)
        assert (hints.device_ids, hints.device_type, hints.cancelled) == (ids, device_type, False)

    @pytest.mark.parametrize("query", [{}, {"devices": [""]}, {"devices": [","]}, {"deviceType": ["vehicle"]}])
    def test_no_device_is_a_cancelled_link(self, world: TelematicaWorld, query: dict[str, list[str]]) -> None:
        assert world.provider.read_arrival("", query).cancelled

    @pytest.mark.parametrize(
        "devices",
        [DEVICE.upper(), DEVICE[:-1], f"{DEVICE}0", f"{DEVICE},x", f"{DEVICE}\n", "<script>", ",".join([DEVICE] * 51)],
    )
    def test_malformed_ids_are_unreadable(self, world: TelematicaWorld, devices: str) -> None:
        hints = world.provider.read_arrival("", {"devices": [devices]})
        assert hints.unreadable
        assert hints.device_ids == ()


class TestRemoval:
    def removed(self, world: TelematicaWorld, serve: Callable[..., Scripted], answer: bytes, **changes: Any) -> Any:
        server = serve(lambda _: answer)
        world.provider = world.made(base=server.url, **changes)
        return world.provider.remove_device(an_account(), DEVICE, DeviceType.HVAC), server.received

    def test_the_customer_is_always_named(self, world: TelematicaWorld, serve: Callable[..., Scripted]) -> None:
        removal, (request,) = self.removed(world, serve, reply(200, b"OK", content_type="text/plain"))
        assert removal is Removal.GONE
        assert (request.method, request.path) == ("POST", f"/v1/devices/{DEVICE}/revoke")
        assert request.json == {"deviceType": "hvac", "userId": PSEUDONYM}

    def test_verb_and_path_are_settings(self, world: TelematicaWorld, serve: Callable[..., Scripted]) -> None:
        changes = {"revoke_path": "access/{device_id}", "revoke_method": "DELETE"}
        _, (request,) = self.removed(world, serve, reply(204), **changes)
        assert (request.method, request.path) == ("DELETE", f"/access/{DEVICE}")

    @pytest.mark.parametrize("code", ["NOT_FOUND", "DEVICE_DISCONNECTED"])
    def test_what_is_not_there_is_gone(self, world: TelematicaWorld, serve: Callable[..., Scripted], code: str) -> None:
        assert self.removed(world, serve, reply(412, {"error": code}))[0] is Removal.GONE

    @pytest.mark.parametrize("answer", [reply(404, {}), reply(412, {"error": "INVALID_REQUEST"}), reply(412, {})])
    def test_a_wrong_path_or_body_is_our_fault_and_not_gone(
        self, world: TelematicaWorld, serve: Callable[..., Scripted], answer: bytes
    ) -> None:
        with pytest.raises(ProviderRefused):
            self.removed(world, serve, answer)

    def test_without_a_path_it_is_not_offered_and_says_so(self, world: TelematicaWorld) -> None:
        provider = world.made(revoke_path=None)
        assert not provider.traits.removes_devices
        assert provider.remove_device(an_account(), DEVICE, DeviceType.HVAC) is Removal.NOT_OFFERED

    def test_a_malformed_id_is_never_sent(self, world: TelematicaWorld) -> None:
        with pytest.raises(ProviderRefused):
            world.provider.remove_device(an_account(), "../all", DeviceType.HVAC)

    def test_one_household_member_does_not_cut_off_another(self, world: TelematicaWorld) -> None:
        (device_id,) = world.walk(world.leave()).device_ids
        first, world.account = world.account, an_account("the-other-one")
        assert world.walk(world.leave()).device_ids == (device_id,)
        world.provider.remove_device(first, device_id, DeviceType.CHARGER)
        left = [d.owner for d in world.sandbox.state.devices if d.removed_at is None]
        assert left == ["the-other-one"]


def test_a_wrong_token_is_our_fault(world: TelematicaWorld) -> None:
    world.provider = world.made(api_token="wrong")
    with pytest.raises(ProviderRefused):
        world.leave()


class TestRefusedVendor:
    """A brand that is paused or not activated there: the customer chooses it on Telematica's own page."""

    REFUSAL = reply(
        412,
        {
            "message": "brand AUDI is not available",
            "error": "INVALID_REQUEST",
            "statusCode": 412,
            "action": {"dev": "INVALID_REQUEST", "user": ""},
        },
    )

    @pytest.mark.parametrize("renews", [False, True])
    def test_it_is_asked_again_without_the_brand(
        self, world: TelematicaWorld, serve: Callable[..., Scripted], renews: bool
    ) -> None:
        opened = reply(200, {"url": world.connect_url})
        server = serve(lambda request: self.REFUSAL if "brand" in request.json else opened)
        world.provider = world.made(base=server.url)
        departure = world.renew("a" * 24) if renews else world.provider.begin_link(world.departing(), now=world.now)
        assert (departure.connect_url, departure.asks_vendor) == (world.connect_url, True)
        assert ["brand" in request.json for request in server.received] == [True, False]

    def test_what_is_refused_without_the_brand_too_is_refused(
        self, world: TelematicaWorld, serve: Callable[..., Scripted]
    ) -> None:
        server = serve(lambda _: self.REFUSAL)
        world.provider = world.made(base=server.url)
        with pytest.raises(ProviderRefused):
            world.provider.begin_link(world.departing(), now=world.now)
        assert len(server.received) == 2
