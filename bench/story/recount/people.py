"""What people did counted again: handling, cases, clocks, notices, playbooks, drills, accounts."""

from __future__ import annotations

from collections import Counter

from bench.story.recount.facts import Facts, Json, date, local, seconds
from bench.story.recount.incidents import HIGH, TOP
from citywall.permissions import ROLES

_STATUSES = ("new", "acknowledged", "in_progress", "resolved", "false_alarm")
_CLOCKS = ("met", "late", "overdue", "running")
_DUTIES = ("administrator", "approver", "auditor")
#: Outcomes of cases that were no incident: their file needs no more.
_NOTHING = ("false_positive", "duplicate")


def counted(facts: Facts) -> dict[str, Json]:
    """Figures of what people did."""
    return {
        "alert_handling": _handling(facts),
        "cases": _cases(facts),
        "reporting_clocks": _clocks(facts),
        "notices": {"inputs": {"notices": 0}, "values": {"notices": 0, "overdue": 0}, "rows": []},
        "playbooks": _playbooks(facts),
        "drills": _drills(facts),
        "role_separation": _accounts(facts),
    }


def _handling(facts: Facts) -> Json:
    if not facts.alerts:
        return {"inputs": {}, "values": {}, "rows": []}
    statuses = Counter(facts.status_of(a) for a in facts.alerts)
    owners, waits, untouched = set(), [], 0
    for alert in facts.alerts:
        work = facts.workflows.get(alert["event"]["id"], {})
        if work.get("owner"):
            owners.add(work["owner"])
        acted = [
            s["at"] for s in work.get("history", ()) if s.get("status", "new") != "new" or s.get("owner")
        ]
        if acted:
            received = round(seconds(alert["event"]["ingested"]) * 1e6)
            waits.append(max(min(acted) // 1000 - received, 0) // 1_000_000)
        else:
            untouched += alert["event"]["severity"] >= HIGH
    waits.sort()
    return {
        "inputs": {"alerts": len(facts.alerts)},
        "values": {
            "acknowledged": len(waits), "open_high": untouched, "owners": len(owners),
            "median_seconds": waits[(len(waits) - 1) // 2] if waits else None,
        },
        "rows": [{"status": status, "alerts": statuses[status]} for status in _STATUSES],
    }  # fmt: skip


def _cases(facts: Facts) -> Json:
    closed = [c for c in facts.cases if c["status"] == "closed"]
    whole = [c for c in closed if _whole(c)]
    opened = [
        c for c in facts.cases if date(c["detected_at"] if c["opened_by"] else c["known_at"]) == facts.day
    ]
    levels = Counter(c["level"] or "" for c in facts.cases)

    def at(level: str, cases: list[Json]) -> int:
        return sum((c["level"] or "") == level for c in cases)

    return {
        "inputs": {"cases": len(facts.cases)},
        "values": {
            "cases": len(facts.cases), "opened": len(opened), "closed": len(closed), "whole": len(whole),
            "unacknowledged": sum(c["known_at"] is None for c in facts.cases),
        },
        "rows": [
            {"level": level, "cases": n, "closed": at(level, closed), "whole": at(level, whole)}
            for level, n in sorted(levels.items())
        ],
    }  # fmt: skip


def _whole(case: Json) -> bool:
    """Evidence was named and the summary made, where there was an incident."""
    steps = {(s["what"], s.get("value")) for s in case["history"]}
    named = any(what == "evidence" for what, _ in steps) and ("report", "summary") in steps
    return case["outcome"] in _NOTHING or named


def _clocks(facts: Facts) -> Json:
    found = [clock for case in facts.cases for clock in case["clocks"] if clock["report"] != "supplement"]
    counts = Counter(_state(clock, facts.until) for clock in found)
    states = {state: counts[state] for state in _CLOCKS}
    rows = [{"clock": state, "reports": n} for state, n in states.items()]
    return {"inputs": {"clocks": len(found)}, "values": states, "rows": rows}


def _state(clock: Json, until: float) -> str:
    if clock.get("done") and seconds(clock["done"]) < until:
        return "met" if clock["done"] <= clock["due"] else "late"
    return "overdue" if seconds(clock["due"]) < until else "running"


def _playbooks(facts: Facts) -> Json:
    def ended(runs: list[Json], status: str) -> int:
        return sum(r["status"] == status for r in runs)

    titles = sorted({r["title"] for r in facts.runs})
    return {
        "inputs": {"runs": len(facts.runs)},
        "values": {"runs": len(facts.runs), "failed": ended(facts.runs, "failed")},
        "rows": [
            {"playbook": title, "runs": len(own), "live": sum(r["live"] for r in own),
             "completed": ended(own, "completed"), "failed": ended(own, "failed")}
            for title in titles
            for own in [[r for r in facts.runs if r["title"] == title]]
        ],
    }  # fmt: skip


def _drills(facts: Facts) -> Json:
    return {
        "inputs": {"drills": len(facts.drills), "shown": TOP},
        "values": {"drills": len(facts.drills)},
        "rows": [
            {
                "drill": d["title_en"], "held": local(d["began"])[:10],
                "coverage": _whole_number(d["coverage"], 1000),
                "precision": _whole_number(d["precision"], 1000),
                "detect": _whole_number(d["time_to_detect"]),
                "acknowledge": _whole_number(d["time_to_acknowledge"]),
                "respond": _whole_number(d["time_to_respond"]),
            }
            for d in sorted(facts.drills, key=lambda d: (-d["began"], d["id"]))
        ][:TOP],
    }  # fmt: skip


def _whole_number(value: float | None, times: int = 1) -> int | None:
    return None if value is None else round(value * times)


def _accounts(facts: Facts) -> Json:
    counts = Counter(role for roles in facts.accounts for role in roles)
    return {
        "inputs": {"accounts": len(facts.accounts)},
        "values": {
            "lacking": [duty for duty in _DUTIES if not counts[duty]],
            "both": sum(len(set(roles) & set(_DUTIES)) > 1 for roles in facts.accounts),
        },
        "rows": [{"role": role, "accounts": counts[role]} for role in ROLES],
    }
