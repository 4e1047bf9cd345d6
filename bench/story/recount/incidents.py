"""Alerts counted again: by class, level, hour, origin, and who they are about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from typing import Any

from bench.story.recount.facts import Facts, Json, local, seconds

#: Rows of a list of the foremost, and what is called ours, where no setting says otherwise.
TOP = 10
_HOME = [ip_network(n) for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]
HIGH, IMPORTANT = 4, 4


def counted(facts: Facts) -> dict[str, Json]:
    """Figures of what happened."""
    alerts, all_ = facts.alerts, {"alerts": len(facts.alerts)}
    if not alerts:
        none: Json = {"inputs": {}, "values": {}, "rows": []}
        nothing = dict.fromkeys(("alert_fields", "top_sources", "top_targets", "top_units"), none)
        return nothing | _plain(facts, all_) | {"important_systems": _important(facts)}
    return _plain(facts, all_) | {
        "alert_fields": _fields(facts),
        "top_sources": _foremost(facts, "source", "origin"),
        "top_targets": _foremost(facts, "target", "target"),
        "top_units": _units(facts),
        "important_systems": _important(facts),
    }


def _plain(facts: Facts, all_: Json) -> dict[str, Json]:
    alerts = facts.alerts
    classes = Counter(_class(a) for a in alerts)
    false = Counter(_class(a) for a in alerts if facts.status_of(a) == "false_alarm")
    severity = Counter(a["event"]["severity"] for a in alerts)
    graded = [a for a in alerts if a["citywall"]["gb20986"].get("level") is not None]
    levels = Counter(a["citywall"]["gb20986"]["level"] for a in graded)
    by_hour = Counter(local(seconds(a["@timestamp"]))[11:13] for a in alerts)
    high_by_hour = Counter(local(seconds(a["@timestamp"]))[11:13] for a in high(alerts))
    origins = {name: [a for a in alerts if _origin(a) == name] for name in ("outside", "inside", "several")}
    continued = len(facts.spanning) - len(alerts)
    return {
        "alerts_by_class": {
            "inputs": {**all_, "continued": continued},
            "values": {**all_, "classes": len({c for c, _ in classes})},
            "rows": [{"class": c, "subclass": s, "alerts": n, "false_alarms": false[c, s]}
                     for (c, s), n in most(classes)],
        },
        "alerts_by_level": {
            "inputs": all_,
            "values": {"ungraded": len(alerts) - len(graded), "levels": dict(levels)},
            "rows": [{"severity": n, "alerts": severity[n],
                      "graded": sum(a["event"]["severity"] == n for a in graded)} for n in (5, 4, 3, 2, 1)],
        },
        "alerts_by_hour": {
            "inputs": {**all_, "zone": "Asia/Shanghai"},
            "values": {"busiest": max(by_hour.values(), default=0)},
            "rows": [{"hour": f"{h:02d}", "alerts": by_hour[f"{h:02d}"], "high": high_by_hour[f"{h:02d}"]}
                     for h in range(24)],
        },
        "alerts_by_origin": {
            "inputs": all_,
            "values": {name: len(found) for name, found in origins.items()},
            "rows": [{"origin": name, "alerts": len(found), "high": len(high(found))}
                     for name, found in origins.items()],
        },
    }  # fmt: skip


def most(counts: Counter[Any]) -> list[tuple[Any, int]]:
    """Most first, and by name."""
    return sorted(counts.items(), key=lambda kv: (-kv[1], kv[0]))


def high(alerts: Iterable[Json]) -> list[Json]:
    """Those of severity high and critical."""
    return [a for a in alerts if a["event"]["severity"] >= HIGH]


def _class(alert: Json) -> tuple[str, str]:
    named = alert["citywall"]["gb20986"]
    return named["class"], named["subclass"]


def end(alert: Json, side: str) -> str:
    """The one host or network of a side; of several, nothing."""
    network = alert["citywall"].get(side, {}).get("network")
    found = alert.get(side, {})
    if one := network or found.get("address") or found.get("ip"):
        return str(one)
    several = alert["citywall"].get("sources" if side == "source" else "targets", {})
    return str(several["sample"][0]) if several.get("count") == 1 and several.get("sample") else ""


def _origin(alert: Json) -> str:
    try:
        host = ip_address(end(alert, "source").partition("/")[0])
    except ValueError:
        return "several"
    return "inside" if any(host.version == n.version and host in n for n in _HOME) else "outside"


def _fields(facts: Facts) -> Json:
    def whole(alert: Json) -> bool:
        own = alert["citywall"]
        ends = (end(alert, "source") or own.get("sources", {}).get("count")) and (
            end(alert, "destination") or own.get("targets", {}).get("count")
        )
        return bool(ends and alert["rule"].get("category") and alert.get("@timestamp"))

    alerts = facts.alerts
    names = sorted({a["rule"]["id"] for a in alerts})
    complete = sum(map(whole, alerts))
    return {
        "inputs": {"alerts": len(alerts)},
        "values": {"alerts": len(alerts), "complete": complete, "permille": complete * 1000 // len(alerts)},
        "rows": [
            {"detector": n, "alerts": len(own), "complete": sum(map(whole, own))}
            for n in names
            for own in [[a for a in alerts if a["rule"]["id"] == n]]
        ],
    }


def units_of(alert: Json, side: str) -> list[str]:
    """Units that an alert names on a side, `src` or `dst`."""
    found = (entry.get("unit_id") for entry in alert["citywall"].get("asset", {}).get(side, ()))
    return sorted({unit for unit in found if unit})


def _foremost(facts: Facts, column: str, side: str) -> Json:
    """Ends by alerts. A unit stands beside one where it is the only one, or the one that answers."""
    field, own = ("source", "src") if side == "origin" else ("destination", "dst")
    ends = Counter(end(a, field) for a in facts.alerts)
    several = ends.pop("", 0)
    rows = []
    for name, n in most(ends)[:TOP]:
        about = [a for a in facts.alerts if end(a, field) == name]
        named = {unit for a in about for unit in units_of(a, own)}
        answering = {a.get("organization", {}).get("id") for a in about} & named
        unit = next(iter(named if len(named) == 1 else answering if len(answering) == 1 else ()), None)
        rows.append({column: name, "unit": unit and facts.places.name(unit), "alerts": n,
                     "high": len(high(about))})  # fmt: skip
    return {
        "inputs": {"alerts": len(facts.alerts), "shown": TOP},
        "values": {"distinct": len(ends), "several": several},
        "rows": rows,
    }


def _units(facts: Facts) -> Json:
    def unit(alert: Json) -> str:
        return str(alert.get("organization", {}).get("id") or "")

    counts = Counter(unit(a) for a in facts.alerts)
    nobody = counts.pop("", 0)
    if not counts:
        return {"inputs": {}, "values": {}, "rows": []}
    return {
        "inputs": {"alerts": len(facts.alerts), "shown": TOP},
        "values": {"units": len(counts), "nobody": nobody},
        "rows": [
            {"unit": facts.places.name(u), "alerts": n,
             "high": len(high(a for a in facts.alerts if unit(a) == u))}
            for u, n in most(counts)[:TOP]
        ],
    }  # fmt: skip


def _important(facts: Facts) -> Json:
    """Systems of importance 4 or 5, and others where the host that an alert names is as important."""
    important = {s["id"] for s in facts.places.systems if s.get("importance", 0) >= IMPORTANT}
    counts: Counter[tuple[str, str]] = Counter()
    concerned = 0
    for alert in facts.alerts:
        told = {
            (entry["system_id"], name)
            for name, side in (("target", "dst"), ("origin", "src"))
            for entry in alert["citywall"].get("asset", {}).get(side, ())
            if entry.get("system_id") in important
            or (entry.get("system_id") and (entry.get("importance") or 0) >= IMPORTANT)
        }
        counts.update(told)
        concerned += bool(told)
    return {
        "inputs": {"alerts": len(facts.alerts), "important": len(important)},
        "values": {"alerts": concerned, "systems": len({system for system, _ in counts})},
        "rows": [
            {"system": facts.places.name(system), "side": side, "alerts": n}
            for (system, side), n in most(counts)
        ],
    }
