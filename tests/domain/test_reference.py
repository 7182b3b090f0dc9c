"""The number that a customer reads out: without letters that look alike, and found however it is typed."""

from portal.domain.reference import ALPHABET, as_typed, reference_of


def test_every_attempt_has_one_number_that_does_not_tell_its_id() -> None:
    numbers = {reference_of(f"attempt-{count}") for count in range(500)}
    assert len(numbers) == 500
    assert reference_of("attempt-1") == reference_of("attempt-1")
    assert all(set(number) <= {*ALPHABET, "-"} and len(number) == 9 for number in numbers)


def test_it_is_understood_in_any_case_and_with_any_spaces() -> None:
    for typed in ("BCDF-2345", "bcdf2345", " bcdf 2345 ", "BCDF 23 45", "bcdf\u20112345"):
        assert as_typed(typed) == "BCDF-2345", typed


def test_names_addresses_and_other_numbers_are_none() -> None:
    for typed in ("", "anna", "anna@example.com", "BCDF-234", "BCDF-23456", "BCDF-234A", "10002000"):
        assert as_typed(typed) is None, typed
