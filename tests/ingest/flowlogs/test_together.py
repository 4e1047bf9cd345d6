"""Logs of a folder are read together, whichever of them is the longest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.watermarks import BEGINNING, END_OF_TIME
from ingest.flowlogs import registry
from ingest.flowlogs.files import ChunkRef
from ingest.flowlogs.reader import LATENESS, FlowLogReader
from ingest.flowlogs.together import together

ENDS = {"id.orig_h": "10.0.0.1", "id.orig_p": 4000, "id.resp_h": "10.0.0.2", "id.resp_p": 53, "proto": "udp"}
SAID = {
    "conn": {"conn_state": "SF"},
    "dns": {"query": "a.example", "qtype": 1, "rcode": 3, "trans_id": 1},
    "http": {"trans_depth": 1, "method": "GET", "host": "a", "uri": "/", "status_code": 404},
}
#: Rows that a line gives.
ROWS = {"conn": 1, "dns": 2, "http": 2}
TIMES = st.lists(st.integers(0, 60_000_000), max_size=25)


def refs(name: str, count: int) -> Iterator[ChunkRef]:
    for n in range(count):
        yield ChunkRef("s", name, "p", n, n, 1, 1, "", "")


def test_whose_next_chunk_is_the_earliest_comes_next():
    begins = {("a", 0): 5, ("a", 1): 30, ("a", 2): 10, ("b", 0): 20, ("b", 1): None, ("c", 0): None}
    got = list(together(
        [refs("a", 3), refs("b", 2), refs("c", 1), refs("none", 0)], lambda ref: begins[ref.path, ref.offset]
    ))  # fmt: skip
    assert [(ref.path, ref.offset, ref.log, ref.last) for ref in got] == [
        ("c", 0, 2, True), ("a", 0, 0, False), ("b", 0, 1, False), ("b", 1, 1, True),
        ("a", 1, 0, False), ("a", 2, 0, True),
    ]  # fmt: skip
    assert [ref.index for ref in got] == [0, 1, 2, 3, 4, 5]
    assert [ref.ahead for ref in got] == [5, 20, *[END_OF_TIME] * 4]
    assert all(ref.folder for ref in got)


def stamps(starts: list[int]) -> list[int]:
    """Times (ns) that the rows of one log count as, one after another."""
    newest, times = BEGINNING, []
    for start in (us * 1000 for us in starts):
        times.append(max(start, newest - LATENESS))
        newest = max(newest, start)
    return times


@settings(max_examples=40)
@given(
    st.fixed_dictionaries({"conn": TIMES, "dns": TIMES, "http": TIMES}),
    st.lists(st.sampled_from([1, 300, 900, 1 << 20]), min_size=2, max_size=2),
    st.integers(0, 30),
)
def test_every_row_has_its_own_time_whatever_the_chunks(tmp_path_factory, logs, chunks, at):
    folder: Path = tmp_path_factory.mktemp("zeek")
    for name, starts in logs.items():
        lines = (
            json.dumps({"ts": us / 1e6, "uid": f"C{i}"} | ENDS | SAID[name]) for i, us in enumerate(starts)
        )
        (folder / f"{name}.log").write_text("".join(line + "\n" for line in lines))
    parser = registry.PARSERS["zeek-json"]
    results = []
    for chunk in chunks:
        reader, promise, flows, events = FlowLogReader(), BEGINNING, [], []
        for n, ref in enumerate(registry.chunks(folder, parser, chunk)):
            batch = reader.add(ref)
            for times in (batch.reports["time"], batch.events["time"]):
                assert not len(times) or promise <= times.min()
            promise = batch.watermark
            flows.append(batch.reports)
            events.append(batch.events)
            if n == at:
                fresh = FlowLogReader()
                fresh.restore(
                    {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in reader.snapshot().items()}
                )
                reader = fresh
        last = reader.finish()
        results.append(
            (np.concatenate([*flows, last.reports]), np.concatenate([*events, last.events]), reader.late)
        )
    flows, events, late = results[0]
    assert flows["time"].tolist() == sorted(stamps(logs["conn"]))
    assert events["time"].tolist() == sorted(
        time for name in ("dns", "http") for time in stamps(logs[name]) for _ in range(ROWS[name])
    )
    assert late == sum(
        ROWS[name] * (stamped > us * 1000)
        for name, starts in logs.items()
        for us, stamped in zip(starts, stamps(starts), strict=True)
    )
    assert results[1][0].tolist() == flows.tolist()
    assert results[1][1].tobytes() == events.tobytes()
    assert results[1][2] == late


def test_a_long_log_waits_for_a_short_one(shared_data):
    """Connections used to move the clock to their end before anything else was read."""
    folder = shared_data / "captures/zeek/test15-malicious-zeek-dir"
    parser = registry.sniff(folder)
    assert parser is not None
    reader = FlowLogReader()
    for ref in registry.chunks(folder, parser):
        reader.add(ref)
    reader.finish()
    assert reader.late == 0
