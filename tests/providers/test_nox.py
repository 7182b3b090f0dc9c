"""NOX, by the contract and by its own traps."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.domain.catalogue import DeviceType
from portal.domain.device import Connection, DeviceReading
from portal.providers.http import Gateway
from portal.providers.nox import Nox, NoxConfig
from portal.providers.protocol import ProviderRefused, UnexpectedAnswer
from tests.providers.contract import PSEUDONYM, ProviderContract, World, an_account, gateway
from tests.providers.scripted import Received, Scripted, reply

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CLAIMED = {
    "nox_user_id": "nox_user_1",
    "supplier_user_id": PSEUDONYM,
    "brand": "nibe",
    "device_ids": ["nox-1", "nox-2"],
    "connected_at": 1795262400,
}


class NoxWorld(World):
    key = "nox"
    device_type = DeviceType.HEAT_PUMP
    vendor = "daikin"
    vendor_code = "daikin"

    def made(self, *, base: str | None = None, door: Gateway | None = None, **changes: Any) -> Nox:
        sandbox = self.sandbox.config
        config = {
            "auth_url": f"{base or sandbox.url + '/nox'}/v2",
            "api_url": base or sandbox.url,
            "api_key": sandbox.nox_api_key,
            "connect_hosts": (sandbox.host,),
        }
        return Nox(NoxConfig(**{**config, **changes}), door or gateway())

    def opened(self, url: object) -> dict[str, object]:
        return {"link_url": url, "link_token": "t", "supplier_user_id": PSEUDONYM}

    @property
    def connect_url(self) -> str:
        return f"{self.sandbox.url}/nox/ui?token=x"


class TestNox(ProviderContract):
    world_class = NoxWorld


class TestNoxInverters(ProviderContract):
    class InverterWorld(NoxWorld):
        device_type = DeviceType.INVERTER
        vendor = "solaredge"
        vendor_code = "solaredge"

    world_class = InverterWorld


@pytest.fixture
def world(running_sandbox: Any) -> NoxWorld:
    sandbox, portal = running_sandbox
    sandbox.state.reset()
    return NoxWorld(sandbox, portal)


def encoded(document: object) -> str:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class TestLink:
    def sent(self, world: NoxWorld, serve: Callable[..., Scripted], **departing: Any) -> list[Received]:
        server = serve(lambda _: reply(201, world.opened(world.connect_url)))
        world.provider = world.made(base=server.url)
        world.provider.begin_link(world.departing(**departing), now=NOW)
        return server.received

    def test_the_type_and_the_language_are_always_said(self, world: NoxWorld, serve: Callable[..., Scripted]) -> None:
        (request,) = self.sent(world, serve, language="sv", vendor_code=None)
        assert request.json == {
            "user_id": PSEUDONYM,
            "redirect_url": f"{world.portal.url}/return/nox",
            "asset_type": "hp",
            "language": "en",
        }
        assert request.path == "/v2/supplier/link-sessions"
        assert request.headers["x-api-key"] == world.sandbox.config.nox_api_key

    def test_an_inverter_of_a_vendor_is_preselected(self, world: NoxWorld, serve: Callable[..., Scripted]) -> None:
        (request,) = self.sent(world, serve, language="nl", vendor_code="sma", device_type=DeviceType.INVERTER)
        assert (request.json["asset_type"], request.json["brand"], request.json["language"]) == ("pv", "sma", "nl")

    def test_a_vendor_that_nox_files_elsewhere_is_asked_there(self, world: NoxWorld) -> None:
        departure = world.leave(vendor_code="sma")
        assert departure.connect_url.startswith(world.sandbox.url)
        assert [call["status"] for call in world.sandbox.state.calls["nox"]] == [400, 201]

    def test_a_400_without_a_vendor_is_not_repeated(self, world: NoxWorld, serve: Callable[..., Scripted]) -> None:
        server = serve(lambda _: reply(400, {"error": "Missing required fields"}))
        world.provider = world.made(base=server.url)
        with pytest.raises(ProviderRefused):
            world.provider.begin_link(world.departing(vendor_code=None), now=NOW)
        assert len(server.received) == 1

    def test_a_session_of_another_user_is_an_alarm(self, world: NoxWorld, serve: Callable[..., Scripted]) -> None:
        answer = {**world.opened(world.connect_url), "supplier_user_id": "somebody"}
        world.provider = world.made(base=serve(lambda _: reply(201, answer)).url)
        with pytest.raises(UnexpectedAnswer):
            world.provider.begin_link(world.departing(), now=NOW)

    @pytest.mark.parametrize(
        ("stated", "ends"),
        [
            (int(NOW.timestamp()) + 300, NOW + timedelta(minutes=5)),
            (int(NOW.timestamp()) - 1, NOW + timedelta(minutes=10)),
            (int(NOW.timestamp()) + 86400, NOW + timedelta(minutes=10)),
            (None, NOW + timedelta(minutes=10)),
            ("soon", NOW + timedelta(minutes=10)),
            (True, NOW + timedelta(minutes=10)),
            (10**30, NOW + timedelta(minutes=10)),
        ],
    )
    def test_a_link_ends_when_nox_says_if_that_is_likely(
        self, world: NoxWorld, serve: Callable[..., Scripted], stated: object, ends: datetime
    ) -> None:
        answer = {**world.opened(world.connect_url), "expires_at": stated}
        world.provider = world.made(base=serve(lambda _: reply(201, answer)).url)
        assert world.provider.begin_link(world.departing(), now=NOW).expires_at == ends

    def test_linking_again_replaces_the_device_and_is_declared(self, world: NoxWorld) -> None:
        (first,) = world.walk(world.leave()).device_ids
        (second,) = world.walk(world.leave()).device_ids
        assert first != second
        assert [reading.provider_device_id for reading in world.readings()] == [second]
        assert world.device_type in world.provider.traits.replaces_on_link


class TestDevices:
    def served(self, world: NoxWorld, serve: Callable[..., Scripted], answering: Any) -> Scripted:
        server = serve(answering)
        world.provider = world.made(base=server.url)
        world.account = an_account(provider_user_id="nox_user_1")
        return server

    @pytest.mark.parametrize("user", [None, ""])
    def test_without_a_user_id_nothing_is_asked(
        self, world: NoxWorld, serve: Callable[..., Scripted], user: str | None
    ) -> None:
        server = self.served(world, serve, lambda _: reply(200, {"data": []}))
        world.account = an_account(provider_user_id=user)
        assert world.readings() == ()
        assert not server.received

    def test_every_page_is_read_and_what_is_another_customers_dropped(
        self, world: NoxWorld, serve: Callable[..., Scripted]
    ) -> None:
        def answering(request: Received) -> bytes:
            page = int(request.query.get("next_token", ["0"])[0])
            rows = [
                {"device_id": f"d-{page}", "user_id": "nox_user_1"},
                {"device_id": f"x-{page}", "user_id": "nox_user_2"},
                {"device_id": f"y-{page}"},
                "junk",
            ]
            return reply(200, {"data": rows, "meta": {"next_token": str(page + 1) if page < 2 else None}})

        server = self.served(world, serve, answering)
        readings = world.provider.list_devices(world.account, frozenset({DeviceType.INVERTER}))
        assert [reading.provider_device_id for reading in readings] == ["d-0", "d-1", "d-2"]
        assert {request.path for request in server.received} == {"/v1/devices/pv"}
        assert all(request.query["user_id"] == ["nox_user_1"] for request in server.received)

    @pytest.mark.parametrize("token", ["same", None])
    def test_pages_that_do_not_end_end_with_what_was_read_and_nothing_is_called_missing(
        self, world: NoxWorld, serve: Callable[..., Scripted], token: object
    ) -> None:
        row = {"device_id": "nox-1", "user_id": "nox_user_1", "needs_reauthentication": False}
        server = self.served(
            world,
            serve,
            lambda r: reply(
                200, {"data": [row], "meta": {"next_token": token or r.query.get("next_token", [""])[0] + "x"}}
            ),
        )
        readings = world.provider.read_known(world.account, {"nox-1": world.device_type, "nox-2": world.device_type})
        assert {(reading.provider_device_id, reading.unread) for reading in readings} == {
            ("nox-1", False),
            ("nox-2", True),
        }
        assert len(server.received) <= 40

    @pytest.mark.parametrize("token", [False, True, ["list"], 0, "", None])
    def test_a_cursor_that_is_none_is_the_end(
        self, world: NoxWorld, serve: Callable[..., Scripted], token: object
    ) -> None:
        server = self.served(world, serve, lambda _: reply(200, {"data": [], "meta": {"next_token": token}}))
        assert world.provider.read_known(world.account, {"nox-2": world.device_type}) == ()
        assert len(server.received) == 1

    @pytest.mark.parametrize("body", [[], {"data": {}}, {"data": None}, {}, "x", None])
    def test_a_list_that_is_none_is_an_alarm(
        self, world: NoxWorld, serve: Callable[..., Scripted], body: object
    ) -> None:
        self.served(world, serve, lambda _: reply(200, body))
        with pytest.raises(UnexpectedAnswer):
            world.readings()

    def test_a_list_that_is_not_found_is_not_an_empty_one(
        self, world: NoxWorld, serve: Callable[..., Scripted]
    ) -> None:
        self.served(world, serve, lambda _: reply(404, {"message": "not found"}))
        with pytest.raises(ProviderRefused):
            world.readings()

    def reading(self, world: NoxWorld, serve: Callable[..., Scripted], row: dict[str, object]) -> DeviceReading:
        known = {"device_id": "d", "user_id": "nox_user_1", "country": "NL"}
        rows = [{**known, **row}, {**known, **row, "device_id": "../x"}]
        self.served(world, serve, lambda _: reply(200, {"data": rows, "meta": {}}))
        (reading,) = world.provider.list_devices(world.account, frozenset({DeviceType.HEAT_PUMP}))
        return reading

    @pytest.mark.parametrize(
        ("needs", "connection"),
        [
            (True, Connection.NEEDS_REAUTHENTICATION),
            (False, Connection.WORKING),
            (None, Connection.UNKNOWN),
            ("true", Connection.UNKNOWN),
            (1, Connection.UNKNOWN),
        ],
    )
    def test_only_a_plain_yes_or_no_is_believed(
        self, world: NoxWorld, serve: Callable[..., Scripted], needs: object, connection: Connection
    ) -> None:
        assert self.reading(world, serve, {"needs_reauthentication": needs}).connection is connection

    @pytest.mark.parametrize(
        ("brand", "name", "code"),
        [
            ("SMA", "SMA", "sma"),
            ("SolarEdge", "SolarEdge", "solaredge"),
            ("saunier duval", "Saunier Duval", "saunier-duval"),
            ("mitsubishi", "Mitsubishi Electric", "mitsubishi"),
            ("Unheard Of", "Unheard Of", "unheard-of"),
            (7, None, None),
        ],
    )
    def test_a_vendor_has_one_name_however_nox_spells_it(
        self, world: NoxWorld, serve: Callable[..., Scripted], brand: object, name: str | None, code: str | None
    ) -> None:
        reading = self.reading(world, serve, {"brand": brand})
        assert (reading.vendor_name, reading.vendor_code) == (name, code)
        assert (reading.country, reading.model) == ("NL", None)

    def test_a_sparse_row_is_neutral(self, world: NoxWorld) -> None:
        world.walk(world.leave())
        world.choose(device_row_fields="sparse")
        (reading,) = world.readings()
        assert reading.connection is Connection.UNKNOWN


GOLDEN: list[tuple[str, str]] = [
    ("not base64", "a+b/"),
    ("blank inside", encoded(CLAIMED)[:8] + " " + encoded(CLAIMED)[8:]),
    ("junk that a lax decoder skips", encoded(CLAIMED)[:8] + "!" + encoded(CLAIMED)[8:]),
    ("impossible length", encoded(CLAIMED)[: len(encoded(CLAIMED)) // 4 * 4 + 1] if len(encoded(CLAIMED)) % 4 else "A"),
    ("not canonical", "e31"),
    ("one character", "A"),
    ("too long", encoded({**CLAIMED, "brand": "x" * 4096})),
    ("deep", encoded(b"[" * 1500 + b"]" * 1500)),
    ("very deep", encoded(b"[" * 3000)),
    ("five deep", encoded({**CLAIMED, "x": [[[[[1]]]]]})),
    ("a name twice", encoded(b'{"nox_user_id":"a","nox_user_id":"b","supplier_user_id":"c"}')),
    ("NaN", encoded(b'{"nox_user_id":"a","supplier_user_id":"c","x":NaN}')),
    ("Infinity", encoded(b'{"nox_user_id":"a","supplier_user_id":"c","x":-Infinity}')),
    ("overflow", encoded(b'{"nox_user_id":"a","supplier_user_id":"c","x":1e999}')),
    ("huge number", encoded(b'{"nox_user_id":"a","supplier_user_id":"c","connected_at":' + b"9" * 3000 + b"}")),
    ("latin-1", encoded('{"brand":"é"}'.encode("latin-1"))),
    ("BOM", encoded(b"\xef\xbb\xbf" + json.dumps(CLAIMED).encode())),
    ("UTF-16", encoded(json.dumps(CLAIMED).encode("utf-16"))),
    ("list", encoded([CLAIMED])),
    ("string", encoded("x")),
    ("null", encoded(None)),
    ("empty object", encoded({})),
    ("no user", encoded({k: v for k, v in CLAIMED.items() if k != "nox_user_id"})),
    ("no supplier user", encoded({k: v for k, v in CLAIMED.items() if k != "supplier_user_id"})),
    ("user of another type", encoded({**CLAIMED, "nox_user_id": 7})),
    ("user with a path", encoded({**CLAIMED, "nox_user_id": "../../x"})),
    ("user with a line break", encoded({**CLAIMED, "nox_user_id": "x\n"})),
    ("empty user", encoded({**CLAIMED, "nox_user_id": ""})),
    ("endless user", encoded({**CLAIMED, "nox_user_id": "x" * 129})),
    ("supplier user in a list", encoded({**CLAIMED, "supplier_user_id": [PSEUDONYM]})),
    ("ids as text", encoded({**CLAIMED, "device_ids": "nox-1"})),
    ("ids null", encoded({**CLAIMED, "device_ids": None})),
    ("ids in an object", encoded({**CLAIMED, "device_ids": {"a": "b"}})),
    ("an id that is a number", encoded({**CLAIMED, "device_ids": [1]})),
    ("an id that is markup", encoded({**CLAIMED, "device_ids": ["<script>"]})),
    ("fifty-one ids", encoded({**CLAIMED, "device_ids": [f"d{n}" for n in range(51)]})),
    ("brand of another type", encoded({**CLAIMED, "brand": 7})),
    ("time as text", encoded({**CLAIMED, "connected_at": "1795262400"})),
    ("time as truth", encoded({**CLAIMED, "connected_at": True})),
    ("time as fraction", encoded({**CLAIMED, "connected_at": 1.5})),
    ("time null", encoded({**CLAIMED, "connected_at": None})),
    ("time before time", encoded({**CLAIMED, "connected_at": -1})),
    ("time after time", encoded({**CLAIMED, "connected_at": 2**40})),
]


class TestArrival:
    def read(self, data: list[str]) -> Any:
        return Nox(NoxConfig("https://a.example/v2", "https://b.example", "k", ()), gateway()).read_arrival(
            "", {"data": data}
        )

    def test_the_documented_answer_is_read(self) -> None:
        hints = self.read([encoded(CLAIMED)])
        assert hints.device_ids == ("nox-1", "nox-2")
        assert (hints.provider_user_id, hints.pseudonym) == ("nox_user_1", PSEUDONYM)
        assert hints.connected_at == datetime.fromtimestamp(1795262400, UTC)
        assert not hints.cancelled
        assert not hints.unreadable

    @pytest.mark.parametrize(
        "spelt",
        [
            base64.urlsafe_b64encode(json.dumps({**CLAIMED, "x": "?>?>~~"}).encode()).decode(),
            base64.b64encode(json.dumps({**CLAIMED, "x": "?>?>~~"}).encode()).decode(),
            base64.b64encode(json.dumps({**CLAIMED, "x": "?>?>~~"}).encode()).decode().rstrip("="),
            base64.b64encode(json.dumps({**CLAIMED, "x": "?>?>~~"}).encode()).decode().replace("+", " "),
        ],
    )
    def test_other_spellings_of_base64_are_read_as_well(self, spelt: str) -> None:
        assert self.read([spelt]).device_ids == ("nox-1", "nox-2")

    def test_what_may_be_missing_may_be_missing(self) -> None:
        hints = self.read([encoded({"nox_user_id": "a", "supplier_user_id": "b", "new": {"x": [1.5]}})])
        assert (hints.provider_user_id, hints.device_ids, hints.connected_at) == ("a", (), None)

    def test_fifty_ids_are_read_and_named_once_each(self) -> None:
        ids = [f"d{number}" for number in range(49)]
        assert len(self.read([encoded({**CLAIMED, "device_ids": [*ids, "d0"]})]).device_ids) == 49

    @pytest.mark.parametrize("data", [vector for _, vector in GOLDEN], ids=[name for name, _ in GOLDEN])
    def test_a_forged_answer_is_unreadable(self, data: str) -> None:
        hints = self.read([data])
        assert hints.unreadable
        assert (hints.device_ids, hints.provider_user_id, hints.pseudonym) == ((), None, None)

    def test_two_answers_are_none(self) -> None:
        assert self.read([encoded(CLAIMED), encoded(CLAIMED)]).unreadable

    @pytest.mark.parametrize("data", [[], [""]])
    def test_no_answer_is_a_cancelled_link(self, data: list[str]) -> None:
        assert self.read(data).cancelled

    def test_an_error_is_a_cancelled_link(self, world: NoxWorld) -> None:
        world.choose(cancel_form="error")
        assert world.turn_back(world.leave()).cancelled

    @given(st.binary(max_size=200) | st.text(alphabet='{}[]",:0123456789eE.-nultrfas\\d', max_size=200).map(str.encode))
    @settings(max_examples=500, deadline=None)
    def test_whatever_is_packed_in_is_read_without_trouble(self, raw: bytes) -> None:
        hints = self.read([encoded(raw) or "A"])
        assert hints.unreadable

    @given(
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
            lambda children: (
                st.lists(children, max_size=4) | st.dictionaries(st.sampled_from([*CLAIMED, "x"]), children, max_size=6)
            ),
            max_leaves=20,
        )
    )
    @settings(max_examples=500, deadline=None)
    def test_only_well_formed_claims_become_hints(self, document: object) -> None:
        hints = self.read([encoded(document)])
        assert hints.unreadable or (hints.provider_user_id and hints.pseudonym)
