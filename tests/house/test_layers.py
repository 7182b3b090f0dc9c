"""Who may import whom."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from tests.support.house import ROOT, project_files, shown


def imported_modules(path: Path) -> set[str]:
    """The modules a file imports, by full name."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def test_every_contract_of_the_house_is_kept() -> None:
    lint = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([str(lint), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[done.stdout.find("Contracts") :] + done.stderr


def test_the_sandbox_knows_nothing_of_the_portal() -> None:
    for path in (ROOT / "portal" / "sandbox").rglob("*.py"):
        ours = {name for name in imported_modules(path) if name.startswith("portal")}
        strangers = {name for name in ours if not name.startswith("portal.sandbox")}
        assert not strangers, f"{shown(path)} imports {strangers}"


def test_only_the_command_line_starts_the_sandbox() -> None:
    for path in project_files(".py"):
        inside = path.is_relative_to(ROOT / "portal" / "sandbox") or not path.is_relative_to(ROOT / "portal")
        if inside or path == ROOT / "portal" / "cli.py":
            continue
        assert not any(name.startswith("portal.sandbox") for name in imported_modules(path)), shown(path)


def test_the_server_entry_reads_settings_and_creates_the_application() -> None:
    entry = ROOT / "wsgi.py"
    ours = {name for name in imported_modules(entry) if name.startswith("portal")} if entry.exists() else set()
    assert all(name.startswith(("portal.app.", "portal.settings.")) for name in ours)
