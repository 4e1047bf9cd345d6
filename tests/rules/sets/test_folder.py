from __future__ import annotations

from pathlib import Path

import pytest

from citywall.errors import DataFolderError, UsageError
from rules.sets.choices import Choice
from rules.sets.folder import INDICATORS, KEPT, SIGNATURES, RuleFolder


@pytest.fixture
def folder(tmp_path: Path) -> RuleFolder:
    made = RuleFolder(tmp_path / "rules")
    made.use(made.put({"signatures/a.rules": b"a", "indicators/i.txt": b"i"}, "one"))
    return made


def test_a_version_counts_once_it_is_used(folder: RuleFolder):
    stamp = folder.stamp()
    version = folder.put({"signatures/b.rules": b"b"}, "two")
    assert (folder.current().number, folder.stamp()) == (1, stamp)
    folder.use(version)
    assert folder.stamp() != stamp
    assert [path.name for path in folder.files(folder.current(), SIGNATURES)] == ["a.rules", "b.rules"]
    assert [path.read_bytes() for path in folder.files(folder.current(), INDICATORS)] == [b"i"]


def test_what_did_not_change_is_there_once(folder: RuleFolder):
    version = folder.put({"signatures/a.rules": b"a"}, "again")
    first, second = (folder.home(n) / "signatures/a.rules" for n in (1, version.number))
    assert first.samefile(second)
    assert version.digest == folder.version(1).digest
    changed = folder.put({"signatures/a.rules": b"b"}, "other")
    assert changed.digest != version.digest
    assert first.read_bytes() == b"a"


def test_replacing_leaves_other_kinds(folder: RuleFolder):
    version = folder.put({"signatures/b.rules": b"b"}, "x", keep=False)
    assert sorted(version.files) == ["indicators/i.txt", "signatures/b.rules"]


def test_choices_go_along(folder: RuleFolder):
    folder.use(folder.choose((Choice(False, "5"),), "disable 5"))
    assert folder.put({"signatures/b.rules": b"b"}, "two").choices == (Choice(False, "5"),)


def test_old_versions_go(folder: RuleFolder):
    for i in range(KEPT + 3):
        folder.use(folder.put({"signatures/b.rules": str(i).encode()}, "x"))
    assert len(folder.numbers()) == KEPT
    assert folder.current().number == folder.numbers()[-1]


def test_what_is_wrong_is_said(tmp_path: Path, folder: RuleFolder):
    with pytest.raises(UsageError, match="holds no rules yet"):
        RuleFolder(tmp_path / "none").current()
    folder.drop(folder.put({"signatures/b.rules": b"b"}, "x"))
    assert folder.numbers() == [1]
    (folder.path / "current").write_text("[]")
    with pytest.raises(DataFolderError, match="was changed"):
        folder.current()
    (tmp_path / "file").write_text("")
    with pytest.raises(DataFolderError, match="cannot be written"):
        RuleFolder(tmp_path / "file").put({"signatures/b.rules": b"b"}, "x")


def test_a_version_that_somebody_else_makes_is_not_touched(
    folder: RuleFolder, monkeypatch: pytest.MonkeyPatch
):
    theirs = folder.put({"signatures/b.rules": b"b"}, "theirs")
    monkeypatch.setattr(folder, "numbers", lambda: [1])  # seen before theirs was there
    with pytest.raises(DataFolderError, match="exists"):
        folder.put({"signatures/c.rules": b"c"}, "ours")
    assert (folder.home(theirs.number) / "signatures/b.rules").read_bytes() == b"b"
