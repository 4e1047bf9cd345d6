"""Records of probes as a log: rows in order, and lines that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from citywall.batches import PORTAL_DRIFT
from ingest.flowlogs import registry
from ingest.flowlogs.reader import FlowLogReader
from ingest.portals import records
from ingest.portals.visits import Drift, Record

T = 1_790_000_000 * 10**9


def record(at: int, *kinds: str) -> bytes:
    found = Record(
        "www", "https://w.example.gov.cn/", T + at * 10**9, tuple(map(Drift, kinds)), address="10.0.0.5"
    )
    return records.line_of(found)


def read(path: Path, chunk: int = 1 << 20):
    parser = registry.sniff(path)
    assert parser is not None
    reader = FlowLogReader()
    batches = [reader.add(ref) for ref in registry.chunks(path, parser, chunk)] + [reader.finish()]
    events = [row for batch in batches for row in batch.events]
    return parser, events, reader


@pytest.mark.parametrize("chunk", [100, 1 << 20])
def test_lines_become_rows(tmp_path: Path, chunk: int) -> None:
    path = tmp_path / "round.jsonl"
    path.write_bytes(record(0, "script", "words") + record(1) + record(2, "down"))
    parser, events, reader = read(path, chunk)
    assert parser.name == "portal"
    assert [int(e["kind"]) for e in events] == [PORTAL_DRIFT] * 3
    assert [int(e["time"]) - T for e in events] == [0, 0, 2 * 10**9]
    assert reader.notes == {"portal_probes": 3}


def test_other_lines_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "round.jsonl"
    path.write_bytes(
        record(0, "script") + b"nonsense\n" + record(1, "of no kind") + b'{"portal": 1}\n' + b"\xff\xfe\n"
        + record(1, "down").replace(b"10.0.0.5", b"10.0.0.")
    )  # fmt: skip
    _, events, reader = read(path)
    assert len(events) == 1
    assert reader.errors.counts == {"not_json": 3, "bad_outcome": 1, "bad_address": 1}
    assert reader.errors.places["not_json"] == [2, 4, 5]
