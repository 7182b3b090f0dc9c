"""Everything that can be said about the code without running the product."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
TYPED = ("portal", "tools", "tests/support", "tests/conftest.py", "wsgi.py")
NO_CACHE = "--cache-dir=/dev/null"  # mypy's memory of a module that was missing outlives the module's arrival
STAGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("format", ("ruff", "format", "--check", "--quiet", ".")),
    ("lint", ("ruff", "check", "--quiet", ".")),
    ("types", ("mypy", "--strict", NO_CACHE, *(name for name in TYPED if (ROOT / name).exists()))),
    ("templates", ("djlint", "--lint", "--quiet", "templates")),
    ("strings", ("python", "tools/strings.py", "check")),
    ("house", ("pytest", "-q", "tests/house")),
)


def main() -> int:
    """Run every stage, also after one failed, and say which did."""
    failed = [name for name, command in STAGES if not passes(name, command)]
    if failed:
        print(f"check: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def passes(name: str, command: tuple[str, ...]) -> bool:
    """Run one stage; its own words are shown only where it fails."""
    if name == "templates" and not any((ROOT / "templates").rglob("*.html")):
        return True  # djlint takes an empty folder for a mistake
    started = time.monotonic()
    done = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    verdict = "ok" if done.returncode == 0 else "FAILED"
    print(f"check: {name:10} {verdict}  {time.monotonic() - started:.1f} s", flush=True)
    if done.returncode != 0:
        print(done.stdout + done.stderr, flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
