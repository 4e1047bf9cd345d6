from __future__ import annotations

from pathlib import Path

import pytest

from alerts.copyingwork import BATCH, copy_documents
from alerts.docfile import DocFile
from alerts.documents import ABSENT, Doc
from citywall.errors import StoreError


def filled(path: Path) -> DocFile:
    store = DocFile(path)
    with store.writing() as writing:
        for n in range(BATCH * 2 + 5):
            case = writing.put(Doc("case", f"c{n}", b'{"n":1}', at=n // 2, refs=(f"host:{n}",)), ABSENT)
        writing.put(case, case.version)
        writing.put(Doc("notice", "1", b"{}", at=7), ABSENT)
        writing.audited = 12
    return store


def test_everything_is_there_and_a_second_time_nothing_changes(tmp_path: Path):
    source, target = filled(tmp_path / "a"), DocFile(tmp_path / "b")
    for _ in range(2):
        assert copy_documents(source, target) == (BATCH * 2 + 6, [])
    assert [d.id for d in target.find("case", ["host:3"])] == ["c3"]
    assert target.get("notice", "1") == source.get("notice", "1")
    with target.writing() as writing:
        assert writing.audited == 12


def test_what_the_target_has_otherwise_stays(tmp_path: Path):
    source, target = filled(tmp_path / "a"), DocFile(tmp_path / "b")
    with target.writing() as writing:
        writing.put(Doc("case", "c1", b'{"n":2}'), ABSENT)
        writing.audited = 99
    assert copy_documents(source, target) == (BATCH * 2 + 5, ["case c1"])
    assert (target.get("case", "c1") or Doc("", "", b"")).body == b'{"n":2}'
    with target.writing() as writing:
        assert writing.audited == 99


def test_nothing_to_copy_makes_nothing_and_loss_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    target = DocFile(tmp_path / "b")
    assert copy_documents(DocFile(tmp_path / "none"), target) == (0, [])
    assert not target.there
    source = filled(tmp_path / "a")
    monkeypatch.setattr(target, "get", lambda kind, doc_id: None)
    with pytest.raises(StoreError, match="did not arrive"):
        copy_documents(source, target)
