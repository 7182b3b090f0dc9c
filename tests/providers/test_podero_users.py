"""Podero's users and the token behind every call."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from portal.domain.catalogue import DeviceType
from portal.providers.podero_token import life_of
from portal.providers.protocol import AdoptedUser, ProviderRefused, ProviderUnavailable, Removal, UnexpectedAnswer
from portal.sandbox.state import ProviderUser
from tests.providers.contract import PSEUDONYM, an_account
from tests.providers.podero_world import USER, PoderoWorld, fresh, scripted
from tests.providers.scripted import Scripted, reply


@pytest.fixture
def world(running_sandbox: Any) -> PoderoWorld:
    return fresh(running_sandbox)


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
        assert isinstance(world.provider.ensure_user(an_account(), email="anna@example.com"), AdoptedUser)

    def test_a_user_that_was_there_before_us_is_never_deleted_by_us(self, world: PoderoWorld) -> None:
        world.sandbox.state.users.append(ProviderUser(USER, "podero", None, "anna@example.com"))
        world.provider = world.made(send_customer_email=True)
        for adopted in (True, False):
            account = replace(an_account(provider_user_id=USER), adopted=adopted)
            assert world.provider.delete_user(account) is Removal.NOT_OFFERED
        assert not world.calls("DELETE", "/users/")

    @pytest.mark.parametrize(("external", "role"), [("somebody-else", "user"), (None, "admin"), (None, "staff")])
    def test_a_user_of_another_customer_or_staff_is_never_adopted(
        self, world: PoderoWorld, external: str | None, role: str
    ) -> None:
        world.provider = world.made(send_customer_email=True)
        world.sandbox.state.users.append(ProviderUser(USER, "podero", external, "anna@example.com", role))
        made = world.provider.ensure_user(an_account(), email="anna@example.com")
        assert made != USER
        assert world.sandbox.state.users[-1].email == f"{PSEUDONYM}@devices.example"

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

    @pytest.mark.parametrize(
        ("expires_in", "life"),
        [
            (36000, 35940),
            (36000.0, 35940),
            ("36000", 35940),
            (" 3600.5 ", 3540.5),
            (10**400, 24 * 3600),
            (60, 0),
            ("30", 0),
            (None, 300),
            (0, 300),
            ("0", 300),
            (-5, 300),
            ("-5", 300),
            (True, 300),
            ("", 300),
            ("soon", 300),
            ("nan", 300),
            ("1e999", 300),
            (float("nan"), 300),
            (float("inf"), 300),
            ([3600], 300),
        ],
    )
    def test_a_token_is_kept_until_a_minute_before_its_end_or_briefly_where_nobody_says_when_that_is(
        self, expires_in: object, life: float
    ) -> None:
        assert life_of(expires_in) == life

    def test_a_token_that_names_no_end_is_kept_all_the_same(
        self, world: PoderoWorld, serve: Callable[..., Scripted]
    ) -> None:
        assert self.fetches(world, serve, {}) == 1
        assert self.fetches(world, serve, {"expires_in": "36000"}) == 1

    def test_a_token_that_ends_within_a_minute_is_not_kept(
        self, world: PoderoWorld, serve: Callable[..., Scripted]
    ) -> None:
        assert self.fetches(world, serve, {"expires_in": 60}) == 2

    def fetches(self, world: PoderoWorld, serve: Callable[..., Scripted], granted: dict[str, object]) -> int:
        """How often the token is fetched for two calls."""
        server = serve(
            lambda r: reply(200, {"access_token": "t", **granted}) if r.path.endswith("/auth/token") else reply(200, [])
        )
        world.provider = world.made(base=server.url)
        world.account = an_account(provider_user_id=USER)
        for _ in range(2):
            world.provider.list_devices(world.account, frozenset({DeviceType.CHARGER}))
        return len([r for r in server.received if r.path.endswith("/auth/token")])

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
