"""Podero, by the contract and by its own traps."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal.domain.catalogue import DeviceType
from portal.domain.device import Connection
from portal.providers.http import Gateway
from portal.providers.podero import PRICE_ZONES, Podero, PoderoConfig, price_zone
from portal.providers.podero_rows import connection_of, reading_of
from portal.providers.protocol import ProviderRefused, ProviderUnavailable, Removal, UnexpectedAnswer
from portal.sandbox.state import ProviderUser
from tests.providers.contract import PSEUDONYM, ProviderContract, World, an_account, gateway
from tests.providers.scripted import Received, Scripted, reply

USER = "11111111-2222-4333-8444-555555555555"
DEVICE = "99999999-2222-4333-8444-555555555555"


class PoderoWorld(World):
    key = "podero"
    device_type = DeviceType.HEAT_PUMP
    vendor = "nibe"
    vendor_code = None
    login = "demomyuplink@nibe.se"
    other_login = "second@nibe.se"

    def made(self, *, base: str | None = None, door: Gateway | None = None, **changes: Any) -> Podero:
        sandbox = self.sandbox.config
        url = base or sandbox.podero_base_url
        config = {
            "base_url": url,
            "token_url": f"{url}/auth/token",
            "org_id": sandbox.podero_org_id,
            "client_id": sandbox.podero_client_id,
            "client_secret": sandbox.podero_client_secret,
            "connect_hosts": (sandbox.host,),
            "email_domain": "devices.example",
            "market": "SE",
        }
        return Podero(PoderoConfig(**{**config, **changes}), door or gateway())

    def opened(self, url: object) -> dict[str, object]:
        return {"id": DEVICE, "user": USER, "authentication_url": url}

    def calls(self, method: str, part: str = "") -> list[dict[str, Any]]:
        return [c for c in self.sandbox.state.calls["podero"] if c["method"] == method and part in c["path"]]


class TestPodero(ProviderContract):
    world_class = PoderoWorld


@pytest.fixture
def world(running_sandbox: Any) -> PoderoWorld:
    sandbox, portal = running_sandbox
    sandbox.state.reset()
    return PoderoWorld(sandbox, portal)


def scripted(serve: Callable[..., Scripted], world: PoderoWorld, answers: dict[str, Any], **changes: Any) -> Scripted:
    """A Podero whose answers are scripted by `METHOD end-of-path`; the token is always given."""

    def answering(request: Received) -> bytes:
        if request.path.endswith("/auth/token"):
            return reply(200, {"access_token": "t", "expires_in": 3600})
        for place, answer in answers.items():
            method, _, end = place.partition(" ")
            if request.method == method and request.path.endswith(end):
                return answer if isinstance(answer, bytes) else reply(200, answer)
        return reply(404, {"detail": "Not Found"})

    server = serve(answering)
    world.provider = world.made(base=server.url, **changes)
    world.account = an_account(provider_user_id=USER)
    return server


class TestUsers:
    def test_a_customer_is_created_once_under_an_alias(self, world: PoderoWorld) -> None:
        first = world.provider.ensure_user(an_account(), email="anna@example.com")
        assert world.provider.ensure_user(an_account(), email="anna@example.com") == first
        (user,) = world.sandbox.state.users
        assert (user.email, user.external_id, user.role) == (f"{PSEUDONYM}@devices.example", PSEUDONYM, "user")

    def test_the_customers_own_address_goes_out_only_where_the_retailer_chose_it(self, world: PoderoWorld) -> None:
        world.provider = world.made(send_customer_email=True)
        world.provider.ensure_user(an_account(), email="anna@example.com")
        assert world.sandbox.state.users[0].email == "anna@example.com"

    def test_a_known_user_costs_no_call(self, world: PoderoWorld) -> None:
        assert world.provider.ensure_user(an_account(provider_user_id=USER), email=None) == USER
        assert not world.sandbox.state.calls["podero"]

    @pytest.mark.parametrize("status", ["400", "409", "422"])
    @pytest.mark.parametrize("external", [None, ""])
    def test_a_nameless_user_of_that_address_is_adopted(
        self, world: PoderoWorld, status: str, external: str | None
    ) -> None:
        world.choose(conflict_status=status)
        world.provider = world.made(send_customer_email=True)
        world.sandbox.state.users.append(ProviderUser(USER, "podero", external, "Anna@Example.com"))
        assert world.provider.ensure_user(an_account(), email="anna@example.com") == USER

    @pytest.mark.parametrize(("external", "role"), [("somebody-else", "user"), (None, "admin"), (None, "staff")])
    def test_a_user_of_another_customer_or_staff_is_never_adopted(
        self, world: PoderoWorld, external: str | None, role: str
    ) -> None:
        world.provider = world.made(send_customer_email=True)
        world.sandbox.state.users.append(ProviderUser(USER, "podero", external, "anna@example.com", role))
        with pytest.raises(ProviderRefused):
            world.provider.ensure_user(an_account(), email="anna@example.com")

    def test_a_creation_of_which_the_answer_was_lost_is_found_again(
        self, world: PoderoWorld, serve: Callable[..., Scripted]
    ) -> None:
        found = [reply(404, {}), reply(200, {"id": USER, "external_user_id": PSEUDONYM})]
        scripted(serve, world, {"POST /users": reply(409, {})})
        server = serve(
            lambda request: (
                reply(200, {"access_token": "t", "expires_in": 3600})
                if request.path.endswith("/auth/token")
                else (found.pop(0) if "by-ext-id" in request.path else reply(409, {"detail": "exists"}))
            )
        )
        world.provider = world.made(base=server.url)
        assert world.provider.ensure_user(an_account(), email=None) == USER

    @pytest.mark.parametrize(
        "found", [{"id": USER, "external_user_id": "x"}, {"id": "no uuid"}, {"id": USER, "external_user_id": ["x"]}]
    )
    def test_a_user_that_is_not_the_one_asked_for_is_an_alarm(
        self, world: PoderoWorld, serve: Callable[..., Scripted], found: dict[str, object]
    ) -> None:
        scripted(serve, world, {f"GET /by-ext-id/{PSEUDONYM}": found})
        with pytest.raises(UnexpectedAnswer):
            world.provider.ensure_user(an_account(), email=None)

    def test_a_refused_creation_that_nobody_explains_is_refused(
        self, world: PoderoWorld, serve: Callable[..., Scripted]
    ) -> None:
        scripted(
            serve,
            world,
            {"POST /users": reply(422, {}), "GET /users": [{"id": USER, "email": "x@example.com"}, "junk"]},
        )
        with pytest.raises(ProviderRefused):
            world.provider.ensure_user(an_account(), email=None)


class TestToken:
    def test_fifty_callers_share_one_fetch(self, world: PoderoWorld, serve: Callable[..., Scripted]) -> None:
        server = scripted(serve, world, {"GET /heat-pumps": []})
        start = threading.Barrier(50)
        failures: list[Exception] = []

        def ask() -> None:
            start.wait()
            try:
                world.provider.list_devices(world.account, frozenset({DeviceType.HEAT_PUMP}))
            except Exception as error:  # noqa: BLE001 - whatever it is, the test wants to show it
                failures.append(error)

        threads = [threading.Thread(target=ask) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        assert len([r for r in server.received if r.path.endswith("/auth/token")]) == 1
        assert len(server.received) == 51

    def test_a_failed_fetch_fails_for_all_who_wait_and_the_next_tries_again(
        self, world: PoderoWorld, serve: Callable[..., Scripted]
    ) -> None:
        tokens = [reply(503, {}), reply(200, {"access_token": "t", "expires_in": 3600})]
        server = serve(lambda r: tokens.pop(0) if r.path.endswith("/auth/token") else reply(200, []))
        world.provider = world.made(base=server.url)
        account = an_account(provider_user_id=USER)
        with pytest.raises(ProviderUnavailable):
            world.provider.list_devices(account, frozenset({DeviceType.VEHICLE}))
        assert world.provider.list_devices(account, frozenset({DeviceType.VEHICLE})) == ()

    def test_a_server_that_wants_json_is_asked_in_json(self, world: PoderoWorld) -> None:
        world.choose(token_body="json")
        world.leave()
        assert len(world.calls("POST", "/auth/token")) == 2

    def test_the_client_signs_in_with_basic_and_a_form(
        self, world: PoderoWorld, serve: Callable[..., Scripted]
    ) -> None:
        server = scripted(serve, world, {"GET /inverters": []})
        world.provider.list_devices(world.account, frozenset({DeviceType.INVERTER}))
        token = server.received[0]
        assert token.body == b"grant_type=client_credentials"
        assert token.headers["authorization"].startswith("Basic ")
        assert server.received[1].headers["authorization"] == "Bearer t"

    def test_a_revoked_token_is_renewed_once_without_notice(self, world: PoderoWorld) -> None:
        world.leave()
        world.sandbox.state.tokens.clear()
        world.leave()
        assert len(world.calls("POST", "/auth/token")) == 2

    def test_a_token_that_is_refused_for_ever_is_our_fault_after_two_tries(
        self, world: PoderoWorld, serve: Callable[..., Scripted]
    ) -> None:
        server = scripted(serve, world, {"GET /heat-pumps": reply(401, {})})
        with pytest.raises(ProviderRefused):
            world.readings()
        assert len([r for r in server.received if r.path.endswith("/heat-pumps")]) == 2
        assert len([r for r in server.received if r.path.endswith("/auth/token")]) == 2

    @pytest.mark.parametrize("lifetime", [60, 0, -5, None, "36000", True])
    def test_a_token_without_a_useful_life_is_not_kept(
        self, world: PoderoWorld, serve: Callable[..., Scripted], lifetime: object
    ) -> None:
        server = serve(
            lambda r: (
                reply(200, {"access_token": "t", "expires_in": lifetime})
                if r.path.endswith("/auth/token")
                else reply(200, [])
            )
        )
        world.provider = world.made(base=server.url)
        world.account = an_account(provider_user_id=USER)
        for _ in range(2):
            world.provider.list_devices(world.account, frozenset({DeviceType.CHARGER}))
        assert len([r for r in server.received if r.path.endswith("/auth/token")]) == 2

    @pytest.mark.parametrize("token", [None, "", "a b", "a\r\nX: y", 7, "å"])
    def test_a_token_that_could_break_a_header_is_an_alarm(
        self, world: PoderoWorld, serve: Callable[..., Scripted], token: object
    ) -> None:
        world.provider = world.made(base=serve(lambda _: reply(200, {"access_token": token})).url)
        with pytest.raises(UnexpectedAnswer):
            world.provider.ensure_user(an_account(), email=None)

    @pytest.mark.parametrize("status", [404, 405])
    def test_a_wrong_token_url_is_hinted_at(
        self, world: PoderoWorld, serve: Callable[..., Scripted], logged: list[dict[str, object]], status: int
    ) -> None:
        world.provider = world.made(base=serve(lambda _: reply(status, {})).url)
        with pytest.raises(ProviderRefused):
            world.provider.ensure_user(an_account(), email=None)
        assert any("/oauth2/token/" in str(entry.get("hint")) for entry in logged)


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
        ("claim", "setting", "market", "zone"),
        [
            ("SE_3", "AT", "DE", "SE_3"),
            (None, "AT_HOURLY", "DE", "AT_HOURLY"),
            (None, None, "DE", "DE_LU"),
            (None, None, "LU", "DE_LU"),
            ("DE", None, "SE", "DE_LU"),
            (None, None, "GB", "UK"),
            (None, None, "SE", None),
            (None, None, "IT", None),
            (None, None, "NL", None),
            ("se-4", None, "SE", "SE_4"),
            ("SE3", None, "SE", "SE_3"),
            ("nonsense", None, "HU", "HU"),
            ("", "", "", None),
        ],
    )
    def test_the_price_zone_is_the_customers_then_the_settings_then_the_markets(
        self,
        world: PoderoWorld,
        serve: Callable[..., Scripted],
        claim: str | None,
        setting: str | None,
        market: str,
        zone: str | None,
    ) -> None:
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


def world_url(world: PoderoWorld) -> str:
    return f"{world.sandbox.url}/podero/connect?onboarding_session_id=x"


class TestDevices:
    @pytest.mark.parametrize(
        "signal", ["actions", "action_needed", "is_authenticated", "lifecycle", "connection_status"]
    )
    @pytest.mark.parametrize("lists_have_actions", ["yes", "no"])
    def test_every_signal_of_a_lapse_is_seen(self, world: PoderoWorld, signal: str, lists_have_actions: str) -> None:
        (device_id,) = world.walk(world.leave()).device_ids
        world.choose(reauth_signal=signal, lists_have_actions=lists_have_actions)
        world.break_device(device_id)
        (reading,) = world.readings()
        assert reading.connection is Connection.NEEDS_REAUTHENTICATION

    @pytest.mark.parametrize(
        ("row", "connection"),
        [
            ({}, Connection.UNKNOWN),
            ({"connection_status": "ok"}, Connection.WORKING),
            ({"is_authenticated": True}, Connection.WORKING),
            ({"lifecycle_state": "authenticated"}, Connection.WORKING),
            ({"is_authenticated": True, "connection_status": "warning"}, Connection.UNKNOWN),
            ({"is_authenticated": True, "connection_status": "unknown"}, Connection.UNKNOWN),
            ({"is_authenticated": True, "connection_status": {}}, Connection.UNKNOWN),
            ({"lifecycle_state": "something new", "connection_status": "ok"}, Connection.WORKING),
            ({"connection": "offline", "connection_status": "ok"}, Connection.UNREACHABLE),
            ({"connection": "never_connected"}, Connection.WAITING),
            ({"connection": ["offline"], "connection_status": "ok"}, Connection.WORKING),
            ({"action_needed": True}, Connection.NEEDS_REAUTHENTICATION),
            ({"action_needed": True, "actions": []}, Connection.NEEDS_REAUTHENTICATION),
            ({"actions": [{"code": "reauthenticate"}]}, Connection.NEEDS_REAUTHENTICATION),
            (
                {"action_needed": True, "actions": [{"code": "new_terms"}], "connection_status": "ok"},
                Connection.WORKING,
            ),
            ({"actions": ["junk", {"code": 7}, None], "connection_status": "ok"}, Connection.WORKING),
            ({"is_authenticated": False, "connection_status": "ok"}, Connection.NEEDS_REAUTHENTICATION),
            ({"is_authenticated": True, "lifecycle_state": "error"}, Connection.NEEDS_REAUTHENTICATION),
        ],
    )
    def test_signals_are_read_in_their_order_and_unknown_ones_stay_neutral(
        self, row: dict[str, object], connection: Connection
    ) -> None:
        assert connection_of(row) is connection

    @pytest.mark.parametrize("row", [{"id": "7"}, {}, {"id": DEVICE, "deleted_at": "2026-01-01T00:00:00Z"}])
    def test_a_deleted_or_nameless_device_is_none(self, row: dict[str, object]) -> None:
        assert reading_of(row, DeviceType.VEHICLE) is None

    def test_a_row_with_an_id_alone_is_a_device(self) -> None:
        reading = reading_of({"id": DEVICE}, DeviceType.VEHICLE)
        assert reading is not None
        assert (reading.model, reading.vendor_name, reading.last_contact_at) == (None, None, None)

    def test_last_contact_falls_back_to_the_last_monitoring(self) -> None:
        reading = reading_of({"id": DEVICE, "last_monitoring_executed_at": "2026-11-20T10:00:00Z"}, DeviceType.CHARGER)
        assert reading is not None
        assert reading.last_contact_at == datetime(2026, 11, 20, 10, tzinfo=UTC)

    def test_rows_of_somebody_else_and_junk_are_left_out(
        self, world: PoderoWorld, serve: Callable[..., Scripted]
    ) -> None:
        rows = [{"id": DEVICE, "owner": {"id": "somebody"}}, "junk", {"id": USER, "action_needed": True}]
        server = scripted(serve, world, {"GET /electric-vehicles": rows})
        (reading,) = world.provider.list_devices(world.account, frozenset({DeviceType.VEHICLE}))
        assert reading.provider_device_id == USER
        assert reading.connection is Connection.NEEDS_REAUTHENTICATION
        assert len([r for r in server.received if r.path.endswith(f"/electric-vehicles/{USER}")]) == 1

    def test_only_the_asked_types_are_asked_for(self, world: PoderoWorld, serve: Callable[..., Scripted]) -> None:
        server = scripted(serve, world, {"GET /wallboxes": []})
        asked = frozenset({DeviceType.CHARGER, DeviceType.BATTERY})
        assert world.provider.list_devices(world.account, asked) == ()
        assert [r.path.rpartition("/")[2] for r in server.received] == ["token", "wallboxes"]

    def test_an_open_action_without_an_id_is_not_looked_up(
        self, world: PoderoWorld, serve: Callable[..., Scripted]
    ) -> None:
        scripted(serve, world, {"GET /inverters": [{"action_needed": True}]})
        assert world.provider.list_devices(world.account, frozenset({DeviceType.INVERTER})) == ()

    @pytest.mark.parametrize("listed", [{"items": []}, None, "x"])
    def test_a_list_that_is_none_is_an_alarm(
        self, world: PoderoWorld, serve: Callable[..., Scripted], listed: object
    ) -> None:
        scripted(serve, world, {"GET /inverters": reply(200, listed)})
        with pytest.raises(UnexpectedAnswer):
            world.provider.list_devices(world.account, frozenset({DeviceType.INVERTER}))


class TestReauthentication:
    def lapsed(self, world: PoderoWorld, **variants: str) -> str:
        (device_id,) = world.walk(world.leave()).device_ids
        world.choose(**variants)
        world.break_device(device_id)
        return device_id

    def test_the_devices_own_session_comes_first(self, world: PoderoWorld) -> None:
        device_id = self.lapsed(world)
        assert world.walk(world.renew(device_id)).device_ids == (device_id,)
        assert not world.calls("POST", "/cues/")

    @pytest.mark.parametrize("variant", [{"auth_session_url": "null"}, {"heat_pump_auth_session": "404"}])
    def test_the_cure_of_its_action_comes_next(self, world: PoderoWorld, variant: dict[str, str]) -> None:
        device_id = self.lapsed(world, reauth_signal="actions", **variant)
        onboardings = len(world.calls("POST", "/device-onboarding"))
        assert world.walk(world.renew(device_id)).device_ids == (device_id,)
        assert len(world.calls("POST", "/cues/")) == 1
        assert len(world.calls("POST", "/device-onboarding")) == onboardings

    def test_a_new_session_comes_last(self, world: PoderoWorld) -> None:
        device_id = self.lapsed(world, reauth_signal="is_authenticated", auth_session_url="null")
        assert world.walk(world.renew(device_id)).device_ids == (device_id,)
        assert len(world.calls("POST", "/device-onboarding")) == 2

    def test_another_account_comes_back_as_another_device(self, world: PoderoWorld) -> None:
        device_id = self.lapsed(world, auth_session_url="null", reauth_signal="is_authenticated")
        hints = world.walk(world.renew(device_id), world.other_login)
        assert device_id not in hints.device_ids
        assert len(world.readings()) == 2

    @pytest.mark.parametrize(
        "url",
        [
            "https://evil.example/cues/abc/resolve?secret=s",
            "{base}.evil.example/cues/abc/resolve?secret=s",
            "{base}/users/abc?secret=s",
            "{base}/cues/../users?secret=s",
            "{base}/cues/abc/resolve",
            "{base}/cues/abc/resolve?secret=a&secret=b",
            "//evil.example/cues/abc?secret=s",
            "http://[/cues/abc?secret=s",
            "x" * 5000,
            None,
            7,
        ],
    )
    def test_a_cure_elsewhere_is_never_called(
        self, world: PoderoWorld, serve: Callable[..., Scripted], url: Any
    ) -> None:
        answers: dict[str, Any] = {"POST /device-onboarding": world.opened(world_url(world))}
        server = scripted(serve, world, answers)
        cure = url.format(base=server.url) if isinstance(url, str) and "[" not in url else url
        actions = ["junk", {"code": "other"}, {"code": "reauthenticate", "resolution_link": {"url": cure}}]
        answers[f"GET /heat-pumps/{DEVICE}"] = {"id": DEVICE, "actions": actions}
        assert world.renew(DEVICE).connect_url == world_url(world)
        assert not [r for r in server.received if "cues" in r.path]

    def test_the_cure_is_posted_in_camel_case_with_its_secret(
        self, world: PoderoWorld, serve: Callable[..., Scripted]
    ) -> None:
        answers: dict[str, Any] = {"POST /cues/abc/resolve": {"redirect_url": world_url(world)}}
        server = scripted(serve, world, answers)
        link = {"url": f"{server.url}/cues/abc?cue=1&secret=s%20s"}
        answers[f"GET /heat-pumps/{DEVICE}"] = {"actions": [{"code": "reauthenticate", "resolution_link": link}]}
        assert world.renew(DEVICE, language="hu").connect_url == world_url(world)
        posted = server.received[-1]
        assert posted.query == {"secret": ["s s"]}
        assert posted.json == {
            "successUrl": f"{world.portal.url}/return/podero/secret/success",
            "cancelUrl": f"{world.portal.url}/return/podero/secret/cancel",
            "language": "hu",
            "location": {},
            "clientInfo": {},
        }

    @pytest.mark.parametrize("cured", [reply(404, {}), reply(422, {}), reply(200, {"redirect_url": None})])
    def test_a_cure_that_leads_nowhere_falls_back_to_a_new_session(
        self, world: PoderoWorld, serve: Callable[..., Scripted], cured: bytes
    ) -> None:
        answers: dict[str, Any] = {
            "POST /cues/abc/resolve": cured,
            "POST /device-onboarding": world.opened(world_url(world)),
        }
        server = scripted(serve, world, answers)
        link = {"url": f"{server.url}/cues/abc/resolve?secret=s"}
        answers[f"GET /heat-pumps/{DEVICE}"] = {"actions": [{"code": "reauthenticate", "resolution_link": link}]}
        assert world.renew(DEVICE).connect_url == world_url(world)

    def test_a_session_of_another_device_is_an_alarm(self, world: PoderoWorld, serve: Callable[..., Scripted]) -> None:
        opened = {"authentication_url": world_url(world), "device_id": USER}
        scripted(serve, world, {"POST /auth_session": opened})
        with pytest.raises(UnexpectedAnswer):
            world.renew(DEVICE)

    def test_a_refused_renewal_is_refused(self, world: PoderoWorld, serve: Callable[..., Scripted]) -> None:
        scripted(serve, world, {"POST /auth_session": reply(422, {})})
        with pytest.raises(ProviderRefused):
            world.renew(DEVICE)


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
        assert world.readings() == ()

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
