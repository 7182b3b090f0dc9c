"""What browser tests share: axe-core and the reading of its verdict."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def read_axe() -> str:
    """The source of axe-core, from the package that carries a copy."""
    package = importlib.util.find_spec("axe_playwright_python")
    assert package is not None
    assert package.origin is not None
    return (Path(package.origin).parent / "axe.min.js").read_text(encoding="utf-8")


def assert_accessible(page: Page, axe_source: str) -> None:
    """Demand that axe-core finds nothing to complain about on the page as it is now."""
    page.evaluate(axe_source)  # not a script tag: the content security policy rightly refuses those
    violations = page.evaluate(
        "values => axe.run(document, {runOnly: {type: 'tag', values}}).then(result => result.violations)",
        RULES,
    )
    found = [
        f"{violation['id']}: {violation['help']}\n    " + "\n    ".join(node["html"] for node in violation["nodes"])
        for violation in violations
    ]
    assert not found, f"{page.url} is not accessible:\n  " + "\n  ".join(found)
