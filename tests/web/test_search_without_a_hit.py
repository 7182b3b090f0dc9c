"""Nobody is told no too early: a maker that we do not know may be on the longer list of a provider."""

import pytest

from tests.web.visitor import Page, Visitor


@pytest.mark.parametrize(
    ("device_type", "maker"),
    [("heat-pump", "stiebel"), ("vehicle", "polestarr"), ("inverter", "kaco"), ("hvac", "zehnder")],
)
def test_a_search_without_a_hit_leads_to_the_list_of_a_provider_first(
    anna: Visitor, device_type: str, maker: str
) -> None:
    other, missing = f"/connect/{device_type}/other", f"/connect/{device_type}/not-listed?vendor={maker}"
    for found in (anna.page(f"/connect/{device_type}?q={maker}"), anna.fragment(f"/connect/{device_type}?q={maker}")):
        assert f"We don’t know “{maker}” here." in found.text
        html = found.html if isinstance(found, Page) else found.text
        assert 0 < html.index(other) < html.index(missing)


def test_who_misses_a_maker_is_led_to_that_list_and_has_typed_it_once(anna: Visitor) -> None:
    page = anna.page("/connect/heat-pump/not-listed?vendor=Stiebel+Eltron")
    assert "/connect/heat-pump/other" in page.links()
    assert 'value="Stiebel Eltron"' in page.html


def test_everyday_words_find_makers(anna: Visitor) -> None:
    assert "/connect/vehicle/volkswagen" in anna.page("/connect/vehicle?q=folkvagn").links()
