"""Alerts' documents in the form of `alerts.ecs`, as far as cases read them."""

from __future__ import annotations

from typing import Any

from alerts import times

DAY0 = times.from_iso("2026-03-02T00:00:00Z")
TACTICS = {"scan": ["TA0007", "TA0043"], "guess": ["TA0006"], "c2": ["TA0011"], "flood": ["TA0040"]}


def alert(
    number: int, source: str = "", target: str = "", *, rule: str = "scan", severity: int = 3, at: int = 0,
    lasts: int = 0, importance: int = 0, unit: str = "", count: int = 1, domain: str = "default",
    rises: tuple[tuple[int, int, int], ...] = (), lane: str = "live", cii: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """An alert detected `at` seconds into the day, that lasts so many; `rises` are (at, from, to)."""
    start = DAY0 + at * times.SECOND
    last = times.to_iso(start + lasts * times.SECOND)
    breakouts = [{"time": times.to_iso(DAY0 + t * times.SECOND), "from": a, "to": b} for t, a, b in rises]
    asset = {"importance": importance, "cii": cii, "system_id": "portal", "system": "门户", "id": "web"}
    return {
        "@timestamp": times.to_iso(start),
        "message": f"{rule} {number}",
        "event": {"id": f"{number:032x}", "kind": "alert", "severity": severity, "action": "kind",
                  "risk_score": 50.0,
                  "start": times.to_iso(start), "end": last, "ingested": times.to_iso(start)},
        "rule": {"id": rule, "name": rule.title()},
        "threat": {"tactic": {"id": TACTICS[rule]}, "technique": {"id": ["T1"]}},
        **({"source": {"address": source, "ip": source}} if source else {}),
        **({"destination": {"address": target, "ip": target}} if target else {}),
        **({"organization": {"id": unit, "name": unit.upper()}} if unit else {}),
        "citywall": {
            "rule_name_zh": "扫描", "message_zh": f"扫描 {number}", "lane": lane, "session": "s1",
            "domain": domain, "entity": source or target,
            "gb20986": {"class": "attack", "subclass": "网络扫描探测"},
            "detector": {"name": rule, "confidence": 1.0},
            "dedup": {"count": count, "first_seen": times.to_iso(start), "last_seen": last,
                      "breakouts": breakouts},
            **({"asset": asset} if unit else {}),
        },
    }  # fmt: skip
