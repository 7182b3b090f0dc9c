"""What all processes together know of the calls to a provider."""

from __future__ import annotations

from datetime import timedelta

from portal.domain.provider_health import Bucket
from portal.storage import provider_calls
from portal.storage.database import Database
from tests.storage.made import LATER, NOW, SOON, all_at_once

TEN_SECONDS = timedelta(seconds=10)


def test_calls_of_the_same_ten_seconds_are_added_up(database: Database) -> None:
    with database.write() as tx:
        provider_calls.add(tx, Bucket("podero", NOW, 3, 1, 900))
        provider_calls.add(tx, Bucket("podero", NOW, 2, 2, 16_000))
        provider_calls.add(tx, Bucket("nox", NOW, 1, 0, 40))
        provider_calls.add(tx, Bucket("podero", NOW + TEN_SECONDS, 1, 0, 50))
    with database.read() as tx:
        assert provider_calls.since(tx, NOW) == (
            Bucket("nox", NOW, 1, 0, 40),
            Bucket("podero", NOW, 5, 3, 16_900),
            Bucket("podero", NOW + TEN_SECONDS, 1, 0, 50),
        )
        assert provider_calls.since(tx, NOW + TEN_SECONDS) == (Bucket("podero", NOW + TEN_SECONDS, 1, 0, 50),)


def test_processes_that_write_at_once_lose_no_call(database: Database) -> None:
    def write(_number: int) -> None:
        for provider_key in ("nox", "podero"):
            with database.write() as tx:
                provider_calls.add(tx, Bucket(provider_key, NOW, 1, 1, 3_000_000_000))

    all_at_once(8, write)
    with database.read() as tx:
        assert [bucket.calls for bucket in provider_calls.since(tx, NOW)] == [8, 8]
        assert {bucket.milliseconds for bucket in provider_calls.since(tx, NOW)} == {24_000_000_000}


def test_a_pause_is_never_cut_short_by_another_process(database: Database) -> None:
    with database.write() as tx:
        provider_calls.pause(tx, "podero", SOON)
        provider_calls.pause(tx, "podero", NOW)
        provider_calls.pause(tx, "nox", SOON)
        provider_calls.pause(tx, "nox", LATER)
    with database.read() as tx:
        assert provider_calls.pauses(tx, NOW) == {"nox": LATER, "podero": SOON}


def test_a_pause_that_is_over_is_none(database: Database) -> None:
    with database.write() as tx:
        provider_calls.pause(tx, "podero", SOON)
    with database.read() as tx:
        assert provider_calls.pauses(tx, SOON) == {}


def test_what_is_old_is_cleared_away(database: Database) -> None:
    with database.write() as tx:
        provider_calls.add(tx, Bucket("podero", NOW, 1, 0, 40))
        provider_calls.add(tx, Bucket("podero", SOON, 2, 0, 80))
        provider_calls.pause(tx, "podero", NOW)
        provider_calls.pause(tx, "nox", SOON)
        provider_calls.purge(tx, SOON)
        assert provider_calls.since(tx, NOW) == (Bucket("podero", SOON, 2, 0, 80),)
        assert provider_calls.pauses(tx, NOW - TEN_SECONDS) == {"nox": SOON}
