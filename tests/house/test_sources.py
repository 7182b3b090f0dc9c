"""What every source file owes its reader."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.house import ROOT, project_files, shown

LONGEST_MODULE = 300
LONGEST_TEST_MODULE = 400
LONGEST_FUNCTION = 50
ATTICS = {"utils", "util", "helpers", "helper", "common", "misc"}
UNFINISHED = ("TODO", "FIXME", "XXX", "HACK")
UNWANTED = {
    "names a package registry": re.compile(
        r"py[p]i[.]org|python[h]osted|registry[.]np[m]js|np[m]js[.]org|index-url|/simple/", re.IGNORECASE
    ),
    "leaves work behind": re.compile(rf"\b({'|'.join(UNFINISHED)})\b"),
    "exempts a line without rule and reason": re.compile(
        r"#\s*(noqa(?!: [A-Z]+\d+\W+\w)|type: ignore(?!\[[a-z-]+\]\W+\w))"
    ),
}
# Named here because they hold the rules or fetch on purpose through the registries' own clients.
ABOUT_THE_RULES = {"tests/house/test_sources.py", "tools/lock.py", "CONTRIBUTING.md"}

PYTHON = project_files(".py")
TEXTS = [path for path in project_files() if path.suffix not in {".png", ".webp", ".ico", ".whl", ".woff2", ".jpg"}]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def size(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a function."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_a_module_and_its_functions_can_be_read_in_one_sitting() -> None:
    found = []
    for path in PYTHON:
        if "migrations" in path.parts:
            continue
        lines = path.read_text(encoding="utf-8").count("\n")
        allowed = LONGEST_TEST_MODULE if path.is_relative_to(ROOT / "tests") else LONGEST_MODULE
        found += [f"{shown(path)}: {lines} lines"] if lines > allowed else []
        found += [
            f"{shown(path)}: {function.name} has {size(function)} lines"
            for function in functions(path)
            if size(function) > LONGEST_FUNCTION
        ]
    assert not found


def test_a_module_says_what_it_is_for() -> None:
    silent = []
    for path in PYTHON:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        silent += [shown(path)] if tree.body and not ast.get_docstring(tree) else []
    assert not silent


def test_imports_stand_at_the_top_of_a_module() -> None:
    hidden = [
        f"{shown(path)}:{node.lineno}"
        for path in PYTHON
        for function in functions(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not hidden


def test_there_is_no_attic() -> None:
    names = {part for path in PYTHON for part in (*path.relative_to(ROOT).parts[:-1], path.stem)}
    assert not names & ATTICS


def test_a_package_file_is_one_line_on_its_purpose() -> None:
    for path in PYTHON:
        if path.name == "__init__.py":
            assert len(ast.parse(path.read_text(encoding="utf-8")).body) <= 1, shown(path)


@pytest.mark.parametrize("what", UNWANTED)
def test_no_file(what: str) -> None:
    found = [
        f"{shown(path)}: {match[0]}"
        for path in TEXTS
        if shown(path) not in ABOUT_THE_RULES and not path.is_relative_to(ROOT / "static" / "vendor")
        for match in UNWANTED[what].finditer(path.read_text(encoding="utf-8"))
    ]
    assert not found


def test_what_tools_make_and_operators_keep_stays_out_of_version_control() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/.venv/", "/var/", "*.mo", "__pycache__/", ".env"} <= set(ignored)
    kept = [shown(path) for path in project_files() if path.suffix in {".mo", ".pyc", ".sqlite3"}]
    assert not kept
