from __future__ import annotations

from pathlib import Path

from citywall.settings import load
from console import rulefolder


def test_a_data_folder_with_rules_of_its_own_is_run_with_them(tmp_path: Path):
    plain = load(environment={})
    assert rulefolder.joined(plain, tmp_path).rules.folder == ""
    waiting = rulefolder.joined(plain, tmp_path, waits=True).rules
    assert (waiting.folder, waiting.waiting) == (str(tmp_path / "rules"), True)
    folder = rulefolder.of(tmp_path)
    folder.use(folder.put({"signatures/a.rules": b""}, "x"))
    assert rulefolder.joined(plain, tmp_path).rules.folder == str(tmp_path / "rules")
    assert not waiting.waiting
    none, other = (load(environment={}, assignments=[f"rules.folder={name}"]) for name in ("none", "/other"))
    assert rulefolder.joined(none, tmp_path).rules.folder == ""
    assert rulefolder.joined(other, tmp_path).rules.folder == "/other"


def test_options_stand_for_settings(tmp_path: Path):
    given = rulefolder.overrides([tmp_path / "a.txt"], [])
    assert load(environment={}, assignments=given).rules.indicators == (str(tmp_path / "a.txt"),)
