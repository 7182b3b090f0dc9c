"""NOX's answer is unsigned and passes through the browser: whatever it says, only the provider's word counts."""

import json
import string
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.domain.link_session import State
from portal.sandbox.program import RunningSandbox
from tests.stories import strangers
from tests.stories.strangers import DAIKIN
from tests.support.live import Installation
from tests.support.person import Person

Make = Callable[..., Person]
Claims = dict[str, Any]


@pytest.fixture(scope="module")
def running(running_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with strangers.english_portal(running_sandbox, tmp_path_factory.mktemp("answers")) as live:
        yield live


@pytest.fixture
def anna(live: Installation, person: Make) -> Person:
    anna = person()
    anna.sign_in("anna")
    return anna


@pytest.fixture
def genuine(live: Installation, anna: Person) -> str:
    """Anna has signed in at her vendor, and this is where her browser is about to go."""
    return strangers.sign_in_there(anna, strangers.leave(anna, DAIKIN), DAIKIN)


def changed(**claims: Any) -> Callable[[Claims], str]:
    return lambda genuine: strangers.as_data({**genuine, **claims})


def without(name: str) -> Callable[[Claims], str]:
    return lambda genuine: strangers.as_data({key: value for key, value in genuine.items() if key != name})


def raw(write: Callable[[str], str | bytes]) -> Callable[[Claims], str]:
    """The document as text, changed and encoded again."""

    def forge(genuine: Claims) -> str:
        written = write(json.dumps(genuine))
        return strangers.as_data(written if isinstance(written, bytes) else written.encode())

    return forge


def spelled(write: Callable[[str], str]) -> Callable[[Claims], str]:
    """The encoded answer, changed."""
    return lambda genuine: write(strangers.as_data(genuine))


REFUSED: dict[str, Callable[[Claims], str]] = {
    "another pseudonym": changed(supplier_user_id="f" * 32),
    "a pseudonym in capitals": lambda g: strangers.as_data({**g, "supplier_user_id": g["supplier_user_id"].upper()}),
    "a pseudonym and a space": lambda g: strangers.as_data({**g, "supplier_user_id": g["supplier_user_id"] + " "}),
    "a pseudonym cut short": lambda g: strangers.as_data({**g, "supplier_user_id": g["supplier_user_id"][:-1]}),
    "an empty pseudonym": changed(supplier_user_id=""),
    "a pseudonym of null": changed(supplier_user_id=None),
    "a pseudonym of true": changed(supplier_user_id=True),
    "pseudonyms in a list": lambda g: strangers.as_data({**g, "supplier_user_id": [g["supplier_user_id"]]}),
    "no pseudonym": without("supplier_user_id"),
    "no user": without("nox_user_id"),
    "an empty user": changed(nox_user_id=""),
    "a user of null": changed(nox_user_id=None),
    "a user of 0": changed(nox_user_id=0),
    "a user with a path": changed(nox_user_id="../users/1"),
    "a user with a query": changed(nox_user_id="x&user_id=y"),
    "a user with a line break": changed(nox_user_id="x\r\nx-api-key: y"),
    "a user with markup": changed(nox_user_id="<script>alert(1)</script>"),
    "a user too long": changed(nox_user_id="u" * 129),
    "devices as text": changed(device_ids="nox-1"),
    "devices of null": changed(device_ids=None),
    "devices in an object": changed(device_ids={"0": "nox-1"}),
    "a device that is a number": changed(device_ids=[1]),
    "a device that is a list": changed(device_ids=[["nox-1"]]),
    "an empty device": changed(device_ids=[""]),
    "a device with markup": changed(device_ids=["<img src=x>"]),
    "fifty-one devices": changed(device_ids=[f"nox-{number}" for number in range(51)]),
    "connected never": changed(connected_at=0),
    "connected at a fraction": changed(connected_at=1.5),
    "connected as text": lambda g: strangers.as_data({**g, "connected_at": str(g["connected_at"])}),
    "connected far off": changed(connected_at=10**30),
    "connected at true": changed(connected_at=True),
    "a brand of 7": changed(brand=7),
    "too deep": changed(deep=[[[[[[]]]]]]),
    "much too deep": raw(lambda text: text[:-1] + ', "deep": ' + "[" * 900 + "]" * 900 + "}"),
    "too long": changed(brand="b" * 4000),
    "a name twice": raw(lambda text: text[:-1] + ', "brand": "x"}'),
    "not a number": raw(lambda text: text[:-1] + ', "x": NaN}'),
    "endless": raw(lambda text: text[:-1] + ', "x": 1e999}'),
    "a list": raw(lambda text: f"[{text}]"),
    "a text": raw(json.dumps),
    "half of it": raw(lambda text: text[: len(text) // 2]),
    "something behind it": raw(lambda text: text + text),
    "a mark before it": raw(lambda text: b"\xef\xbb\xbf" + text.encode()),
    "in another encoding": raw(lambda text: text.encode("utf-16")),
    "not text at all": raw(lambda _: bytes(range(128, 256))),
    "with a line break": spelled(lambda data: data[:8] + "\n" + data[8:]),
    "with a space": spelled(lambda data: data[:8] + "%20" + data[8:]),
    "in an alphabet of its own": spelled(lambda data: data + "~~"),
    "in full-width letters": spelled(lambda data: chr(ord(data[0]) + 0xFEE0) + data[1:]),
    "with a zero": spelled(lambda data: data + "%00"),
    "one letter short": spelled(lambda data: data[:-1]),
    "twice": spelled(lambda data: f"{data}&data={data}"),
    "one letter": lambda _: "e",
    "an empty object": lambda _: strangers.as_data({}),
}


def test_there_are_enough_of_them() -> None:
    assert len(REFUSED) >= 40


def test_an_answer_that_is_not_as_nox_writes_it_is_refused_and_the_genuine_one_wins(
    live: Installation, anna: Person, genuine: str
) -> None:
    claims = strangers.data_in(genuine)
    for name, forge in REFUSED.items():
        strangers.arrive(anna, f"{live.url}/return/nox?data={forge(claims)}")
        assert strangers.stands(live)[0][0] is State.DEPARTED, name
    assert anna.look(f"/link-sessions/{strangers.attempts(live)[0].id}").status == 200
    assert live.devices() == ()
    wins(live, anna, genuine)


def test_whatever_an_answer_says_the_genuine_one_wins(live: Installation, anna: Person, genuine: str) -> None:
    """What may stand in an answer in any mixture, its customer's own words among them, but never the device's id."""
    claims = strangers.data_in(genuine)
    names = st.sampled_from([claims["supplier_user_id"], claims["nox_user_id"], "nox-1", "", "é", "x" * 200])
    values = st.one_of(
        names, st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.lists(names, max_size=4)
    )
    keys = st.sampled_from([*claims, "error", "is_admin", "__proto__"])
    mixed = st.dictionaries(keys, values, max_size=7).map(lambda told: {**claims, "device_ids": [], **told})
    spelling = st.one_of(mixed.map(strangers.as_data), st.text(string.printable, max_size=80))

    @given(spelling)
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def forge(data: str) -> None:
        answer = anna.get(f"{live.url}/return/nox", params={"data": data}, allow_redirects=False, timeout=10)
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith(("/return", "/link-sessions/"))

    forge()
    anna.look(f"/link-sessions/{strangers.attempts(live)[0].id}")
    assert live.devices() == ()
    wins(live, anna, genuine)


def test_another_customers_user_at_nox_is_refused(live: Installation, person: Make, anna: Person) -> None:
    bela = person()
    bela.sign_in("bela")
    belas = strangers.sign_in_there(bela, strangers.leave(bela, DAIKIN), DAIKIN)
    bela.sees(bela.look(belas).path, lambda seen: live.state_of(seen.path) is State.LINKED)
    theirs = strangers.data_in(belas)
    genuine = strangers.sign_in_there(anna, strangers.leave(anna, DAIKIN), DAIKIN, DAIKIN.other_account)
    own = strangers.data_in(genuine)
    before = live.devices()
    for claims in (
        {**own, "nox_user_id": theirs["nox_user_id"], "device_ids": theirs["device_ids"]},
        {**own, "nox_user_id": theirs["nox_user_id"], "device_ids": []},
        {**theirs, "supplier_user_id": own["supplier_user_id"]},
    ):
        page = anna.look(f"/return/nox?data={strangers.as_data(claims)}")
        assert live.state_of(page.path) is State.DEPARTED
    assert live.devices() == before
    page = anna.look(genuine)
    anna.sees(page.path, lambda seen: live.state_of(seen.path) is State.LINKED)
    assert len({device.customer_id for device in live.devices()}) == 2


def test_a_customer_keeps_the_user_at_nox_they_have(live: Installation, anna: Person) -> None:
    strangers.link(live, anna, DAIKIN)
    genuine = strangers.sign_in_there(anna, strangers.leave(anna, DAIKIN), DAIKIN, DAIKIN.other_account)
    page = anna.look(f"/return/nox?data={changed(nox_user_id='nox_user_of_somebody')(strangers.data_in(genuine))}")
    assert live.state_of(page.path) is State.DEPARTED
    page = anna.look(genuine)
    anna.sees(page.path, lambda seen: live.state_of(seen.path) is State.LINKED)


def wins(live: Installation, anna: Person, genuine: str) -> None:
    page = anna.look(genuine)
    anna.sees(page.path, lambda seen: live.state_of(seen.path) is State.LINKED)
    (device,) = live.devices()
    assert [device.provider_device_id] == strangers.data_in(genuine)["device_ids"]
