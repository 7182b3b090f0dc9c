"""No template carries code or looks of its own: the content security policy would refuse them."""

from __future__ import annotations

import re

import pytest

from tests.support.house import ROOT, project_files, shown

TEMPLATES = [path for path in project_files(".html") if not path.is_relative_to(ROOT / "docs")]
INLINE_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>", re.I)
FORBIDDEN = {
    "an inline script": INLINE_SCRIPT,
    "an inline style": re.compile(r"<style\b|\sstyle\s*=", re.I),
    "an event handler": re.compile(r"\son[a-z]+\s*=\s*[\"']", re.I),
    "a javascript address": re.compile(r"javascript:", re.I),
    "an htmx attribute that is not HTML": re.compile(r"\shx-[a-z-]+"),
    "htmx code that needs eval": re.compile(r"data-hx-on|data-hx-vals\s*=\s*[\"']js:", re.I),
    "markup that is not escaped": re.compile(r"\|\s*safe\b|autoescape\s+false", re.I),
    "something from another server": re.compile(
        r"<(?:script|link|img|iframe)[^>]*(?:src|href)=[\"'](?:https?:)?//", re.I
    ),
}

SHARED = re.compile(r"""\bshared\("([^"]+)"\)""")
PERSONAL = re.compile(r"\b(?:viewer|csrf\w*|session|request|g|target_name|get_flashed_messages)\b")


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_template_holds(what: str) -> None:
    found = [
        f"{shown(path)}: {match[0]}"
        for path in TEMPLATES
        for match in FORBIDDEN[what].finditer(path.read_text(encoding="utf-8"))
    ]
    assert not found


def test_a_piece_that_is_kept_for_everybody_holds_nothing_of_anybody() -> None:
    kept = {name for path in TEMPLATES for name in SHARED.findall(path.read_text(encoding="utf-8"))}
    assert kept
    found = [
        f"{name}: {match[0]}"
        for name in sorted(kept)
        for match in PERSONAL.finditer((ROOT / "templates" / name).read_text(encoding="utf-8"))
    ]
    assert not found
