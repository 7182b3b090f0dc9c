"""The retailer's one colour: whatever it is, what is made of it can be read."""

import colorsys
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.web import theme

colours = st.integers(min_value=0, max_value=0xFFFFFF).map(lambda number: f"#{number:06x}")

BRANDS = ["#0b6e4f", "#ffd400", "#e8590c", "#0057b8", "#d6006e", "#ff0000", "#00ff00", "#000000", "#ffffff", "#808080"]


def keeps_contrast(scheme: theme.Scheme, ground: str, paper: str) -> None:
    for fill in (scheme.accent, scheme.pressed):
        assert theme.contrast(scheme.on_accent, fill) >= theme.TEXT_CONTRAST
        assert min(theme.contrast(fill, ground), theme.contrast(fill, paper)) >= theme.CONTROL_CONTRAST
    for behind in (ground, paper, scheme.soft):
        assert theme.contrast(scheme.text, behind) >= theme.TEXT_CONTRAST
    assert scheme.pressed != scheme.accent


@given(colours)
def test_any_colour_keeps_contrast_on_light_and_dark_pages(accent: str) -> None:
    made = theme.palette(accent)
    keeps_contrast(made.light, theme.LIGHT_GROUND, theme.LIGHT_PAPER)
    keeps_contrast(made.dark, theme.DARK_GROUND, theme.DARK_PAPER)


@given(colours)
def test_a_retailer_is_warned_exactly_when_its_colour_is_not_used_as_it_is(accent: str) -> None:
    replaced = theme.palette(accent).light.accent != accent
    assert any("too light" in warning for warning in theme.warnings(accent)) == replaced


@pytest.mark.parametrize("accent", BRANDS)
def test_the_hue_of_a_brand_is_kept(accent: str) -> None:
    def hue(colour: str) -> float:
        return colorsys.rgb_to_hls(*(int(colour[place : place + 2], 16) for place in (1, 3, 5)))[0]

    made = theme.palette(accent)
    for colour in (made.light.accent, made.light.text, made.dark.accent, made.dark.text):
        distance = abs(hue(colour) - hue(accent))
        assert min(distance, 1 - distance) < 0.01


def test_a_colour_that_can_be_read_is_left_alone() -> None:
    assert theme.palette("#0B6E4F").light.accent == "#0b6e4f"
    assert theme.warnings("#0B6E4F") == []


def test_a_yellow_and_a_grey_retailer_are_told_what_becomes_of_their_colour() -> None:
    assert len(theme.warnings("#ffd400")) == 1
    assert "grey" in theme.warnings("#555555")[0]


@pytest.mark.parametrize("wrong", ["", "green", "#fff", "0b6e4f", "#0b6e4g", "#0b6e4f;}", "#0b6e4f\n"])
def test_only_a_plain_colour_is_taken(wrong: str) -> None:
    with pytest.raises(ValueError, match="#rrggbb"):
        theme.palette(wrong)


def test_the_style_sheet_holds_nothing_but_custom_properties_for_both_schemes() -> None:
    css = theme.theme_css("#0b6e4f")
    declarations = [line.strip() for line in css.splitlines() if ":" in line and "{" not in line]
    assert len(declarations) == 10
    assert all(line.startswith("--") and line.endswith(";") for line in declarations)
    assert css.count("{") == css.count("}")
    assert "prefers-color-scheme: dark" in css


@pytest.mark.parametrize(("name", "shown"), [("Nordvind", ">N<"), ("&co", ">&amp;<"), ("ökraft", ">Ö<"), ("", "> <")])
def test_the_small_icon_is_the_initial_on_the_accent(name: str, shown: str) -> None:
    drawing = unquote(theme.favicon("#0b6e4f", name))
    assert drawing.startswith("data:image/svg+xml,<svg ")
    assert shown in drawing
    assert "#0b6e4f" in drawing
