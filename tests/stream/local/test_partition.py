from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.errors import DataFolderError, StreamError
from stream.local import partition as module
from stream.local.partition import PartitionLog

MUCH = 1 << 30


def values(log: PartitionLog, offset: int = 0) -> list[bytes | None]:
    return [r.value for r in log.read(offset, MUCH, MUCH)]


def fill(folder: Path, messages: list[bytes], segment_bytes: int = 1 << 20) -> None:
    log = PartitionLog(folder, segment_bytes=segment_bytes)
    for m in messages:
        log.append(b"k", m, 0.0)
    log.close()


def last_segment(folder: Path) -> Path:
    return max(folder.glob("*.log"))


def test_reads_what_was_appended_also_before_it_is_on_disk(tmp_path: Path):
    log = PartitionLog(tmp_path)
    assert [log.append(None, bytes([i]), 0.0) for i in range(5)] == [0, 1, 2, 3, 4]
    assert values(log) == [b"\0", b"\1", b"\2", b"\3", b"\4"]
    assert values(log, 3) == [b"\3", b"\4"]
    assert values(log, 5) == []
    log.close()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=40), st.integers(1, 7), st.integers(64, 2000))
def test_any_reading_over_any_segments(tmp_path_factory, messages, most, segment_bytes):
    folder = tmp_path_factory.mktemp("log")
    fill(folder, messages, segment_bytes)
    log = PartitionLog(folder, segment_bytes=segment_bytes)
    assert log.end == len(messages)
    found: list[bytes | None] = []
    while len(found) < len(messages):
        found += [r.value for r in log.read(len(found), most, MUCH)]
        assert log.position_bytes(len(found)) <= log.end_bytes
    assert found == messages
    assert log.position_bytes(log.end) == log.end_bytes
    for offset in range(len(messages)):
        assert values(log, offset) == messages[offset:]
    log.close()


def test_who_reads_close_behind_reads_from_memory(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(module, "_TAIL_BYTES", 420)
    log = PartitionLog(tmp_path)
    for i in range(10):
        log.append(b"k", bytes([i]) * 100, float(i))
    monkeypatch.setattr(log, "_record", None)  # the way to the file
    assert [r.offset for r in log.read(8, MUCH, MUCH)] == [8, 9]
    assert [r.offset for r in log.read(8, 1, MUCH)] == [8]
    assert [r.offset for r in log.read(7, MUCH, 1)] == [7]
    monkeypatch.undo()
    from_file = PartitionLog(tmp_path).read(0, MUCH, MUCH) if log.write() is None else []
    assert log.read(0, MUCH, MUCH) == from_file
    assert log.read(8, MUCH, MUCH) == from_file[8:]


def test_a_tail_torn_at_any_byte_is_mended(tmp_path: Path):
    fill(tmp_path / "whole", [b"first", b"second", b"the last one"])
    whole = last_segment(tmp_path / "whole").read_bytes()
    fill(tmp_path / "two", [b"first", b"second"])
    sound = len(last_segment(tmp_path / "two").read_bytes())
    for cut in range(sound, len(whole)):
        folder = tmp_path / "torn"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(tmp_path / "whole", folder)
        last_segment(folder).write_bytes(whole[:cut])
        log = PartitionLog(folder)
        assert (log.end, log.mended) == (2, cut - sound)
        assert log.append(None, b"again", 0.0) == 2
        assert values(log) == [b"first", b"second", b"again"]
        log.close()
        assert values(PartitionLog(folder)) == [b"first", b"second", b"again"]


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=1, max_size=80))
def test_noise_behind_the_last_record_is_cut_off(tmp_path_factory, noise):
    folder = tmp_path_factory.mktemp("log")
    fill(folder, [b"one", b"two"])
    with last_segment(folder).open("ab") as f:
        f.write(noise)
    log = PartitionLog(folder)
    assert (log.end, log.mended) == (2, len(noise))
    log.close()


def test_a_tail_of_zeros_as_a_power_cut_leaves_it(tmp_path: Path):
    fill(tmp_path, [b"one"])
    with last_segment(tmp_path).open("ab") as f:
        f.write(bytes(4096))
    assert PartitionLog(tmp_path).end == 1


def test_damage_below_what_was_synced_is_not_mended(tmp_path: Path):
    fill(tmp_path, [b"one", b"two", b"three"])
    path = last_segment(tmp_path)
    data = bytearray(path.read_bytes())
    data[40] ^= 1  # in the second record
    path.write_bytes(data)
    with pytest.raises(StreamError, match=rf"{path} at byte \d+: damaged"):
        PartitionLog(tmp_path, durable=3)
    assert PartitionLog(tmp_path, durable=1).end == 1


def test_damage_in_an_older_segment_is_met_when_read(tmp_path: Path):
    fill(tmp_path, [b"a" * 100, b"b" * 100, b"c" * 100], segment_bytes=150)
    path = min(tmp_path.glob("*.log"))
    data = bytearray(path.read_bytes())
    data[60] ^= 1
    path.write_bytes(data)
    log = PartitionLog(tmp_path, segment_bytes=150)
    with pytest.raises(StreamError, match="record 0 is damaged"):
        values(log)
    assert values(log, 1) == [b"b" * 100, b"c" * 100]


def test_retention_deletes_segments_wholly_below(tmp_path: Path):
    fill(tmp_path, [bytes([i]) * 100 for i in range(10)], segment_bytes=300)
    log = PartitionLog(tmp_path, segment_bytes=300)
    assert len(list(tmp_path.glob("*.log"))) == 5  # two records in each
    before, total = log.kept_bytes, log.end_bytes
    assert values(log)[0] == b"\0" * 100
    freed = log.drop_before(5)
    assert freed == before - log.kept_bytes > 0
    assert log.end_bytes == total
    assert log.start == 4
    assert sorted(int(p.stem) for p in tmp_path.glob("*.log")) == [4, 6, 8]
    assert values(log) == [bytes([i]) * 100 for i in range(4, 10)]
    log.drop_before(100)
    assert log.start == 8  # the last segment stays
    assert PartitionLog(tmp_path).end == 10


def test_no_space_left_is_said_and_nothing_half_written_is_kept(tmp_path: Path, monkeypatch):
    log = PartitionLog(tmp_path)
    log.append(None, b"sound", 0.0)
    log.write()
    written = os.writev

    def full(fd: int, pieces: list[bytes]) -> int:
        if len(b"".join(pieces)) > 20:
            return written(fd, [b"".join(pieces)[:20]])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "writev", full)
    log.append(None, b"x" * 15, 0.0)
    with pytest.raises(DataFolderError, match="no space left"):
        log.write()
    with pytest.raises(DataFolderError, match="no space left"):
        log.append(None, b"more", 0.0)
    log.close()
    monkeypatch.undo()
    again = PartitionLog(tmp_path)
    assert values(again) == [b"sound"]
    assert again.mended == 40  # of 47 bytes


def held(folder: Path, **options: int) -> PartitionLog:
    log = PartitionLog(folder, **options)
    log.hold = True
    return log


def test_what_is_released_before_it_was_written_never_is(tmp_path: Path):
    log = held(tmp_path)
    for i in range(6):
        log.append(None, bytes([i]), 0.0)
    log.release(4)
    assert (log.forgone, log.written) == (4, 0)
    assert values(log, 4) == [b"\4", b"\5"]
    log.write()
    assert log.written == 6
    log.release(6)  # these stand in the file
    assert log.forgone == 4
    assert log.position_bytes(6) == log.end_bytes
    log.append(None, b"more", 0.0)
    log.close()  # whoever wrote it has not committed: it says it again
    again = PartitionLog(tmp_path, durable=6, committed=4)
    assert values(again, 4) == [b"\4", b"\5"]
    assert (again.start, again.end) == (0, 6)
    again.drop_before(6)
    assert [p.name for p in tmp_path.iterdir()] == [f"{4:020d}.gap"]
    again.close()


def test_behind_a_gap_that_the_reader_has_not_passed_nothing_counts(tmp_path: Path):
    log = held(tmp_path)
    log.append(None, b"first", 0.0)
    log.write()
    for i in range(4):
        log.append(None, bytes([i]), 0.0)
    log.release(3)
    log.write()
    log.close()
    again = held(tmp_path, durable=5, committed=1)
    assert (again.end, again.written) == (1, 1)
    assert again.append(None, b"said again", 0.0) == 1
    again.write()
    assert values(again) == [b"first", b"said again"]
    again.close()
    assert values(PartitionLog(tmp_path, durable=2, committed=2)) == [b"first", b"said again"]


def test_numbers_go_on_behind_what_the_reader_committed(tmp_path: Path):
    log = held(tmp_path)
    for _ in range(5):
        log.append(None, b"x", 0.0)
    log.release(5)
    log.write()
    log.close()
    again = held(tmp_path, committed=5)
    assert values(again, 5) == []
    assert again.append(None, b"new", 0.0) == 5
    again.write()
    again.close()
    assert values(PartitionLog(tmp_path, committed=5), 5) == [b"new"]


def test_too_much_is_written_although_it_is_held(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(module, "_HELD_BYTES", 1000)
    monkeypatch.setattr(module, "_TAIL_BYTES", 300)
    log = held(tmp_path, segment_bytes=500)
    sent = [bytes([i]) * 90 for i in range(30)]
    for message in sent:
        log.append(None, message, 0.0)
    assert log.written > 20
    found: list[bytes | None] = []
    while len(found) < len(sent):
        found += values(log, len(found))
        log.release(len(found))
    assert found == sent
    log.close()
