from __future__ import annotations

import asyncio
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from citywall.batches import CLOSED, EVENT, FLOW, PACKET
from citywall.errors import DataFolderError, StreamError
from stream import checkpoints
from stream.checkpoints import Schedule, load, save

OFFSETS = {"flows": {0: 5, 1: 7}, "events": {0: 2}}
arrays = hnp.arrays(
    st.sampled_from([np.uint8, np.int64, np.float64, np.uint32]), hnp.array_shapes(max_dims=3, min_side=0)
)


@settings(max_examples=50, deadline=None)
@given(parts=st.dictionaries(st.text(min_size=1, max_size=9), st.binary(max_size=99) | arrays, max_size=5))
def test_round_trip(tmp_path_factory, parts):
    folder = tmp_path_factory.mktemp("c")
    save(folder, "detect", 3, OFFSETS, parts)
    found = load(folder, "detect", 3)
    assert found is not None
    assert found[0] == OFFSETS
    assert list(found[1]) == list(parts)
    for name, part in parts.items():
        if isinstance(part, bytes):
            assert found[1][name] == part
        else:
            np.testing.assert_array_equal(found[1][name], part)
            assert found[1][name].dtype == part.dtype


@pytest.mark.parametrize("dtype", [FLOW, CLOSED, EVENT, PACKET])
def test_structured_rows_keep_their_dtype(tmp_path: Path, dtype):
    rows = np.zeros(1000, dtype)
    rows[dtype.names[0]] = np.arange(1000)
    save(tmp_path, "s", 0, {}, {"rows": rows, "view": rows[::7], "none": rows[:0]})
    _, parts = load(tmp_path, "s", 0) or ({}, {})
    assert all(p.dtype == dtype for p in parts.values())
    assert all(p.dtype.isalignedstruct == dtype.isalignedstruct for p in parts.values())  # `==` looks past it
    assert (parts["rows"] == rows).all()
    assert (parts["view"] == rows[::7]).all()
    assert len(parts["none"]) == 0
    parts["rows"][dtype.names[0]][0] = 1  # it can be written


def test_a_big_part_goes_in_chunks_without_a_copy(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(checkpoints, "CHUNK", 1000)
    rows = np.arange(5000, dtype=np.int64)
    chunks = list(checkpoints.chunks(rows))
    assert max(len(c) for c in chunks) == 1000
    assert all(np.shares_memory(np.frombuffer(c, np.uint8), rows) for c in chunks)
    save(tmp_path, "s", 0, {}, {"rows": rows, "strided": rows[::2], "flat": rows.reshape(50, 100)[:, ::2]})
    _, parts = load(tmp_path, "s", 0) or ({}, {})
    assert (parts["rows"] == rows).all()
    assert (parts["strided"] == rows[::2]).all()
    assert (parts["flat"] == rows.reshape(50, 100)[:, ::2]).all()


def test_none_is_none(tmp_path: Path):
    assert load(tmp_path / "nowhere", "s", 0) is None


def test_damage_is_met_at_every_byte_and_every_length(tmp_path: Path):
    save(tmp_path, "s", 0, OFFSETS, {"a": np.arange(9), "b": b"bytes"})
    path = checkpoints.path_of(tmp_path, "s", 0)
    sound = path.read_bytes()
    for at in range(len(sound)):
        damaged = bytearray(sound)
        damaged[at] ^= 0x20
        path.write_bytes(damaged)
        with pytest.raises(StreamError, match=str(path)):
            load(tmp_path, "s", 0)
    for length in range(len(sound)):
        path.write_bytes(sound[:length])
        with pytest.raises(StreamError, match="damaged"):
            load(tmp_path, "s", 0)


def test_another_schema_is_named(tmp_path: Path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "SCHEMA_VERSION", 99)
        save(tmp_path, "s", 0, {}, {})
    with pytest.raises(StreamError, match="of schema 99; this version reads"):
        load(tmp_path, "s", 0)


def test_the_last_one_stays_until_the_next_is_whole(tmp_path: Path, monkeypatch):
    save(tmp_path, "s", 0, OFFSETS, {"a": b"old"})

    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataFolderError, match="No space left"):
        save(tmp_path, "s", 0, {}, {"a": b"new"})
    monkeypatch.undo()
    found = load(tmp_path, "s", 0)
    assert found == (OFFSETS, {"a": b"old"})


def test_objects_are_no_state(tmp_path: Path):
    with pytest.raises(StreamError, match="objects"):
        save(tmp_path, "s", 0, {}, {"a": np.array([object()])})


def test_schedule_keeps_the_cost_down():
    schedule = Schedule(10.0, 20.0, now=100.0)
    assert not schedule.due(109.9)
    assert schedule.due(110.0)
    assert schedule.due(100.1, session_ended=True)
    schedule.done(110.0, 111.0)  # cost one second
    assert not schedule.due(130.9)
    assert not schedule.due(130.9, session_ended=True)
    assert schedule.due(131.0)
    schedule.done(131.0, 131.1)
    assert not schedule.due(133.0, session_ended=True)
    assert schedule.due(133.2, session_ended=True)
    assert not schedule.due(133.2)


def test_a_folder_keeps_the_last_of_each_station(tmp_path: Path):
    keeper = checkpoints.FolderKeeper(tmp_path)

    async def work() -> None:
        assert await keeper.load("a", 0) is None
        for n in range(2):
            await keeper.save("a", n, {"in": {n: 5}}, {"state": bytes([n])})
        await keeper.save("a", 0, {"in": {0: 9}}, {"state": b"new"})
        assert await keeper.load("a", 0) == ({"in": {0: 9}}, {"state": b"new"})
        assert await keeper.load("a", 1) == ({"in": {1: 5}}, {"state": b"\1"})
        assert await keeper.ours("a", 0)

    asyncio.run(work())


def test_what_all_checkpoints_of_a_folder_stand_for(tmp_path: Path):
    assert checkpoints.stands_for(tmp_path / "none") == {}
    checkpoints.save(tmp_path, "detect", 0, {"flows": {0: 7}, "events": {0: 2}}, {"big": b"x" * 100})
    checkpoints.save(tmp_path, "detect", 1, {"flows": {1: 9}}, {})
    assert checkpoints.stands_for(tmp_path) == {("flows", 0): 7, ("events", 0): 2, ("flows", 1): 9}
    path = checkpoints.path_of(tmp_path, "detect", 1)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StreamError, match="detect-1"):
        checkpoints.stands_for(tmp_path)
