from __future__ import annotations

import os
from pathlib import Path

import pytest

from stream.inbox import Inbox


@pytest.fixture
def watch(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


def put(watch: Path, name: str, text: str, at: int) -> Path:
    path = watch / name
    path.write_text(text)
    os.utime(path, ns=(at, at))
    return path


def test_each_file_once_oldest_first_and_also_after_a_restart(tmp_path: Path, watch: Path):
    new, old = put(watch, "new", "b", 2000), put(watch, "old", "a", 1000)
    inbox = Inbox(tmp_path, watch, 0)
    for expected, digest in ((old, "da"), (new, "db")):
        look = inbox.next()
        assert look is not None
        assert look.path == expected
        assert not inbox.taken_before(digest)
        inbox.note(look, digest, "taking")
        inbox.note(look, digest, "done")
    assert inbox.next() is None
    again = Inbox(tmp_path, watch, 0)
    assert again.next() is None
    assert again.taken_before("da")
    assert again.counts() == {"done": 2}
    put(watch, "old", "changed", 3000)
    found = again.next()
    assert found is not None
    assert found.path == old


def test_what_was_under_way_comes_first(tmp_path: Path, watch: Path):
    put(watch, "a", "a", 1000)
    put(watch, "b", "b", 2000)
    inbox = Inbox(tmp_path, watch, 0)
    first = inbox.next()
    assert first is not None
    inbox.note(first, "da", "done")
    second = inbox.next()
    assert second is not None
    inbox.note(second, "db", "taking")
    put(watch, "c", "c", 500)
    again = Inbox(tmp_path, watch, 0)
    assert again.next() == second
    assert again.waiting == 2
    assert not again.taken_before("db")


def test_a_file_that_is_written_is_waited_for(tmp_path: Path, watch: Path):
    for name in (".hidden", "a.part", "b.tmp"):
        put(watch, name, "x", 1000)
    (watch / "folder").mkdir()
    (watch / "link").symlink_to(watch / "a.part")
    (watch / "growing").write_text("x")
    inbox = Inbox(tmp_path, watch, 3600)
    assert inbox.next() is None
    assert inbox.waiting == 1
    put(watch, "growing", "xy", 1000)  # an old time of modification: it was moved here whole
    found = inbox.next()
    assert found is not None
    assert found.size == 2


def test_no_folder_is_no_error_and_what_is_gone_is_forgotten(tmp_path: Path, watch: Path):
    assert Inbox(tmp_path, None, 0).next() is None
    assert Inbox(tmp_path, tmp_path / "missing", 0).next() is None
    path = put(watch, "a", "a", 1000)
    inbox = Inbox(tmp_path, watch, 0)
    look = inbox.next()
    assert look is not None
    inbox.note(look, "da", "refused", "no capture")
    inbox.retain(1 << 62)
    assert inbox.counts() == {"refused": 1}
    path.unlink()
    inbox.retain(1 << 62)
    assert inbox.counts() == {}


def test_live_sessions_that_did_not_end(tmp_path: Path):
    inbox = Inbox(tmp_path, None, 0)
    assert inbox.left() == []
    inbox.began("s1", "interface:eth0")
    inbox.began("s2", "interface:eth1")
    inbox.ended("s1")
    assert Inbox(tmp_path, None, 0).left() == [("s2", "interface:eth1")]
