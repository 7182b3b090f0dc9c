"""Podero, by the contract and by the traps of its onboarding."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal.domain.catalogue import DeviceType
from portal.providers.podero import PRICE_ZONES, price_zone
from portal.providers.protocol import ProviderRefused, ProviderUnavailable, Removal, UnexpectedAnswer
from tests.providers.contract import ProviderContract, an_account
from tests.providers.podero_world import DEVICE, USER, PoderoWorld, fresh, scripted, world_url
from tests.providers.scripted import Scripted, reply


class TestPodero(ProviderContract):
    world_class = PoderoWorld


@pytest.fixture
def world(running_sandbox: Any) -> PoderoWorld:
    return fresh(running_sandbox)


class TestOnboarding:
    def sent(self, world: PoderoWorld, serve: Callable[..., Scripted], changes: Any = None, **departing: Any) -> Any:
        server = scripted(serve, world, {"POST /device-onboarding": world.opened(world_url(world))}, **(changes or {}))
        world.provider.begin_link(world.departing(**departing), now=world.now)
        return server.received[-1].json

    def test_the_session_says_what_it_must_and_nothing_personal(
        self, world: PoderoWorld, serve: Callable[..., Scripted]
    ) -> None:
        assert self.sent(world, serve, language="fr") == {
            "success_url": f"{world.portal.url}/return/podero/secret/success",
            "cancel_url": f"{world.portal.url}/return/podero/secret/cancel",
            "user_id": USER,
            "language": "en",
            "skip_to": "hp",
            "is_smart_optimization_active_default": True,
            "external_metadata": {"link_session": "attempt-1"},
        }

    @pytest.mark.parametrize(
        ("stated", "zone"),
        [
            (("SE_3", "AT", "DE"), "SE_3"),
            ((None, "AT_HOURLY", "DE"), "AT_HOURLY"),
            ((None, None, "DE"), "DE_LU"),
            ((None, None, "LU"), "DE_LU"),
            (("DE", None, "SE"), "DE_LU"),
            ((None, None, "GB"), "UK"),
            ((None, None, "SE"), None),
            ((None, None, "IT"), None),
            ((None, None, "NL"), None),
            (("se-4", None, "SE"), "SE_4"),
            (("SE3", None, "SE"), "SE_3"),
            (("nonsense", None, "HU"), "HU"),
            (("", "", ""), None),
        ],
    )
    def test_the_price_zone_is_the_customers_then_the_settings_then_the_markets(
        self,
        world: PoderoWorld,
        serve: Callable[..., Scripted],
        stated: tuple[str | None, str | None, str],
        zone: str | None,
    ) -> None:
        claim, setting, market = stated
        sent = self.sent(world, serve, {"price_zone": setting, "market": market}, price_zone=claim)
        assert sent.get("price_zone_default") == zone

    def test_every_zone_is_one_of_podero_and_never_de(self) -> None:
        for market in ("AT", "BE", "CH", "EE", "DE", "LU", "HU", "PT", "RO", "GB", "UK"):
            assert price_zone(market) in PRICE_ZONES
        assert len(PRICE_ZONES) == 21
        assert "DE" not in PRICE_ZONES

    def test_smart_control_is_a_setting_and_declared(self, world: PoderoWorld, serve: Callable[..., Scripted]) -> None:
        sent = self.sent(world, serve, {"smart_control": False})
        assert sent["is_smart_optimization_active_default"] is False
        assert not world.provider.traits.smart_control

    @pytest.mark.parametrize(
        ("device_type", "skip_to"),
        [
            (DeviceType.HEAT_PUMP, "hp"),
            (DeviceType.VEHICLE, "ev"),
            (DeviceType.CHARGER, "wb"),
            (DeviceType.INVERTER, "iv"),
        ],
    )
    def test_the_type_chosen_here_is_not_asked_again(
        self, world: PoderoWorld, serve: Callable[..., Scripted], device_type: DeviceType, skip_to: str
    ) -> None:
        assert self.sent(world, serve, device_type=device_type)["skip_to"] == skip_to

    @pytest.mark.parametrize(
        ("stated", "ends"),
        [
            ("2026-11-22", datetime(2026, 11, 24, tzinfo=UTC)),
            ("2026-11-22T10:00:00Z", datetime(2026, 11, 24, tzinfo=UTC)),
            ("2027-11-22", datetime(2026, 11, 24, 12, tzinfo=UTC)),
            ("9999-12-31", None),
            ("2020-01-01", None),
            ("soon", None),
            (None, None),
            (7, None),
        ],
    )
    def test_the_session_ends_a_day_after_its_date(
        self, world: PoderoWorld, serve: Callable[..., Scripted], stated: object, ends: datetime | None
    ) -> None:
        answer = {**world.opened(world_url(world)), "expiration_date": stated}
        scripted(serve, world, {"POST /device-onboarding": answer})
        departure = world.provider.begin_link(world.departing(), now=datetime(2026, 11, 21, 12, tzinfo=UTC))
        assert departure.expires_at == ends
        assert departure.provider_reference == DEVICE

    def test_a_session_of_another_user_is_an_alarm(self, world: PoderoWorld, serve: Callable[..., Scripted]) -> None:
        answer = {**world.opened(world_url(world)), "user": DEVICE}
        scripted(serve, world, {"POST /device-onboarding": answer})
        with pytest.raises(UnexpectedAnswer):
            world.provider.begin_link(world.departing(), now=world.now)

    @pytest.mark.parametrize("user", [None, "../../admin"])
    def test_no_call_is_made_for_nobody(self, world: PoderoWorld, user: str | None) -> None:
        world.account = an_account(provider_user_id=user)
        with pytest.raises(ProviderRefused):
            world.provider.begin_link(world.departing(), now=world.now)
        assert not world.sandbox.state.calls["podero"]


class TestRemoval:
    @pytest.mark.parametrize("status", [200, 202, 204, 404])
    def test_gone_is_gone(self, world: PoderoWorld, serve: Callable[..., Scripted], status: int) -> None:
        scripted(serve, world, {f"DELETE /heat-pumps/{DEVICE}": reply(status)}, delete_devices=True)
        assert world.provider.remove_device(world.account, DEVICE, DeviceType.HEAT_PUMP) is Removal.GONE

    @pytest.mark.parametrize("status", [403, 405])
    def test_a_refusal_means_that_it_is_not_offered(
        self, world: PoderoWorld, serve: Callable[..., Scripted], status: int
    ) -> None:
        scripted(serve, world, {f"DELETE /heat-pumps/{DEVICE}": reply(status)}, delete_devices=True)
        assert world.provider.remove_device(world.account, DEVICE, DeviceType.HEAT_PUMP) is Removal.NOT_OFFERED

    def test_trouble_is_not_a_refusal(self, world: PoderoWorld, serve: Callable[..., Scripted]) -> None:
        scripted(serve, world, {f"DELETE /heat-pumps/{DEVICE}": reply(503)}, delete_devices=True)
        with pytest.raises(ProviderUnavailable):
            world.provider.remove_device(world.account, DEVICE, DeviceType.HEAT_PUMP)

    def test_a_removed_device_is_gone_from_the_list(self, world: PoderoWorld) -> None:
        world.provider = world.made(delete_devices=True)
        assert world.provider.traits.removes_devices
        (device_id,) = world.walk(world.leave()).device_ids
        assert world.provider.remove_device(world.account, device_id, DeviceType.HEAT_PUMP) is Removal.GONE
        assert [reading.deleted for reading in world.readings()] == [True]

    def test_a_malformed_id_is_never_sent(self, world: PoderoWorld) -> None:
        world.provider = world.made(delete_devices=True)
        world.account = an_account(provider_user_id=USER)
        with pytest.raises(ProviderRefused):
            world.provider.remove_device(world.account, "../..", DeviceType.HEAT_PUMP)
        assert not world.sandbox.state.calls["podero"]


class TestArrival:
    @pytest.mark.parametrize(
        ("query", "ids", "unreadable"),
        [
            ({}, (), False),
            ({"deviceId": [DEVICE]}, (DEVICE,), False),
            ({"deviceId": [DEVICE.upper()]}, (DEVICE,), False),
            ({"deviceId": [DEVICE, DEVICE]}, (DEVICE,), False),
            ({"deviceId": [DEVICE, USER]}, (), True),
            ({"deviceId": [""]}, (), True),
            ({"deviceId": [f"{{{DEVICE}}}"]}, (), True),
            ({"deviceId": [DEVICE.replace("-", "")]}, (), True),
            ({"deviceId": [f"{DEVICE}\n"]}, (), True),
            ({"deviceId": ["<script>"]}, (), True),
        ],
    )
    def test_only_a_strict_uuid_is_a_hint(
        self, world: PoderoWorld, query: dict[str, list[str]], ids: tuple[str, ...], unreadable: bool
    ) -> None:
        hints = world.provider.read_arrival("success", query)
        assert (hints.device_ids, hints.unreadable, hints.cancelled) == (ids, unreadable, False)

    def test_a_cancelled_return_is_one_whatever_else_it_says(self, world: PoderoWorld) -> None:
        hints = world.provider.read_arrival("cancel", {"deviceId": [DEVICE]})
        assert hints.cancelled
        assert hints.device_ids == ()

    def test_a_return_without_an_id_is_still_a_return(self, world: PoderoWorld) -> None:
        world.choose(return_device_id="no")
        hints = world.walk(world.leave())
        assert hints.device_ids == ()
        assert not hints.cancelled
        assert len(world.readings()) == 1
        assert world.now - timedelta(minutes=1) < (
            world.readings()[0].last_contact_at or datetime.min.replace(tzinfo=UTC)
        )
