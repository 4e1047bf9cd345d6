from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from alerts.store import open_store
from alerts.workflow import UNCHANGED, Step, Workflow
from citywall.settings import Settings
from drills import folder, reading, running
from drills.folder import Planned
from drills.running import Attempt, Observed, Run, Started
from reports.day import Day
from reports.facts import drills

SECOND = 10**9
SCENARIO = """\
version: 1
id: small
title: 小演练
title_en: Small drill
purpose: 检验
briefing: 值守
briefing_en: Keep watch
storyline: 扫描
participants: [big-data]
seed: 4
seconds: 24
background: [clocks]
attacks:
  - {id: ports, kind: vertical-scan, at: 4, options: {source: 192.0.2.9, ports: 60, seconds: 5}}
detections:
  - {attack: ports, class: scan, techniques: [T1046], within: 30}
"""


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    """A drill, planned and not run."""
    root = tmp_path_factory.mktemp("data")
    (root / "small.yaml").write_text(SCENARIO, "utf-8")
    return folder.plan(reading.read(root / "small.yaml"), folder.root_of(root), "small-1", 10**18)


def ran(planned: Planned, at: int, **more: Any) -> Run:
    attack = planned.truth.attacks[0]
    assert attack.id == "ports"
    run = Run("s", "1", "r", {"scan": ("T1046",)}, (Attempt(at, 0.0),), at + SECOND, **more)
    (planned.folder / "run.json").write_bytes(msgspec.json.encode(run))
    return run


def alert(planned: Planned) -> dict[str, Any]:
    from alerts import times

    attack = planned.truth.attacks[0]
    when = times.to_iso(attack.start + 2 * SECOND)
    return {
        "@timestamp": when,
        "event": {"id": f"{1:032x}", "severity": 4, "start": when, "end": when, "ingested": when,
                  "action": "x", "risk_score": 50},
        "rule": {"id": "scan", "name": "Scan", "category": "attack"}, "message": "scan",
        "source": {"address": attack.sources[0], "ip": attack.sources[0]},
        "citywall": {"lane": "drill", "session": "s", "entity": "e", "axis": "attack",
                     "detector": {"name": "scan"}, "dedup": {"last_seen": when, "count": 1},
                     "gb20986": {"class": "attack", "subclass": "x"}},
    }  # fmt: skip


def test_no_records(tmp_path: Path, day: Day) -> None:
    assert drills.read(Settings(), tmp_path, day) is None


def test_drills_of_the_year_with_their_scores(held: Planned, day: Day) -> None:
    data, settings = held.folder.parent.parent, Settings()
    store = open_store(settings.store, data)
    store.upsert([alert(held)])
    seen = day.since + SECOND
    (held.folder / "seen.jsonl").write_text(f'{{"alert":"{1:032x}","at":{seen}}}\n', "utf-8")
    ran(held, day.since, alerts=1)
    taken = store.change(f"{1:032x}", Step(seen + 30 * SECOND, "wang", status="acknowledged"), UNCHANGED)
    found = drills.read(settings, data, day)
    assert found is not None
    names = ("小演练", "Small drill")
    told = drills.DrillFact(held.drill.id, names, day.since, 1000, 1000, 2, 30, None)
    assert (found.drills, found.damaged) == ((told,), ())
    store.change(f"{1:032x}", Step(day.until + SECOND, "wang", status="resolved"), taken.version)
    store.close()
    assert drills.read(settings, data, day) == found  # what was done later changes nothing
    after = msgspec.structs.replace(day, until=day.until + 9 * SECOND)
    assert drills.read(settings, data, after).drills[0].respond  # type: ignore[union-attr]

    ran(held, day.since, alerts=2)  # one is past its retention
    assert drills.read(settings, data, day).drills[0].coverage is None  # type: ignore[union-attr]
    for other in (day.until, day.until - 366 * 86_400 * SECOND):
        ran(held, other)
        assert drills.read(settings, data, day) == ((), ())
    (held.folder / "run.json").write_bytes(b"{")
    assert drills.read(settings, data, day) == ((), ("small-1",))
    (held.folder / "run.json").unlink()
    assert drills.read(settings, data, day) == ((), ())


def test_what_had_been_observed_at_a_moment() -> None:
    work = Workflow().after(Step(5, "li", status="acknowledged")).after(Step(9, "li", status="resolved"))
    started = tuple(Started(("a", "b"), at, frozenset("x")) for at in (4, 8))
    whole = Observed(
        Run("s", "1", "r", {}, (Attempt(1, 0.0),), 9), ({"event": {"id": "x"}}, {"event": {"id": "y"}}),
        {"x": 3, "y": 9}, {"x": work}, started,
    )  # fmt: skip
    then = drills.at(whole, 8)
    assert then.run is not None
    assert (then.run.ended, len(then.alerts), then.seen) == (0, 1, {"x": 3})
    assert (then.workflows["x"].status, then.playbooks) == ("acknowledged", started[:1])
    assert drills.at(whole, 10) == whole
    assert running.Observed() == drills.at(Observed(), 8)
