from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from alerts.docfile import NAME, DocFile
from alerts.documents import ABSENT, Doc
from citywall.errors import StoreConflict, StoreError


def doc(name: str, at: int = 0, refs: tuple[str, ...] = (), kind: str = "case") -> Doc:
    return Doc(kind, name, b"{}", at=at, refs=refs)


@pytest.fixture
def file(tmp_path: Path) -> DocFile:
    return DocFile(tmp_path / "data")


def test_nothing_is_there_before_it_is_written(file: DocFile) -> None:
    assert file.get("case", "a") is None
    assert file.find("case", ["x"]) == file.page("case") == []
    assert not file.path.exists()


def test_what_is_written_is_found_by_id_reference_and_time(file: DocFile) -> None:
    with file.writing() as writing:
        writing.put(doc("a", 1, ("x", "y")), ABSENT)
        writing.put(doc("b", 3, ("y",)), ABSENT)
        writing.put(doc("c", 2, ("y",), kind="work"), ABSENT)
        assert [d.id for d in writing.find("case", {"y"})] == ["a", "b"]
    assert [d.id for d in file.find("case", ["x", "y"])] == ["a", "b"]
    assert [d.id for d in file.find("case", ["x", "y"], since=2)] == ["b"]
    assert file.get("work", "a") is None
    newest, oldest = file.page("case")
    assert (newest.id, newest.version, oldest.refs) == ("b", 1, ("x", "y"))
    assert [d.id for d in file.page("case", limit=1, after=(3, "b"))] == ["a"]


def test_references_follow_the_document(file: DocFile) -> None:
    with file.writing() as writing:
        first = writing.put(doc("a", refs=("x", "y")), ABSENT)
        second = writing.put(doc("a", refs=("y", "z")), first.version)
        assert second.version == 2
    assert [file.find("case", [ref]) != [] for ref in "xyz"] == [False, True, True]
    with file.writing() as writing:
        writing.drop("case", "a")
        writing.drop("case", "never")
    assert file.find("case", ["y", "z"]) == []


def test_what_is_renewed_is_as_if_it_had_been_put(file: DocFile) -> None:
    with file.writing() as writing:
        writing.put(doc("a", refs=("x", "y")), ABSENT)
        writing.renew("case", [doc("a", 5, ("y", "z")), doc("b", 6, ("z",))])
        writing.renew("case", [])
    assert [file.find("case", [ref]) != [] for ref in "xyz"] == [False, True, True]
    assert [(d.id, d.version, d.at, d.refs) for d in file.find("case", ["z"])] == [
        ("a", 2, 5, ("y", "z")), ("b", 1, 6, ("z",)),
    ]  # fmt: skip


@pytest.mark.parametrize("version", [0, 2])
def test_who_has_not_seen_the_newest_is_told(file: DocFile, version: int) -> None:
    with file.writing() as writing:
        writing.put(doc("a"), ABSENT)
    with pytest.raises(StoreConflict, match="case a was changed meanwhile"), file.writing() as writing:
        writing.put(doc("a"), version)


def test_all_of_a_transaction_or_nothing(file: DocFile) -> None:
    def half() -> None:
        with file.writing() as writing:
            writing.put(doc("a"), ABSENT)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert file.get("case", "a") is None


def test_what_was_committed_outlives_a_kill(file: DocFile) -> None:
    code = (
        "import os, signal\nfrom pathlib import Path\nfrom alerts.docfile import DocFile\n"
        "from alerts.documents import Doc\n"
        f"file = DocFile(Path({str(file.path.parent)!r}))\n"
        "with file.writing() as w: w.put(Doc('case', 'kept', b'{}'), 0)\n"
        "with file.writing() as w:\n"
        "    w.put(Doc('case', 'lost', b'{}'), 0)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, env=dict(os.environ))
    assert done.returncode == -signal.SIGKILL
    assert [d.id for d in file.page("case")] == ["kept"]


def test_damage_and_another_schema_are_told(file: DocFile) -> None:
    with file.writing() as writing:
        assert writing.audited is None
        writing.audited = 7
    with file.writing() as writing:
        assert writing.audited == 7
    connection = sqlite3.connect(file.path)
    connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(StoreError, match="has schema 9, this version of Citywall reads 1"):
        file.page("case")
    file.path.write_bytes(b"no database" * 100)
    with pytest.raises(StoreError, match=NAME):
        file.page("case")
