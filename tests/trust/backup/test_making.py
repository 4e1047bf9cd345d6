from __future__ import annotations

import hashlib
import io
import sqlite3
import stat
import tarfile
from pathlib import Path

import pytest

from citywall.errors import DataFolderError
from citywall.permissions import Identity, Target
from trust.audit import AuditLog, entry
from trust.backup import making, restoring
from trust.backup.making import Hashed, make


def test_only_its_owner_may_read_it_and_the_manifest_is_last(data: Path, tmp_path: Path):
    made, digest = make(data, tmp_path / "b.tar", clock=lambda: 0)
    assert digest == hashlib.sha256((tmp_path / "b.tar").read_bytes()).hexdigest()
    assert stat.S_IMODE((tmp_path / "b.tar").stat().st_mode) == 0o600
    with tarfile.open(tmp_path / "b.tar") as tar:
        names = tar.getnames()
    assert names[-1] == "citywall-backup.json"
    assert sorted(names[:-1]) == [piece.name for piece in made.pieces]
    assert made.made.startswith("1970-01-01T00:00:00")
    assert made.settled
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.tar", "data"]


def test_while_somebody_writes(data: Path, tmp_path: Path):
    """A transaction that is under way is not in it; the log's line that is being written is not either."""
    (log,) = (data / "audit").glob("*.jsonl")
    with sqlite3.connect(data / "desk.sqlite") as writing:
        writing.execute("INSERT INTO t VALUES ('not yet')")
        with log.open("ab") as file:
            file.write(b'{"n":3,"ti')
        made, digest = make(data, tmp_path / "b.tgz")
        assert made.settled
    assert digest == hashlib.sha256((tmp_path / "b.tgz").read_bytes()).hexdigest()
    told = restoring.restore(tmp_path / "b.tgz", tmp_path / "new")
    assert (told.databases, told.records) == (2, 2)
    with sqlite3.connect(tmp_path / "new" / "desk.sqlite") as reading:
        assert reading.execute("SELECT count(*) FROM t").fetchone() == (100,)


def test_what_never_rests_is_told(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(making, "_PAUSE_S", 0)
    copied = making._Writer._copied
    with AuditLog(data / "audit") as log:

        def acting(self: making._Writer, name: str, to: str) -> Path:
            log.append(entry(Identity("li", ("analyst",)), "cases.close", Target("case", name)))
            return copied(self, name, to)

        monkeypatch.setattr(making._Writer, "_copied", acting)
        assert not make(data, tmp_path / "b.tar").manifest.settled
    assert restoring.attempt(tmp_path / "b.tar", tmp_path).records > 20


def test_nothing_is_left_where_it_fails(data: Path, tmp_path: Path):
    (data / "desk.sqlite").write_bytes(b"SQLite format 3\0 and no more")
    with pytest.raises(DataFolderError, match=r"desk\.sqlite: cannot be copied"):
        make(data, tmp_path / "b.tar")
    assert [p.name for p in tmp_path.iterdir()] == ["data"]
    with pytest.raises(DataFolderError, match="cannot be written"):
        make(data, tmp_path / "none" / "b.tar")


def test_hashed_reads_on():
    hashed = Hashed(io.BytesIO(b"abc"))
    assert (hashed.read(2), hashed.read()) == (b"ab", b"c")
    assert hashed.digest.startswith("ba7816bf")
