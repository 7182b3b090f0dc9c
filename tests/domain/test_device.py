"""What a provider's reading changes on a device, and what it leaves alone."""

from dataclasses import replace
from datetime import timedelta

from portal.domain.device import Connection
from tests.domain.test_confirmation import NOW, device, reading

LATER = NOW + timedelta(minutes=5)


def test_what_the_provider_leaves_out_is_kept() -> None:
    named = replace(device(), nickname="Cellar", last_contact_at=NOW)
    after = named.with_reading(reading("pump"), now=LATER)
    assert (after.nickname, after.model, after.last_contact_at) == ("Cellar", "S1255", NOW)
    assert (after.connection, after.read_at, after.observed_at) == (Connection.WORKING, LATER, LATER)


def test_a_new_id_keeps_the_row_and_the_nickname() -> None:
    after = replace(device(), nickname="Cellar").with_reading(reading("new"), now=LATER)
    assert (after.id, after.provider_device_id, after.nickname) == ("ours", "new", "Cellar")


def test_a_provider_that_lags_behind_a_renewal_is_not_believed_at_once() -> None:
    lapsed = reading("pump", Connection.NEEDS_REAUTHENTICATION)
    assert device().with_reading(lapsed, now=LATER, settling=True).connection is Connection.WAITING
    assert device().with_reading(lapsed, now=LATER).connection is Connection.NEEDS_REAUTHENTICATION
    assert device().with_reading(reading("pump"), now=LATER, settling=True).connection is Connection.WORKING


def test_a_device_the_provider_does_not_name_is_unknown_and_raises_no_alarm() -> None:
    gone = replace(device(), connection=Connection.WORKING).missing(now=LATER)
    assert (gone.connection, gone.needs_customer) == (Connection.UNKNOWN, False)
    assert device().needs_customer


def test_a_device_that_is_gone_there_is_off_the_list_and_known_to_be() -> None:
    gone = device().gone_there(now=LATER)
    assert (gone.removed_at, gone.read_at, gone.observed_at) == (LATER, LATER, LATER)
    assert not gone.is_active_as(reading("pump"))


def test_a_device_answers_to_its_id_while_it_is_on_the_list() -> None:
    assert device().is_active_as(reading("pump"))
    assert not device().is_active_as(reading("another"))
    assert not device(removed=True).is_active_as(reading("pump"))


def test_a_device_is_called_by_its_maker_and_model_and_never_by_the_maker_twice() -> None:
    assert device().made == "NIBE S1255"
    assert replace(device(), model="Nibe F730").made == "Nibe F730"
    assert replace(device(), model=None).made == "NIBE"
    assert replace(device(), model=None, vendor_name="").made == ""
