"""Trying detectors on made-up attacks and on the archive."""

from __future__ import annotations

import numpy as np
import pytest

from alerts.flowtable import table
from citywall.batches import CLOSED, END
from citywall.settings import load
from console import tuning
from drills.traffic.rows import SECOND, Flows, address

BEGUN = 1_714_521_600 * SECOND


def flows(targets=60):
    made = Flows(BEGUN)
    made.add(np.arange(targets) * 0.5, address("203.0.113.9"), address("10.1.0.1") + np.arange(targets), 22,
             form="silent", packets=(1, 0), payload=(0, 0), lasts=0)  # fmt: skip
    return made.rows()


def test_the_archive_gives_back_what_the_meter_said():
    ends = flows()
    ends = ends[ends["kind"] == END]
    closed = np.zeros(len(ends), CLOSED)
    closed["flow_id"] = ends["flow_id"]
    rows = tuning.flows_of(table(ends, closed, np.full(len(ends), b"1:x", "S3")))
    assert (np.diff(rows["time"]) >= 0).all()
    order = np.lexsort((ends["flow_id"], ends["first"]))
    for name in ("src_hi", "src_lo", "dst_lo", "dst_port", "proto", "src_packets", "src_flags", "flow_id"):
        assert np.array_equal(rows[name], ends[name][order]), name
    assert (rows["src_packets_delta"] == rows["src_packets"]).all()


def test_other_thresholds_are_compared(monkeypatch, tmp_path):
    rows = flows()
    monkeypatch.setattr(tuning, "archived", lambda *_: iter([("s", rows)]))
    before, after = load(None), load(None, assignments=("detectors.scan.enabled=false",))
    told = tuning.compare("scan", tmp_path, before, after)
    assert told["before"]["medium"] == 1
    assert sum(told["after"].values()) == 0
    assert [one["entity"] for one in told["gone"]] == ["203.0.113.9"]
    assert tuning.compare("scan", tmp_path, after, before)["new"][0]["kind"] == "horizontal"


@pytest.mark.parametrize("name", ["channel", "segment"])
def test_made_up_attacks_are_told(name):
    told = tuning.trials(name, load(None))
    assert told
    assert all(s is not None for trial in told for s in trial["seconds"].values())
