from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from citywall.errors import DataFolderBusy, DataFolderError, StreamError
from stream.local import folder as module
from stream.local.folder import LogFolder, replace_file


def opened(root: Path, **options: int) -> LogFolder:
    folder = LogFolder(root, **options)
    folder.create("a", 2)
    return folder


def test_topics_and_commits_survive(tmp_path: Path):
    folder = opened(tmp_path)
    assert folder.create("a") == 2
    assert [folder.append("a", 0, None, b"x", 0.0), folder.append("a", 0, None, b"y", 0.0)] == [0, 1]
    assert folder.committed("g", "a", 0) is None
    asyncio.run(folder.commit("g", {("a", 0): 1}))
    folder.close()
    again = LogFolder(tmp_path)
    assert again.topics == {"a": 2}
    assert again.committed("g", "a", 0) == 1
    assert [r.value for r in again.logs["a", 0].read(0, 9, 99)] == [b"x", b"y"]
    again.close()


def test_one_process_at_a_time(tmp_path: Path):
    folder = opened(tmp_path)
    with pytest.raises(DataFolderBusy):
        LogFolder(tmp_path)
    folder.close()
    LogFolder(tmp_path).close()


def test_offsets_are_replaced_after_the_records_are_on_disk(tmp_path: Path, monkeypatch):
    steps: list[str] = []
    sync, replace = module._sync_all, module.replace_file
    monkeypatch.setattr(module, "_sync_all", lambda fds: (steps.append("sync"), sync(fds)))
    monkeypatch.setattr(module, "replace_file", lambda p, d: (steps.append("replace"), replace(p, d)))
    folder = opened(tmp_path)
    folder.append("a", 1, None, b"x", 0.0)
    asyncio.run(folder.commit("g", {("a", 1): 1}))
    assert steps == ["sync", "replace"]
    folder.close()


def test_a_failed_replacement_leaves_the_offsets_as_they_were(tmp_path: Path, monkeypatch):
    folder = opened(tmp_path)
    folder.append("a", 0, None, b"x", 0.0)
    asyncio.run(folder.commit("g", {("a", 0): 1}))
    folder.append("a", 0, None, b"y", 0.0)

    def broken(_fd: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(module.os, "fsync", broken)
    with pytest.raises(DataFolderError, match="Input/output error"):
        asyncio.run(folder.commit("g", {("a", 0): 2}))
    monkeypatch.undo()
    folder.close()
    again = LogFolder(tmp_path)
    assert again.committed("g", "a", 0) == 1
    again.close()


def test_damaged_offsets_are_refused_at_every_byte(tmp_path: Path):
    folder = opened(tmp_path)
    folder.append("a", 0, None, b"x", 0.0)
    asyncio.run(folder.commit("g", {("a", 0): 1}))
    folder.close()
    path = tmp_path / "offsets.json"
    sound = path.read_bytes()
    for at in range(len(sound)):
        data = bytearray(sound)
        data[at] ^= 1
        path.write_bytes(data)
        with pytest.raises(StreamError, match="damaged"):
            LogFolder(tmp_path)
    path.write_bytes(sound)
    LogFolder(tmp_path).close()


def test_what_was_committed_must_still_be_there(tmp_path: Path):
    folder = opened(tmp_path)
    for _ in range(3):
        folder.append("a", 0, None, b"x", 0.0)
    asyncio.run(folder.commit("g", {("a", 0): 2}))
    folder.close()
    segment = next((tmp_path / "topics/a/0").glob("*.log"))
    segment.write_bytes(segment.read_bytes()[:-1])
    with pytest.raises(StreamError, match="damaged below"):
        LogFolder(tmp_path)


def test_segments_go_when_every_group_has_passed_them(tmp_path: Path):
    folder = opened(tmp_path, segment_bytes=100)
    for i in range(6):
        folder.append("a", 0, None, bytes([i]) * 60, 0.0)
    asyncio.run(folder.commit("slow", {("a", 0): 2}))
    asyncio.run(folder.commit("fast", {("a", 0): 6}))
    assert folder.logs["a", 0].start == 2
    asyncio.run(folder.commit("slow", {("a", 0): 6}))
    assert folder.logs["a", 0].start == 5
    folder.close()


def test_backlog_is_what_the_consumer_has_not_read(tmp_path: Path):
    folder = opened(tmp_path)
    assert folder.backlog_bytes("a", 0) == 0
    folder.append("a", 0, None, b"x" * 1000, 0.0)
    assert folder.backlog_bytes("a", 0) == 0  # nobody reads
    folder.seen("a", 0, 0)
    assert folder.backlog_bytes("a", 0) > 1000
    read = folder.logs["a", 0].read(0, 9, 9999)
    folder.seen("a", 0, read[-1].offset + 1)
    assert folder.backlog_bytes("a", 0) == 0
    folder.close()


def test_replace_file_names_the_file_it_cannot_write(tmp_path: Path):
    with pytest.raises(DataFolderError, match=r"nowhere/file"):
        replace_file(tmp_path / "nowhere" / "file", b"")


def test_keys_choose_their_partition_for_good(tmp_path: Path):
    folder = opened(tmp_path)
    assert folder.partition_for("a", None) == 0
    assert {folder.partition_for("a", str(i).encode()) for i in range(20)} == {0, 1}
    assert folder.partition_for("a", b"host") == folder.partition_for("a", b"host")
    folder.close()


def test_held_topics_are_synced_only_by_name(tmp_path: Path):
    folder = opened(tmp_path)
    folder.create("b", 1)
    folder.hold(["b"])
    for topic in ("a", "b"):
        folder.append(topic, 0, None, b"x", 0.0)
    asyncio.run(folder.sync())
    assert (folder.logs["a", 0].written, folder.logs["b", 0].written) == (1, 0)
    assert folder.offsets.durable == {"a/0": 1, "a/1": 0}
    asyncio.run(folder.sync(["b"]))
    assert folder.offsets.durable["b/0"] == 1
    folder.close()


def test_a_log_begins_behind_what_was_committed_of_it(tmp_path: Path):
    folder = opened(tmp_path)
    folder.hold(["a"])
    for _ in range(3):
        folder.append("a", 0, None, b"x", 0.0)
    folder.logs["a", 0].release(2)
    asyncio.run(folder.sync(["a"]))  # the third
    asyncio.run(folder.commit("g", {("a", 0): 1}))  # its reader stands before the gap
    folder.close()
    again = LogFolder(tmp_path)
    assert again.committed("g", "a", 0) == 1
    assert again.append("a", 0, None, b"again", 0.0) == 1
    asyncio.run(again.commit("g", {("a", 0): 2}))
    again.close()
    last = LogFolder(tmp_path)
    assert [r.value for r in last.logs["a", 0].read(1, 9, 99)] == [b"again"]
    last.close()


def test_what_a_checkpoint_stands_for_is_committed_before_the_log_is_opened(tmp_path: Path):
    module.commit_before(tmp_path / "none", "g", {("a", 0): 5})
    assert not (tmp_path / "none").exists()
    folder = opened(tmp_path)
    asyncio.run(folder.commit("g", {("a", 0): 2, ("a", 1): 4}))
    folder.close()
    module.commit_before(tmp_path, "g", {("a", 0): 7, ("a", 1): 3})
    again = LogFolder(tmp_path)
    assert [again.committed("g", "a", p) for p in (0, 1)] == [7, 4]
    assert again.logs["a", 0].end == 7  # numbers go on behind it
    again.close()


def test_killed_twice_what_stood_behind_a_gap_is_not_missed(tmp_path: Path):
    folder = opened(tmp_path)
    folder.hold(["a"])
    for _ in range(5):
        folder.append("a", 0, None, b"x", 0.0)
    folder.logs["a", 0].release(3)
    asyncio.run(folder.sync(["a"]))
    folder.append("a", 1, None, b"y", 0.0)
    asyncio.run(folder.commit("g", {("a", 1): 0}))  # its reader has not committed, who wrote has not
    assert folder.offsets.durable["a/0"] == 5
    folder.close()
    for _ in range(2):
        again = LogFolder(tmp_path)
        assert again.logs["a", 0].end == 0
        assert again.offsets.durable["a/0"] == 0
        for log in again.logs.values():  # killed: nothing is committed
            log.close()
        again.lock.release()
