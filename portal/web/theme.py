"""The retailer's one accent colour, made into colours that can be read, on light pages and on dark ones."""

import colorsys
import re
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote

TEXT_CONTRAST = 4.5
CONTROL_CONTRAST = 3.0
"""What WCAG 2 asks for text, and for the shapes of controls."""

WHITE, BLACK = "#ffffff", "#000000"
LIGHT_GROUND, LIGHT_PAPER = "#f5f6f3", "#ffffff"
DARK_GROUND, DARK_PAPER = "#0f1613", "#18211d"
"""The fixed surfaces of static/portal.css that the accent must stand out from."""

DARK_ACCENT_CONTRAST = 7.5
"""On a dark page a colour that just passes looks dull, so the accent is lifted well beyond what is needed."""

STEP = 0.005


@dataclass(frozen=True, slots=True)
class Scheme:
    """The accent's colours on a light or a dark page: the fill of controls, text upon it, the fill while pressed,
    a quiet ground for icons, and the accent as text on every ground.
    """

    accent: str
    on_accent: str
    pressed: str
    soft: str
    text: str


@dataclass(frozen=True, slots=True)
class Palette:
    """Both schemes of one accent colour."""

    light: Scheme
    dark: Scheme


def palette(accent: str) -> Palette:
    """The colours derived from `accent` (#rrggbb). Raises ValueError where it is not such a colour."""
    given = normalised(accent)
    return Palette(_light(given), _dark(given))


@cache
def theme_css(accent: str) -> str:
    """The style sheet that puts a retailer's colours over the fallbacks of portal.css: custom properties only."""
    colours = palette(accent)
    return (
        f":root {{\n{_properties(colours.light)}}}\n"
        f"@media screen and (prefers-color-scheme: dark) {{\n:root {{\n{_properties(colours.dark)}}}\n}}\n"
    )


def warnings(accent: str) -> list[str]:
    """What a retailer should know of their colour before customers see it."""
    given = normalised(accent)
    found = []
    used = palette(given).light.accent
    if used != given:
        ratio = contrast(given, WHITE)
        found.append(
            f"The accent colour {given} is too light for white text on it "
            f"({ratio:.1f}:1, {TEXT_CONTRAST}:1 is needed): light pages use {used} instead."
        )
    if _saturation(given) < 0.1:
        found.append(f"The accent colour {given} is nearly grey: links and buttons will hardly stand out from text.")
    return found


@cache
def favicon(accent: str, retailer_name: str) -> str:
    """A data: URI of the tile with the retailer's initial, as it stands in the page's head."""
    scheme = palette(accent).light
    initial = (retailer_name.strip() or " ")[0].upper()
    letter = {"&": "&amp;", "<": "&lt;"}.get(initial, initial)
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        f'<rect width="32" height="32" rx="8" fill="{scheme.accent}"/>'
        f'<text x="16" y="22.5" text-anchor="middle" fill="{scheme.on_accent}" font-family="system-ui,sans-serif" '
        f'font-weight="700" font-size="18">{letter}</text></svg>'
    )
    return "data:image/svg+xml," + quote(drawing, safe="")


def normalised(accent: str) -> str:
    """`accent` in lower case. Raises ValueError where it is not #rrggbb."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", accent):
        raise ValueError("an accent colour is written #rrggbb")
    return accent.lower()


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours as WCAG 2 computes it, 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _light(given: str) -> Scheme:
    accent = _moved(given, -STEP, (WHITE,), TEXT_CONTRAST)
    lightness = _lightness(accent)
    pressed = _with_lightness(accent, lightness - 0.07 if lightness > 0.14 else lightness + 0.12)
    soft = _mixed(accent, LIGHT_PAPER, 0.11)
    text = _moved(accent, -STEP, (soft, LIGHT_GROUND, LIGHT_PAPER), TEXT_CONTRAST)
    return Scheme(accent, WHITE, pressed, soft, text)


def _dark(given: str) -> Scheme:
    accent = _moved(_muted(given), STEP, (DARK_GROUND, DARK_PAPER), DARK_ACCENT_CONTRAST)
    on_accent = _moved(_with_lightness(given, 0.09), -STEP, (accent,), TEXT_CONTRAST)
    lightness = _lightness(accent)
    pressed = _with_lightness(accent, lightness + 0.08 if lightness < 0.88 else lightness - 0.12)
    soft = _mixed(accent, DARK_GROUND, 0.18)
    text = _moved(accent, STEP, (soft, DARK_GROUND, DARK_PAPER), TEXT_CONTRAST)
    return Scheme(accent, on_accent, pressed, soft, text)


def _properties(scheme: Scheme) -> str:
    return (
        f"  --accent: {scheme.accent};\n  --on-accent: {scheme.on_accent};\n  --accent-pressed: {scheme.pressed};\n"
        f"  --accent-soft: {scheme.soft};\n  --accent-text: {scheme.text};\n"
    )


def _moved(colour: str, step: float, grounds: tuple[str, ...], wanted: float) -> str:
    """The nearest colour of the same hue, darker or lighter by steps, that keeps `wanted` on all the grounds."""
    hue, lightness, saturation = _hls(colour)
    while any(contrast(colour, ground) < wanted for ground in grounds):
        lightness += step
        if not 0 < lightness < 1:
            return WHITE if step > 0 else BLACK
        colour = _hex(colorsys.hls_to_rgb(hue, lightness, saturation))
    return colour


def _muted(colour: str) -> str:
    """The colour a little less saturated: a bright one glares on a dark page."""
    hue, lightness, saturation = _hls(colour)
    return _hex(colorsys.hls_to_rgb(hue, lightness, saturation * 0.7))


def _with_lightness(colour: str, lightness: float) -> str:
    hue, _, saturation = _hls(colour)
    return _hex(colorsys.hls_to_rgb(hue, min(max(lightness, 0.0), 1.0), saturation))


def _mixed(colour: str, ground: str, share: float) -> str:
    pairs = zip(_rgb(colour), _rgb(ground), strict=True)
    red, green, blue = (share * one + (1 - share) * other for one, other in pairs)
    return _hex((red, green, blue))


def _luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _lightness(colour: str) -> float:
    return _hls(colour)[1]


def _saturation(colour: str) -> float:
    return _hls(colour)[2]


def _hls(colour: str) -> tuple[float, float, float]:
    return colorsys.rgb_to_hls(*_rgb(colour))


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def _hex(rgb: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in rgb)
