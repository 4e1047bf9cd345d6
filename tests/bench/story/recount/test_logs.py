from __future__ import annotations

import sqlite3

from bench.story.recount import logs
from bench.story.recount.facts import Facts

TOLD = {"audit_chain": {"inputs": {"head": "2:h2"}}}


def test_what_was_looked_at_is_counted_from_files(facts: Facts):
    flows = logs.Flows(facts)
    assert (flows.count, flows.files) == (2, 1)
    assert flows.hosts == {"192.0.2.1", "10.0.0.5", "10.0.0.200"}  # one that never answered sent nothing
    found = logs.counted(facts, TOLD, flows)
    assert found["coverage"]["values"] == {"systems": 2, "seen": 1, "unheld": 0}
    assert found["cleartext_management"]["rows"] == [
        {"host": "10.0.0.5", "service": "telnet/23", "unit": ["民政局", "民政局"], "flows": 1}
    ]
    assert found["detectors_on"]["rows"] == [
        {"detector": "Scan", "version": 2, "axis": "attack", "class": "attack", "alerts": 3}
    ]
    assert found["sensors"]["inputs"]["at"] == "2026-11-30 04:00:00"
    assert found["sensors"]["rows"][0]["behind"] == 1


def test_logs_are_counted_up_to_the_record_that_the_report_names(facts: Facts):
    folder = facts.data / "alerts" / "live"
    folder.mkdir(parents=True)
    base = sqlite3.connect(folder / "2026-11-29.sqlite")
    base.execute("CREATE TABLE x (y)")
    base.commit()
    base.close()
    found = logs.counted(facts, TOLD, logs.Flows(facts))
    assert found["audit_chain"]["values"] == {"records": 1, "refused": 1, "sound": True}
    assert found["audit_chain"]["inputs"] == {"records": 1, "head": "2:h2"}
    alerts, flows, audit = found["log_retention"]["rows"]
    assert (alerts["records"], alerts["bytes"], alerts["oldest"]) == (4, 8192, "2026-11-29")
    assert (flows["kept_days"], flows["empty_days"]) == (2, 1)
    assert audit["records"] == 2
    facts.store = "http"
    assert logs.counted(facts, TOLD, logs.Flows(facts))["log_retention"]["rows"][0]["bytes"] is None
