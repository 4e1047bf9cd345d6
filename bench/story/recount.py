"""A day's figures counted again: from documents, lines and files, with none of the code that made the report.

What a register or a formula says (the posture index, whose systems are important) is not counted here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from bench.errors import BenchError
from bench.story.house import PEOPLE
from citywall.permissions import ROLES

_ZONE = ZoneInfo("Asia/Shanghai")
_STATUSES = ("new", "acknowledged", "in_progress", "resolved", "false_alarm")
Json = dict[str, Any]
T = TypeVar("T", str, tuple[str, str])


class Facts:
    """What there is of a day, each list as `--json` gives it; `audit` are the log's own lines."""

    def __init__(
        self, data: Path, day: str, *, alerts: Sequence[Json], workflows: Mapping[str, Json],
        cases: Sequence[Json], runs: Sequence[Json], drills: Sequence[Json], flows: int,
    ) -> None:  # fmt: skip
        self.day = day
        self.alerts = [a for a in alerts if a["citywall"]["lane"] == "live" and day == date(a["@timestamp"])]
        self.workflows = workflows
        self.cases = cases
        self.runs = [r for r in runs if date(r["requested"]) == day]
        self.drills = drills
        self.flows = flows
        self.audit = audit_of(data)
        self.status: Json = json.loads((data / "status.json").read_bytes())
        self.roles = Counter(role for roles in PEOPLE.values() for role in roles) + Counter(["administrator"])


def date(time: str) -> str:
    """The day of a moment where the report's day is."""
    return datetime.fromisoformat(time[:19] + "+00:00").astimezone(_ZONE).date().isoformat()


def audit_of(data: Path) -> list[Json]:
    """The records of the audit log, from its files."""
    files = sorted((data / "audit").glob("*.jsonl"))
    return [json.loads(line) for path in files for line in path.read_text("utf-8").splitlines()]


def differences(figures: Mapping[str, Json], facts: Facts) -> list[str]:
    """Every figure that is not what is counted here; `name: figure, count`."""
    counted = recount(figures, facts)
    if missing := counted.keys() - figures.keys():
        raise BenchError(f"the report lacks {', '.join(sorted(missing))}")
    return [
        f"{name}: {_plain(figures[name], wanted)} in the report, {wanted} by count"
        for name, wanted in counted.items()
        if _plain(figures[name], wanted) != wanted
    ]


def _plain(figure: Json, wanted: Json) -> Json:
    """Of a figure what was counted: values by name, and rows with the columns that were, names in English."""
    known = {**figure["inputs"], **figure["values"]}
    told = {name: known.get(name) for name in wanted if name != "rows"}
    if "rows" in wanted:
        columns = list(wanted["rows"][0]) if wanted["rows"] else []
        told["rows"] = [{name: _english(row[name]) for name in columns} for row in figure["rows"]]
    return told


def _english(value: object) -> object:
    return value[-1] if isinstance(value, list) else value


def recount(figures: Mapping[str, Json], facts: Facts) -> dict[str, Json]:
    """What the figures must be."""
    return {**_alerts(facts), **_people(facts), **_logs(figures, facts)}


def _most(counts: Counter[T]) -> list[tuple[T, int]]:
    """Most first, and by name."""
    return sorted(counts.items(), key=lambda kv: (-kv[1], kv[0]))


def _alerts(facts: Facts) -> dict[str, Json]:
    alerts = facts.alerts
    severity = Counter(a["event"]["severity"] for a in alerts)
    classes = Counter(
        (a["citywall"]["gb20986"]["class"], a["citywall"]["gb20986"]["subclass"]) for a in alerts
    )
    hours = Counter(
        datetime.fromisoformat(a["@timestamp"][:19] + "+00:00").astimezone(_ZONE).hour for a in alerts
    )
    sources = Counter(a["source"]["ip"] for a in alerts if a.get("source", {}).get("ip"))
    targets = Counter(a["destination"]["address"] for a in alerts if "destination" in a)
    detectors = Counter(a["rule"]["id"] for a in alerts)
    graded = [a for a in alerts if a["citywall"]["gb20986"].get("level") is not None]
    return {
        "alerts_by_class": {
            "alerts": len(alerts), "classes": len({c for c, _ in classes}),
            "rows": [{"class": c, "subclass": s, "alerts": n}
                     for (c, s), n in _most(classes)],
        },
        "alerts_by_level": {
            "ungraded": len(alerts) - len(graded),
            "rows": [{"severity": level, "alerts": severity[level]} for level in (5, 4, 3, 2, 1)],
        },
        "alerts_by_hour": {
            "busiest": max(hours.values(), default=0),
            "rows": [{"hour": f"{hour:02d}", "alerts": hours[hour]} for hour in range(24)],
        },
        "alert_fields": {
            "alerts": len(alerts),
            "rows": [{"detector": name, "alerts": n} for name, n in sorted(detectors.items())],
        },
        "top_sources": {
            "distinct": len(sources),
            "rows": [{"source": ip, "alerts": n} for ip, n in _most(sources)],
        },
        "top_targets": {
            "distinct": len(targets),
            "rows": [{"target": to, "alerts": n} for to, n in _most(targets)],
        },
    }  # fmt: skip


def _people(facts: Facts) -> dict[str, Json]:
    statuses = Counter(facts.workflows.get(a["event"]["id"], {}).get("status", "new") for a in facts.alerts)
    owners = {w["owner"] for w in facts.workflows.values() if w.get("owner")}
    levels = Counter(c["level"] or "" for c in facts.cases)
    closed = Counter(c["level"] or "" for c in facts.cases if c["status"] == "closed")
    titles = sorted({r["title"] for r in facts.runs})
    return {
        "alert_handling": {
            "owners": len(owners),
            "rows": [{"status": status, "alerts": statuses[status]} for status in _STATUSES],
        },
        "cases": {
            "cases": len(facts.cases), "closed": closed.total(),
            "rows": [{"level": x, "cases": n, "closed": closed[x]} for x, n in sorted(levels.items())],
        },
        "playbooks": {
            "runs": len(facts.runs), "failed": sum(r["status"] == "failed" for r in facts.runs),
            "rows": [
                {
                    "playbook": title, "runs": len(own), "live": sum(r["live"] for r in own),
                    "completed": sum(r["status"] == "completed" for r in own),
                }
                for title in titles
                for own in [[r for r in facts.runs if r["title"] == title]]
            ],
        },
        "drills": {
            "drills": len(facts.drills),
            "rows": [{"coverage": _permille(d["coverage"]), "precision": _permille(d["precision"]),
                      "detect": _whole(d["time_to_detect"])} for d in facts.drills],
        },
        "notices": {"notices": 0, "overdue": 0},
    }  # fmt: skip


def _permille(share: float | None) -> int | None:
    return None if share is None else round(share * 1000)


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)


def _logs(figures: Mapping[str, Json], facts: Facts) -> dict[str, Json]:
    head = int(str(figures["audit_chain"]["inputs"]["head"]).partition(":")[0])
    records = [r for r in facts.audit if r["n"] <= head and date(r["time"]) == facts.day]
    actions = Counter(r["action"] for r in records)
    sensors = facts.status["sensors"]
    return {
        "audit_chain": {
            "records": len(records), "refused": sum(r["outcome"] == "refused" for r in records),
            "sound": True,
            "rows": [{"action": a, "records": n} for a, n in _most(actions)],
        },
        "coverage": {"flows": facts.flows},
        "role_separation": {
            "accounts": len(PEOPLE) + 1,
            "rows": [{"role": role, "accounts": facts.roles[role]} for role in ROLES],
        },
        "sensors": {
            "sensors": len(sensors),
            "rows": [
                {"sensor": s["path"], "packets": s["packets"], "dropped": s["dropped"]} for s in sensors
            ],
        },
    }  # fmt: skip
