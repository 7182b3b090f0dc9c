"""The project's own files, for the tests that read them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
MADE_BY_TOOLS = {".venv", "var", "build", "dist", "htmlcov", "node_modules"}


def project_files(*suffixes: str) -> list[Path]:
    """The files that are, or would be, in version control; all of them or those of some suffixes."""
    return sorted(path for path in _candidates() if path.is_file() and (not suffixes or path.suffix in suffixes))


def _candidates() -> Iterator[Path]:
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        yield from (ROOT / name for name in listed.stdout.split("\0") if name)
        return
    for path in ROOT.rglob("*"):  # an unpacked archive has no version control
        top = path.relative_to(ROOT).parts[0]
        if top not in MADE_BY_TOOLS and not (top.startswith(".") and path.is_dir()):
            yield path


def shown(path: Path) -> str:
    """A file's name as a person would write it."""
    return str(path.relative_to(ROOT))
