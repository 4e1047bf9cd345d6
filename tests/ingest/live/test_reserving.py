"""Room behind the end of a file: there while it is written, gone afterwards, no part of its size."""

from __future__ import annotations

import pytest

from ingest.live import reserving
from ingest.live.reserving import STEP, Reserved


def on_disk(path) -> int:
    return path.stat().st_blocks * 512


def test_room_is_there_and_goes(tmp_path):
    path = tmp_path / "file"
    with path.open("xb", buffering=0) as file:
        reserved = Reserved(file.fileno(), 0, 3 * STEP)
        reserved.reach(1)
        if not reserved._able:
            pytest.skip("this file system reserves nothing")
        assert path.stat().st_size == 0
        assert on_disk(path) == STEP
        reserved.reach(STEP)
        assert on_disk(path) == STEP  # nothing more is needed
        reserved.reach(2 * STEP + 1)
        reserved.reach(9 * STEP)
        assert on_disk(path) == 3 * STEP  # and no more than the most
        file.write(bytes(5000))
        reserved.release()
    assert path.stat().st_size == 5000
    assert path.read_bytes() == bytes(5000)
    assert on_disk(path) < STEP


@pytest.mark.parametrize("call", [None, lambda *_: -1])
def test_where_nothing_can_be_reserved_writing_goes_on(tmp_path, monkeypatch, call):
    monkeypatch.setattr(reserving, "_fallocate", lambda: call)
    path = tmp_path / "file"
    with path.open("xb", buffering=0) as file:
        reserved = Reserved(file.fileno(), 0, 1 << 20)
        for _ in range(2):
            reserved.reach(100)
            file.write(bytes(100))
        reserved.release()
    assert path.stat().st_size == 200
