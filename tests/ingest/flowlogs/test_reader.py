"""The stage: rows leave in event time, whatever the chunks, across a snapshot, within bounds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.domains import Domains, DomainSettings
from citywall.watermarks import BEGINNING, END_OF_TIME
from ingest.flowlogs import reader as module
from ingest.flowlogs import registry
from ingest.flowlogs.reader import FlowLogReader

SECOND = 1_000_000_000


def write_log(path: Path, starts: list[float]) -> Path:
    lines = [
        json.dumps(
            {
                "ts": ts,
                "id.orig_h": f"10.0.0.{i % 250}",
                "id.orig_p": i % 60000,
                "id.resp_h": "10.1.0.1",
                "id.resp_p": 53,
                "proto": "udp",
                "conn_state": "S0",
            }
        )
        for i, ts in enumerate(starts)
    ]
    path.write_text("".join(line + "\n" for line in lines))
    return path


def oracle(starts: list[float], lateness: int) -> tuple[list[int], int]:
    """Times that rows count as, and how many came late, one after another."""
    newest, late, times = None, 0, []
    for start in starts:
        ns = round(start * 10**6) * 1000
        floor = ns if newest is None else newest - lateness
        late += ns < floor
        times.append(max(ns, floor))
        newest = ns if newest is None else max(newest, ns)
    return times, late


STARTS = st.lists(st.integers(0, 60_000_000).map(lambda us: us / 1e6), min_size=1, max_size=40)


@settings(max_examples=25)
@given(
    STARTS,
    st.sampled_from([0, 2 * SECOND, 100 * SECOND]),
    st.lists(st.sampled_from([1, 150, 700, 1 << 20]), min_size=2, max_size=2),
)
def test_times_follow_the_watermark_whatever_the_chunks(
    tmp_path_factory, read_file, starts, lateness, chunks
):
    path = write_log(tmp_path_factory.mktemp("log") / "conn.log", starts)
    results = [read_file(path, chunk, lateness=lateness) for chunk in chunks]
    times, late = oracle(starts, lateness)
    for reports, _, reader in results:
        assert reports["time"].tolist() == sorted(times)
        assert reader.late == late
        assert reader.held == 0
        assert reports.tolist() == results[0][0].tolist()


@settings(max_examples=15)
@given(STARTS, st.integers(0, 10))
def test_a_snapshot_changes_nothing(tmp_path_factory, read_file, starts, at):
    path = write_log(tmp_path_factory.mktemp("log") / "conn.log", starts)
    refs = list(registry.chunks(path, registry.PARSERS["zeek-json"], 400))
    before, after = FlowLogReader(), FlowLogReader()
    parts = [before.add(ref) for ref in refs[:at]]
    saved = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in before.snapshot().items()}
    for ref in refs[at:]:
        before.add(ref)  # goes on after its snapshot was taken
    after.restore(saved)
    parts += [after.add(ref) for ref in refs[at:]]
    parts.append(after.finish())
    whole, _, reader = read_file(path)
    assert np.concatenate([part.reports for part in parts]).tolist() == whole.tolist()
    assert after.late == reader.late


def test_no_report_breaks_the_promise(tmp_path):
    path = write_log(tmp_path / "conn.log", [float(i * 7 % 50) for i in range(300)])
    reader = FlowLogReader()
    promise = reader.watermark
    assert promise == BEGINNING
    for ref in registry.chunks(path, registry.PARSERS["zeek-json"], 900):
        batch = reader.add(ref)
        assert (batch.reports["time"] >= promise).all() or not len(batch.reports)
        assert batch.watermark >= promise
        assert len(batch.closed) == len(batch.reports)
        assert batch.closed["flow_id"].tolist() == batch.reports["flow_id"].tolist()
        promise = batch.watermark
    last = reader.finish()
    assert last.watermark == END_OF_TIME
    assert len(last.reports)


@pytest.mark.parametrize("chunk", [2000, 1 << 20])
def test_rows_held_are_bounded(tmp_path, monkeypatch, read_file, chunk):
    monkeypatch.setattr(module, "_STRIDE", 64)
    path = write_log(tmp_path / "conn.log", [100.0] * 50 + [5.0] * 400 + [101.0] * 50)
    most = 0
    parser = registry.PARSERS["zeek-json"]
    reader = FlowLogReader(max_held=100)
    for ref in registry.chunks(path, parser, chunk):
        reader.add(ref)
        most = max(most, reader.held)
    reports, _, whole = read_file(path, chunk, max_held=100)
    assert most <= 100 + 64
    assert len(reports) == 500
    assert (np.diff(reports["time"]) >= 0).all()
    other, _, _ = read_file(path, 7000, max_held=100)
    assert other.tolist() == reports.tolist()
    assert whole.late >= 400


def test_errors_add_up_over_chunks(tmp_path):
    path = write_log(tmp_path / "conn.log", [1.0, 2.0])
    path.write_text(path.read_text() + "junk\n" * 30)
    reader = FlowLogReader()
    for ref in registry.chunks(path, registry.PARSERS["zeek-json"], 40):
        reader.add(ref)
    assert reader.errors.counts == {"not_json": 30}
    assert reader.errors.places == {"not_json": list(range(3, 13))}


def test_domains_by_vlan_name(tmp_path):
    line = {"ts": 1, "id.orig_h": "10.0.0.1", "id.resp_h": "10.0.0.2", "proto": "udp", "conn_state": "S0"}
    path = tmp_path / "conn.log"
    path.write_text("".join(json.dumps(line | {"vlan": v}) + "\n" for v in (7, 8)) + json.dumps(line))
    domains = Domains(DomainSettings(vlans={"7": "finance"}))
    reader = FlowLogReader(domains)
    for ref in registry.chunks(path, registry.PARSERS["zeek-json"]):
        reader.add(ref)
    reports = reader.finish().reports
    assert dict(zip(reports["vlan"].tolist(), reports["domain"].tolist(), strict=True)) == {
        7: domains.of_vlan(7),
        8: domains.of_vlan(8),
        0: 0,
    }


@pytest.mark.parametrize("name", ["binetflow/test5-mixed.binetflow", "zeek/test9-mixed-zeek-dir"])
def test_samples_do_not_depend_on_chunks(shared_data, read_file, name):
    results = [read_file(shared_data / "captures" / name, chunk) for chunk in (700, 10_000, 1 << 20)]
    for reports, events, reader in results[1:]:
        assert reports.tolist() == results[0][0].tolist()
        assert events.tobytes() == results[0][1].tobytes()
        assert reader.errors.counts == results[0][2].errors.counts
