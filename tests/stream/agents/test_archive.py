from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from alerts.archive import FlowArchive
from alerts.eventarchive import EventArchive
from citywall.addresses import to_words
from citywall.batches import CLOSED, DNS_QUERY, END, EVENT, FLOW, UDP
from citywall.sessions import LIVE
from ingest.community_id import community_ids
from stream import codecs
from stream.agents import archive as module
from stream.agents.archive import ArchiveStage, RecordStage


def ended(first: int, n: int) -> bytes:
    ends, closed = np.zeros(n, FLOW), np.zeros(n, CLOSED)
    ends["flow_id"] = closed["flow_id"] = np.arange(first, first + n)
    ends["kind"], ends["proto"], ends["version"] = END, UDP, 4
    ends["src_hi"], ends["src_lo"] = to_words("10.0.0.5")
    ends["dst_hi"], ends["dst_lo"] = to_words("10.0.0.6")
    ends["first"] = ends["last"] = ends["time"] = 1_700_000_000_000_000_000 + np.arange(first, first + n)
    return b"".join(codecs.encode_closed([ends], [closed]))


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(module, "PART_ROWS", 10)


def files(data: Path) -> dict[str, int]:
    import pyarrow.parquet as pq

    return {p.stem.split("-")[1][-2:]: pq.read_metadata(p).num_rows for p in sorted(data.rglob("*.parquet"))}


def test_parts_are_cut_at_the_same_rows_however_they_come(tmp_path: Path, session, hand, small_parts):
    for sizes in ([25], [3] * 8 + [1], [10, 10, 5], [9, 2, 14]):
        archive = FlowArchive(tmp_path)
        feeding = hand(ArchiveStage(archive), session)
        feeding.open()
        first = 0
        for size in sizes:
            feeding.data(ended(first, size), count=size)
            feeding.flush()
            first += size
        feeding.end()
        assert files(tmp_path) == {"00": 10, "01": 10, "02": 5}
        assert len(archive.query(limit=100).flows) == 25


def test_a_crash_writes_the_same_files_again(tmp_path: Path, session, hand, small_parts):
    archive = FlowArchive(tmp_path)
    feeding = hand(ArchiveStage(archive), session)
    feeding.open()
    feeding.data(ended(0, 13), count=13)
    feeding.flush()
    parts = feeding.stage.snapshot()
    feeding.data(ended(13, 9), count=9)
    feeding.flush()  # lost with the process
    assert files(tmp_path) == {"00": 10, "01": 10}
    feeding.stage = ArchiveStage(archive)
    feeding.stage.restore(parts)
    feeding.data(ended(11, 11), count=11, skip=2)  # another cut of the same rows
    feeding.end()
    assert files(tmp_path) == {"00": 10, "01": 10, "02": 2}
    found = archive.query(limit=100).flows
    assert len(found) == 22


def test_a_session_without_flows_leaves_no_file(tmp_path: Path, session, hand):
    feeding = hand(ArchiveStage(FlowArchive(tmp_path)), session)
    feeding.open()
    assert len(feeding.end()) == 1
    assert files(tmp_path) == {}


def test_opening_again_clears_what_was_there(tmp_path: Path, session, hand, small_parts):
    archive = FlowArchive(tmp_path)
    for n in (25, 4):
        feeding = hand(ArchiveStage(archive), session)
        feeding.open()
        feeding.data(ended(0, n), count=n)
        feeding.end()
    assert files(tmp_path) == {"00": 4}


def test_live_flows_lie_under_the_hour_they_came_in(tmp_path: Path, session, hand, small_parts):
    live = msgspec.structs.replace(session, kind=LIVE, received_at=1)
    feeding = hand(ArchiveStage(FlowArchive(tmp_path)), live)
    feeding.open()
    feeding.data(ended(0, 10), count=10)
    feeding.flush()
    feeding.data(ended(3600 * 10**9, 10), count=10)
    feeding.end()
    hours = sorted(f"{p.parent.parent.name}/{p.parent.name}" for p in tmp_path.rglob("*.parquet"))
    assert hours == ["2023-11-14/22", "2023-11-14/23"]


def said(first: int, n: int) -> bytes:
    events = np.zeros(n, EVENT)
    events["kind"], events["proto"], events["frame"] = DNS_QUERY, UDP, np.arange(first, first + n)
    events["time"] = 1_700_000_000_000_000_000 + np.arange(first, first + n)
    events["src_hi"], events["src_lo"] = to_words("10.0.0.5")
    events["dst_hi"], events["dst_lo"] = to_words("10.0.0.6")
    events["src_port"], events["dst_port"] = 40_000, 53
    return b"".join(codecs.encode_rows(EVENT, [events]))


def test_events_are_kept_in_the_same_parts_after_a_crash_too(tmp_path: Path, session, hand, small_parts):
    archive = EventArchive(tmp_path)
    feeding = hand(RecordStage(archive), session)
    feeding.open()
    feeding.data(said(0, 13), count=13)
    feeding.flush()
    parts = feeding.stage.snapshot()
    feeding.data(said(13, 9), count=9)
    feeding.flush()
    feeding.stage = RecordStage(archive)
    feeding.stage.restore(parts)
    feeding.data(said(11, 11), count=11, skip=2)
    assert len(feeding.end()) == 1
    assert files(tmp_path) == {"00": 10, "01": 10, "02": 2}
    found = archive.query(limit=100).events
    assert [row["frame"] for row in found] == list(range(21, -1, -1))
    flow = np.zeros(1, FLOW)
    flow["src_hi"], flow["src_lo"] = to_words("10.0.0.6")  # ids are the same both ways
    flow["dst_hi"], flow["dst_lo"] = to_words("10.0.0.5")
    flow["src_port"], flow["dst_port"], flow["proto"], flow["version"] = 53, 40_000, UDP, 4
    assert {row["community_id"] for row in found} == {community_ids(flow)[0].decode()}
