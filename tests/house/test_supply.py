"""What comes from others is what it was."""

from __future__ import annotations

import hashlib
import json
import re

from tests.support.house import ROOT

VENDOR = ROOT / "static" / "vendor"
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def test_what_the_browser_receives_from_others_has_its_licence_and_its_checksum() -> None:
    listed = json.loads((VENDOR / "vendor.json").read_text(encoding="utf-8"))
    for name, facts in listed.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == facts["sha256"], name
        assert (VENDOR / facts["licence_file"]).is_file(), name
    known = {"vendor.json", *listed, *(facts["licence_file"] for facts in listed.values())}
    assert {path.name for path in VENDOR.iterdir() if path.suffix != ".gz"} == known


def test_every_locked_package_is_pinned_by_version_and_checksum() -> None:
    entries = re.split(r"\n(?=[a-z0-9])", LOCK.strip())
    assert len(entries) > 50
    assert not [entry.splitlines()[0] for entry in entries if "==" not in entry or "--hash=sha256:" not in entry]


def test_the_pip_that_begins_an_installation_is_the_one_the_lock_names() -> None:
    (wheel,) = (ROOT / "tools" / "bootstrap").iterdir()
    assert f"pip=={wheel.name.split('-')[1]} " in LOCK
    assert f"sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}" in LOCK
