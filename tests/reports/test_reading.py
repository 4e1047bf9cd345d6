from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alerts.archive import FlowArchive
from alerts.cases.casebook import Casebook
from alerts.docfile import DocFile
from alerts.embedded import EmbeddedStore
from alerts.workflow import UNCHANGED, Step
from citywall.addresses import to_words
from citywall.batches import CLOSED, END, FLOW
from citywall.permissions import Identity, Target
from citywall.sessions import Session
from citywall.settings import Settings, load
from detectors.registry import DETECTORS
from playbooks.runfile import RunFile
from reports import reading
from reports.day import Day
from reports.nightly import build, encode
from stream import health
from stream.health import Fault, Health, SensorHealth, StoreHealth
from trust.audit import AuditLog, entry

SECOND = 1_000_000_000
REGISTER = """\
units: [{id: data, name: 大数据局, persons: [{name: 赵}]}]
zones: [{id: public, name: 公共业务区}]
systems: [{id: portal, name: 门户, unit: data, importance: 5, mlps_level: 3}]
assets: [{id: web, name: 服务器, addresses: [10.0.0.5], system: portal}]
prefixes: [{prefix: 10.0.0.0/24, unit: data}]
"""


def alert(
    number: int, time: str, received: str = "2024-05-01T03:00:00Z", lane: str = "live"
) -> dict[str, Any]:
    return {
        "@timestamp": time,
        "event": {"id": f"{number:032x}", "severity": 4, "ingested": received, "action": "wide",
                  "risk_score": 60, "start": time, "end": time},
        "rule": {"id": "scan", "name": "Scan", "category": "attack"},
        "source": {"address": "192.0.2.1", "ip": "192.0.2.1"},
        "destination": {"address": "10.0.0.5", "ip": "10.0.0.5"},
        "organization": {"id": "data", "name": "大数据局"},
        "message": "scan",
        "citywall": {
            "lane": lane, "session": "s", "domain": "default", "entity": "0/192.0.2.1", "axis": "attack",
            "gb20986": {"class": "attack", "subclass": "网络扫描探测"},
            "detector": {"name": "scan", "confidence": 1.0}, "message_zh": "扫描",
            "dedup": {"first_seen": time, "last_seen": time, "count": 1, "breakouts": []},
            "asset": {"dst": [{"system_id": "portal", "unit_id": "data", "importance": 5}]},
        },
    }  # fmt: skip


def flows(data: Path, day: Day) -> None:
    """An FTP session with the portal, and a refused Telnet connection."""
    ends, closed = np.zeros(2, FLOW), np.zeros(2, CLOSED)
    for at, (port, payload) in enumerate(((21, 500), (23, 0))):
        (ends[at]["src_hi"], ends[at]["src_lo"]) = to_words("192.0.2.1")
        (ends[at]["dst_hi"], ends[at]["dst_lo"]) = to_words("10.0.0.5")
        fields = {
            "kind": END, "flow_id": at + 1, "first": day.since, "last": day.since + SECOND, "proto": 6,
            "dst_port": port, "dst_packets": 1, "dst_payload": payload,
        }  # fmt: skip
        for name, value in fields.items():
            ends[at][name] = value
        closed[at]["flow_id"] = at + 1
    session = Session("5e55", "capture", "a.pcap", 1, "live", day.since + 3 * 3600 * SECOND)
    FlowArchive(data).write(ends, closed, np.array([b"1:x", b"1:y"], "S30"), session, 0)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "register.yaml").write_text(REGISTER, "utf-8")
    return load(environment={}, assignments=[f"register={tmp_path / 'register.yaml'}"])


@pytest.fixture
def data(tmp_path: Path, day: Day) -> Path:
    """A data folder in which the day left traces of every kind."""
    folder = tmp_path / "data"
    store = EmbeddedStore(folder / "alerts")
    store.upsert([
        alert(1, "2024-05-01T01:00:00Z"), alert(2, "2024-05-01T15:59:59Z"),
        alert(3, "2024-05-01T16:00:00Z"),  # the next day in Shanghai
        alert(4, "2024-05-01T02:00:00Z", lane="drill"),
        alert(5, "2024-04-01T02:00:00Z", "2024-04-01T03:00:00Z"),
    ])  # fmt: skip
    store.change(f"{1:032x}", Step(day.since, "li", status="resolved"), UNCHANGED)
    store.close()
    flows(folder, day)
    times = iter([day.since - SECOND, day.since, day.since + SECOND, day.until, day.until + SECOND])
    with AuditLog(folder / "audit", clock=lambda: next(times)) as log:
        for action in ("a.before", "a.done", "a.done", "a.after"):
            log.append(entry(Identity("li", ("analyst",)), action, Target("x")))
    health.write(
        folder,
        Health(
            "running", "", 1, day.until, day.since, "local://", 1, 1, "eth0", {"packets": 9}, 0, 1,
            StoreHealth("sqlite://"), [], [SensorHealth("eth0", 9, 2, 30.0, ended=False)],
            [Fault("silent", "eth0", 30)],
        ),
    )  # fmt: skip
    return folder


def test_everything_of_the_day_and_nothing_else(settings: Settings, data: Path, day: Day):
    found = reading.gather(settings, data, day)
    assert [a.id[-1] for a in found.alerts] == ["1", "2"]
    assert [a.status for a in found.alerts] == ["resolved", "new"]
    assert (found.flows, found.flow_files, found.hosts) == (2, 1, 2)
    assert found.seen == {("portal", "data")}
    assert [(s.host, s.port, s.flows) for s in found.services] == [("10.0.0.5", 21, 1)]
    assert {d.id for d in found.detectors} == set(DETECTORS)
    assert found.run.silent == ("eth0",)
    assert found.accounts == ()
    streams = {s.name: s for s in found.streams}
    assert streams["alerts"].days == ("2024-04-01", "2024-05-01")
    assert streams["alerts"].records == 4
    assert streams["flows"].days == ("2024-04-30",)
    assert {s.to for s in streams.values()} == {"2024-05-01"}


def test_figures_equal_a_recount_of_the_documents(settings: Settings, data: Path, day: Day):
    store = EmbeddedStore(data / "alerts", read_only=True)
    raw = [d for d in store.scan(lane="live") if "2024-04-30T16" <= d["@timestamp"] < "2024-05-01T16"]
    store.close()
    rows = {name: figure.rows for name, figure in build(reading.gather(settings, data, day)).figures.items()}
    classes = Counter((d["citywall"]["gb20986"]["class"], d["citywall"]["gb20986"]["subclass"]) for d in raw)
    assert {row[:2]: row[2] for row in rows["alerts_by_class"]} == classes
    severities = Counter(d["event"]["severity"] for d in raw)
    assert {row[0]: row[1] for row in rows["alerts_by_level"] if row[1]} == severities
    hours = Counter(f"{(int(d['@timestamp'][11:13]) + 8) % 24:02d}" for d in raw)
    assert {row[0]: row[1] for row in rows["alerts_by_hour"] if row[1]} == hours
    for query, side in (("top_sources", "source"), ("top_targets", "destination")):
        assert {row[0]: row[2] for row in rows[query]} == Counter(d[side]["ip"] for d in raw)
    assert dict(rows["alert_handling"])["resolved"] == 1


def test_the_audit_log_of_the_day(settings: Settings, data: Path, day: Day):
    audit = reading.gather(settings, data, day).audit
    assert audit.sound
    assert sum(audit.actions.values()) == audit.records
    assert "a.after" not in audit.actions
    assert audit.head.partition(":")[0] == str(3 + ("audit.opened" in audit.actions))
    file = next(f for f in sorted((data / "audit").glob("*.jsonl")) if b"a.done" in f.read_bytes())
    file.write_bytes(file.read_bytes().replace(b"a.done", b"a.gone", 1))
    broken = reading.gather(settings, data, day).audit
    assert not broken.sound
    assert broken.problem


def test_what_is_recorded_later_changes_nothing(settings: Settings, data: Path, day: Day):
    before = encode(build(reading.gather(settings, data, day)))
    with AuditLog(data / "audit", clock=lambda: day.until + 9 * SECOND) as log:
        log.append(entry(Identity("li", ("analyst",)), "reports.make", Target("report")))
    assert encode(build(reading.gather(settings, data, day))) == before


def test_the_same_folder_gives_the_same_bytes(settings: Settings, data: Path, day: Day):
    one, other = (encode(build(reading.gather(settings, data, day))) for _ in range(2))
    assert one == other


def test_sensors_of_another_time_say_nothing_of_a_span(settings: Settings, data: Path, day: Day):
    register = reading.register_of(settings)
    now = reading.watch(settings, data, register, day.since, day.until).sensors()
    assert (now.silent, now.dropped, now.axes) == (
        ("eth0",),
        ("eth0",),
        {"attack", "paralysis", "malware", "leak", "tamper"},
    )
    before = reading.watch(settings, data, register, day.since - 9 * SECOND, day.since - SECOND)
    assert (before.sensors().silent, before.flows, before.seen) == ((), 0, frozenset())


def test_an_empty_folder_and_no_register(tmp_path: Path, day: Day):
    found = reading.gather(load(environment={}, assignments=["use_detectors=false"]), tmp_path, day)
    assert (found.register, found.posture, found.run, found.audit) == (None, None, None, None)
    assert found.detectors == ()


def test_rooms_that_hold_records_are_read(settings: Settings, data: Path, day: Day):
    before = reading.gather(settings, data, day)
    assert (before.cases, before.clocks, before.notices, before.playbooks) == (None, None, None, None)
    assert before.drills is None
    (data / "drills" / "broken").mkdir(parents=True)
    (data / "drills" / "broken" / "plan.json").write_bytes(b"")
    (data / "drills" / "broken" / "run.json").write_bytes(b"{")
    Casebook(DocFile(data), settings.cases).take([alert(1, "2024-05-01T01:00:00Z")])
    with RunFile(data).writing():
        pass
    found = reading.gather(settings, data, day)
    assert [c.opened for c in found.cases] == [day.since + 9 * 3600 * SECOND]
    assert (found.clocks, found.unclocked, found.notices, found.playbooks) == ((), 0, (), ())
    assert (found.drills, found.damaged_drills) == ((), ("broken",))
    figures = build(found).figures
    states = {figures[q].state for q in ("cases", "reporting_clocks", "notices", "playbooks")}
    assert states == {"observed"}
    assert encode(build(found)) == encode(build(reading.gather(settings, data, day)))
