from __future__ import annotations

import io
import sqlite3
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citywall.errors import DataFolderError, InputError
from trust.backup.making import make
from trust.backup.restoring import attempt, restore


@pytest.fixture
def backup(data: Path, tmp_path: Path) -> Path:
    make(data, tmp_path / "b.tar.gz", packets=True)
    return tmp_path / "b.tar.gz"


def test_everything_is_there_again(data: Path, backup: Path, tmp_path: Path):
    told = restore(backup, tmp_path / "new" / "data")
    for piece in told.manifest.pieces:
        if not piece.name.endswith(".sqlite"):
            assert (tmp_path / "new" / "data" / piece.name).read_bytes() == (data / piece.name).read_bytes()
    for name in ("desk.sqlite", "alerts/live/2026-11-29.sqlite"):
        rows = [
            sqlite3.connect(at / name).execute("SELECT * FROM t").fetchall()
            for at in (data, tmp_path / "new" / "data")
        ]
        assert rows[0] == rows[1]
    assert (told.databases, told.records) == (2, 2)
    assert not (tmp_path / "new" / "data" / "citywall-backup.json").exists()


def test_only_where_nothing_is(data: Path, backup: Path, tmp_path: Path):
    with pytest.raises(DataFolderError, match="is not empty"):
        restore(backup, data)
    (tmp_path / "empty").mkdir()
    restore(backup, tmp_path / "empty")
    assert (tmp_path / "empty" / "desk.sqlite").exists()


def test_to_try_leaves_nothing(backup: Path, tmp_path: Path):
    before = sorted(tmp_path.iterdir())
    assert attempt(backup, tmp_path).sha256
    assert sorted(tmp_path.iterdir()) == before


def changed(member: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo(member)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is no backup"),
        (b"not a tar at all" * 100, "is no backup"),
        (changed("../up", b"x"), "is not the name of a file"),
        (changed("/etc/shadow", b"x"), "is not the name of a file"),
        (changed("a", b"x"), "has no manifest"),
        (changed("citywall-backup.json", b"{"), "cannot be read"),
        (
            changed("citywall-backup.json", b'{"form":9,"version":"","made":"","settled":true,"pieces":[]}'),
            "form 9",
        ),
    ],
)
def test_what_is_no_backup(content: bytes, reason: str, tmp_path: Path):
    (tmp_path / "b").write_bytes(content)
    with pytest.raises(InputError, match=reason):
        restore(tmp_path / "b", tmp_path / "new")
    assert [p.name for p in tmp_path.iterdir()] == ["b"]


def test_no_file(tmp_path: Path):
    with pytest.raises(InputError, match="No such file"):
        attempt(tmp_path / "none", tmp_path)


def test_links_are_refused(tmp_path: Path):
    with tarfile.open(tmp_path / "b", "w") as tar:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(link)
    with pytest.raises(InputError, match="'link' is not the name"):
        restore(tmp_path / "b", tmp_path / "new")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.floats(0, 1, exclude_max=True), flip=st.integers(0, 255))
def test_a_byte_changed_or_the_end_cut_is_found(at: float, flip: int, data: Path, tmp_path: Path):
    plain = tmp_path / "plain.tar"
    if not plain.exists():
        make(data, plain)
    whole = plain.read_bytes()
    place = int(at * len(whole))
    rest = bytes([whole[place] ^ flip]) + whole[place + 1 :] if flip else b""
    (tmp_path / "bad").write_bytes(whole[:place] + rest)
    try:
        told = attempt(tmp_path / "bad", tmp_path)
    except InputError:
        return
    # Padding and a member's owner or time are not what was kept: what was, is as it was.
    assert told.manifest == attempt(plain, tmp_path).manifest


def test_a_damaged_database_and_a_damaged_log_are_found(data: Path, tmp_path: Path):
    (log,) = (data / "audit").glob("*.jsonl")
    log.write_bytes(log.read_bytes().replace(b"case:7", b"case:8"))
    make(data, tmp_path / "b")
    with pytest.raises(InputError, match="its audit log"):
        attempt(tmp_path / "b", tmp_path)
    log.unlink()
    broken = data / "drills" / "x.db"
    broken.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    make(data, tmp_path / "b")
    with pytest.raises(InputError, match=r"x\.db: the database is damaged"):
        attempt(tmp_path / "b", tmp_path)
