"""When a customer who came back has linked something, and when not."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from portal.domain.catalogue import DeviceType, RouteReason
from portal.domain.confirmation import Verdict, judge
from portal.domain.device import Connection, Device, DeviceReading
from portal.domain.link_session import ArrivalHints, LinkSession, Purpose, Reason, State

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOBODY: frozenset[str] = frozenset()


def reading(device_id: str, connection: Connection = Connection.WORKING, **more: Any) -> DeviceReading:
    return DeviceReading(device_id, DeviceType.HEAT_PUMP, connection, **more)


def device(provider_device_id: str = "pump", *, removed: bool = False) -> Device:
    return Device(
        id="ours",
        customer_id="anna",
        provider_key="podero",
        provider_device_id=provider_device_id,
        device_type=DeviceType.HEAT_PUMP,
        vendor_key="nibe",
        vendor_name="NIBE",
        model="S1255",
        nickname=None,
        connection=Connection.NEEDS_REAUTHENTICATION,
        last_contact_at=None,
        linked_at=NOW,
        read_at=NOW,
        observed_at=NOW,
        removed_at=NOW if removed else None,
    )


def attempt(*named: str, purpose: Purpose = Purpose.LINK) -> LinkSession:
    return LinkSession(
        id="attempt",
        customer_id="anna",
        purpose=purpose,
        provider_key="podero",
        device_type=DeviceType.HEAT_PUMP,
        vendor_key="nibe",
        vendor_code=None,
        language="sv",
        route_reason=RouteReason.ONLY_OFFER,
        state=State.ARRIVED,
        created_at=NOW,
        expires_at=NOW,
        device_id="ours" if purpose is Purpose.REAUTHENTICATE else None,
        hints=ArrivalHints(device_ids=named),
    )


RENEWAL = Purpose.REAUTHENTICATE


def verdict(
    of: LinkSession, *readings: DeviceReading, known: tuple[Device, ...] = (), held: frozenset[str] = NOBODY
) -> Verdict:
    return judge(of, readings=readings, known=known, held=held)


def test_a_device_that_the_return_names_and_the_provider_holds_is_linked() -> None:
    assert verdict(attempt("pump"), reading("pump"), reading("other")).linked == (reading("pump"),)


def test_a_device_that_only_the_return_names_is_waited_for() -> None:
    assert verdict(attempt("pump"), reading("other")).state is State.WAITING


def test_a_return_that_names_nothing_links_nothing_however_new_the_providers_list_is() -> None:
    assert verdict(attempt(), reading("old"), reading("new")).state is State.WAITING


def test_a_device_removed_earlier_may_be_linked_again_though_the_provider_never_forgot_it() -> None:
    again = verdict(attempt("pump"), reading("pump"), known=(device(removed=True),))
    assert again.linked == (reading("pump"),)


def test_a_device_that_a_strangers_return_named_is_never_linked() -> None:
    assert verdict(attempt("pump"), reading("pump"), held=frozenset({"pump"})).state is State.WAITING
    assert verdict(attempt(), reading("pump"), held=frozenset({"pump"})).state is State.WAITING


def test_a_reconnected_device_is_healthy_again_under_its_own_id() -> None:
    assert verdict(attempt("pump", purpose=RENEWAL), reading("pump"), known=(device(),)).linked == (reading("pump"),)


def test_a_provider_that_does_not_say_how_the_device_is_does_not_stand_in_the_way() -> None:
    unknown = reading("pump", Connection.UNKNOWN)
    assert verdict(attempt(purpose=RENEWAL), unknown, known=(device(),)).state is State.LINKED


def test_a_device_still_lapsed_after_the_return_is_waited_for() -> None:
    lapsed = reading("pump", Connection.NEEDS_REAUTHENTICATION)
    assert verdict(attempt("pump", purpose=RENEWAL), lapsed, known=(device(),)).state is State.WAITING


def test_a_device_that_came_back_under_a_new_id_is_the_same_device_where_its_mark_says_so() -> None:
    renamed = reading("new", vendor_name="Nibe", model="S1255", mark="0042")
    marked = replace(device(), mark="0042")
    assert verdict(attempt("new", purpose=RENEWAL), renamed, known=(marked,)).linked == (renamed,)


def test_a_customer_is_asked_where_nothing_tells_whether_it_is_the_same_device() -> None:
    renamed = reading("new", vendor_name="Nibe", model="S1255")
    asked = verdict(attempt("new", purpose=RENEWAL), renamed, known=(device(),))
    assert (asked.state, asked.reason, asked.other) == (State.FAILED, Reason.WHICH_DEVICE, (renamed,))


def test_a_device_that_is_on_the_list_already_is_another_one_whatever_it_is_called() -> None:
    villa = replace(device(), nickname="Villa", mark="0042")
    other = replace(villa, id="other", provider_device_id="second", connection=Connection.WORKING)
    back = reading("second", vendor_name="NIBE", model="S1255", nickname="Villa", mark="0042")
    assert verdict(attempt("second", purpose=RENEWAL), back, known=(villa, other)).reason is Reason.OTHER_ACCOUNT


def test_a_provider_that_is_silent_on_the_device_does_not_make_another_account_a_success() -> None:
    silent = reading("pump", Connection.UNKNOWN)
    wrong = verdict(attempt("second", purpose=RENEWAL), silent, reading("second"), known=(device(),))
    assert (wrong.state, wrong.reason) == (State.FAILED, Reason.OTHER_ACCOUNT)


def test_the_wrong_vendor_account_is_noticed_beside_the_device_that_is_still_lapsed() -> None:
    lapsed = reading("pump", Connection.NEEDS_REAUTHENTICATION)
    wrong = verdict(attempt("second", purpose=RENEWAL), lapsed, reading("second"), known=(device(),))
    assert (wrong.state, wrong.reason, wrong.other) == (
        State.FAILED,
        Reason.OTHER_ACCOUNT,
        (reading("second"),),
    )


def test_a_different_model_under_a_new_id_is_the_wrong_account() -> None:
    other_model = reading("new", vendor_name="NIBE", model="F730")
    assert verdict(attempt("new", purpose=RENEWAL), other_model, known=(device(),)).reason is Reason.OTHER_ACCOUNT


def test_a_different_kind_of_device_under_a_new_id_is_the_wrong_account() -> None:
    inverter = replace(reading("new"), device_type=DeviceType.INVERTER)
    assert verdict(attempt("new", purpose=RENEWAL), inverter, known=(device(),)).reason is Reason.OTHER_ACCOUNT


def test_a_renewal_of_a_device_nobody_knows_any_more_fails() -> None:
    assert verdict(attempt(purpose=RENEWAL), reading("pump")).state is State.FAILED


def test_a_device_that_is_the_customers_anyway_counts_although_another_browser_named_it() -> None:
    again = verdict(attempt("pump", purpose=RENEWAL), reading("pump"), known=(device(),), held=frozenset({"pump"}))
    assert again.linked == (reading("pump"),)


def test_a_device_the_customer_once_had_does_not_count_where_a_strangers_return_named_it() -> None:
    removed = (device(removed=True),)
    assert verdict(attempt("pump"), reading("pump"), known=removed, held=frozenset({"pump"})).state is State.WAITING


def test_a_device_removed_while_its_renewal_was_under_way_is_not_brought_back() -> None:
    assert verdict(attempt("pump", purpose=RENEWAL), reading("pump"), known=(device(removed=True),)).linked == ()


def test_the_customer_is_asked_about_each_of_several_devices_that_may_be_it() -> None:
    two = (reading("one", model="S1255"), reading("two", model="S1255"))
    wrong = verdict(attempt("one", "two", purpose=RENEWAL), *two, known=(device(),))
    assert (wrong.reason, wrong.other) == (Reason.WHICH_DEVICE, two)


def test_several_devices_of_another_account_are_all_shown_to_the_customer() -> None:
    two = (reading("one", model="F1155"), reading("two", model="F1155"))
    wrong = verdict(attempt("one", "two", purpose=RENEWAL), *two, known=(device(),))
    assert (wrong.reason, wrong.other) == (Reason.OTHER_ACCOUNT, two)
