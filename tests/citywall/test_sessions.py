"""A session is its input and its settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from citywall.errors import InputError
from citywall.sessions import file_digest, session_id


def test_same_bytes_same_digest(tmp_path: Path):
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_bytes(b"x" * 100)
    b.write_bytes(b"x" * 100)
    assert file_digest(a) == file_digest(b)
    b.write_bytes(b"x" * 99 + b"y")
    assert file_digest(a) != file_digest(b)


@pytest.mark.parametrize("at", [0, 1 << 20, (3 << 20) - 1])
def test_large_files_are_sampled_at_both_ends_and_between(tmp_path: Path, at: int):
    data = bytearray(6 << 20)
    path = tmp_path / "large"
    path.write_bytes(data)
    before = file_digest(path)
    data[at if at != (3 << 20) - 1 else -1] = 1
    path.write_bytes(data)
    assert file_digest(path) != before


def test_missing_file(tmp_path: Path):
    with pytest.raises(InputError, match="No such file"):
        file_digest(tmp_path / "absent")


def test_ids_differ_by_every_part():
    base = session_id("capture", "live", "d", "s")
    assert base != session_id("flowlog", "live", "d", "s")
    assert base != session_id("capture", "drill", "d", "s")
    assert base != session_id("capture", "live", "e", "s")
    assert base != session_id("capture", "live", "d", "t")
    assert len(base) == 16
