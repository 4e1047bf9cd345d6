from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from alerts import docfile
from alerts.docfile import NAME, DocFile
from alerts.documents import Doc
from citywall.errors import StoreError


def doc(name: str, at: int = 0, refs: tuple[str, ...] = (), kind: str = "case") -> Doc:
    return Doc(kind, name, b"{}", at=at, refs=refs)


@pytest.fixture
def file(tmp_path: Path) -> DocFile:
    return DocFile(tmp_path / "data")


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


def test_a_file_made_before_goes_on(file: DocFile, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = [
        sql.replace("PRIMARY KEY (kind, id)\n    )", "PRIMARY KEY (kind, id)\n    ) WITHOUT ROWID")
        for sql in docfile._TABLES
    ]
    assert tables != list(docfile._TABLES)
    with monkeypatch.context() as patch:
        patch.setattr(file._file, "_tables", tables)
        patch.setattr(file._file, "_page_bytes", 4096)
        with file.writing() as writing:
            writing.put(doc("a", 1, ("x",)), 0)
    with file.writing() as writing:
        writing.put(doc("a", 2, ("y",)), 1)
        writing.renew("case", [doc("b", 3, ("y",))])
    assert [(d.id, d.version) for d in file.find("case", ["y"])] == [("a", 2), ("b", 1)]
    assert [d.id for d in file.page("case")] == ["b", "a"]
    assert file.find("case", ["x"]) == []


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
