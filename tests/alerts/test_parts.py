"""Files of an archive: how they are named, kept, found again and let go."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.parts import Parts, cursor, place_of
from citywall.errors import StoreError
from citywall.sessions import Session

DAY = 86_400_000_000_000
START = 1_714_564_800_000_000_000  # 2024-05-01T12:00:00Z


def session(name: str = "s1", received: int = START) -> Session:
    return Session(name, "capture", "office.pcap", 1, "live", received)


def put(parts: Parts, name: str, sequence: int, size: int = 10, received: int = START) -> None:
    parts.put(session(name, received), sequence, lambda out: out.write(b"x" * size))


def test_a_part_written_again_replaces_itself(tmp_path: Path):
    parts = Parts(tmp_path)
    put(parts, "s1", 0)
    put(parts, "s1", 0, size=20)
    assert [p.relative_to(tmp_path).as_posix() for p in parts.paths()] == [
        "live/2024-05-01/12/s1-000000000000.parquet"
    ]
    assert (parts.usage(), parts.count_files(), parts.days()) == (20, 1, {("live", "2024-05-01"): 20})


def test_a_session_is_taken_back_from_a_part_on(tmp_path: Path):
    parts = Parts(tmp_path)
    for sequence in range(3):
        put(parts, "s1", sequence)
    put(parts, "s2", 0)
    assert parts.truncate("s1", 1) == 2
    assert parts.delete_session("s1") == 1
    assert [p.name for p in parts.paths()] == ["s2-000000000000.parquet"]


def test_the_oldest_go_for_time_and_for_room(tmp_path: Path):
    parts = Parts(tmp_path)
    for day in range(4):
        put(parts, f"s{day}", 0, received=START + day * DAY)
    assert [Path(p).name[:2] for p in parts.retain(2, START + 3 * DAY)] == ["s0"]
    assert [Path(p).name[:2] for p in parts.shrink(25)] == ["s1"]
    assert [p.name[:2] for p in parts.paths()] == ["s2", "s3"]


def test_what_was_being_written_is_cleaned_away(tmp_path: Path):
    parts = Parts(tmp_path)
    put(parts, "s1", 0)
    (parts.paths()[0].parent / "s1-000000000001.tmp").write_bytes(b"half")
    assert (parts.clean(), parts.count_files()) == (1, 1)


def test_who_reads_cannot_write_and_names_must_be_names(tmp_path: Path):
    with pytest.raises(StoreError):
        Parts(tmp_path, read_only=True).retain(1, START)
    with pytest.raises(StoreError):
        put(Parts(tmp_path), "../s1", 0)


def test_cursors():
    assert place_of(cursor((-5, 7, "s1"))) == (-5, 7, "s1")
    with pytest.raises(StoreError):
        place_of("somewhere")
