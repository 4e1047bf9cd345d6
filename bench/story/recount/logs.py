"""What was looked at and what is kept, counted again from files: flows, sensors, detectors, logs."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyarrow import parquet

from bench.errors import BenchError
from bench.story.recount.facts import Facts, Json, date, local, seconds, utc_day
from bench.story.recount.incidents import TOP, high, most

_AXES = ("attack", "malware", "tamper", "leak", "paralysis")
#: Days that logs must be kept, and days that they are, where no setting says otherwise.
_REQUIRED, _KEPT, _AUDIT_KEPT = 190, 190, 730
#: Remote management that anybody can read.
_CLEAR = {21: "ftp", 23: "telnet", 512: "exec", 513: "login", 514: "shell"}
_NEEDED = ["first", "last", "src", "dst", "proto", "dst_port", "dst_packets", "dst_payload"]


class Flows:
    """The archive's files: flows alive in the day, files that hold some, hosts that sent packets."""

    def __init__(self, facts: Facts) -> None:
        self.count = self.files = 0
        self.hosts: set[str] = set()
        self.clear: Counter[tuple[str, int]] = Counter()
        for path in sorted((facts.data / "flows" / "live").glob("*/*/*.parquet")):
            table = parquet.read_table(path, columns=_NEEDED)
            first, last = ([x / 1e9 for x in _whole(table, name)] for name in ("first", "last"))
            rest = [table.column(name).to_pylist() for name in _NEEDED[2:]]
            found = [
                row for begun, ended, *row in zip(first, last, *rest, strict=True)
                if begun < facts.until and ended >= facts.since
            ]  # fmt: skip
            self.count += len(found)
            self.files += bool(found)
            for source, target, proto, port, answered, said in found:
                self.hosts.add(source)
                if answered:
                    self.hosts.add(target)
                if proto == "tcp" and said and port in _CLEAR and facts.places.located(target):
                    self.clear[target, port] += 1


def _whole(table: Any, name: str) -> list[int]:
    found: list[int] = table.column(name).cast("int64").to_pylist()
    return found


def counted(facts: Facts, figures: Json, flows: Flows) -> dict[str, Json]:
    """Figures of what was looked at and kept; the audit log counts up to the record that the report names."""
    head = figures["audit_chain"]["inputs"]["head"]
    upto = [r for r in facts.audit if r["n"] <= int(head.partition(":")[0])]
    return {
        "audit_chain": _audit(facts, upto),
        "log_retention": _retention(facts, upto),
        "sensors": _sensors(facts),
        "coverage": _coverage(facts, flows),
        "cleartext_management": _clear(facts, flows),
        "detectors_on": _detectors(facts, flows),
        "models": {"inputs": {}, "values": {}, "rows": []},
        "policy_breaches": _breaches(facts, flows),
        "backups": _backups(facts),
        "portals": _portals(facts),
    }


def _audit(facts: Facts, upto: Sequence[Json]) -> Json:
    records = [r for r in upto if date(r["time"]) == facts.day]
    last = upto[-1]
    return {
        "inputs": {"records": len(records), "head": f"{last['n']}:{last['sm3']}"},
        "values": {"records": len(records), "refused": sum(r["outcome"] == "refused" for r in records),
                   "sound": True},
        "rows": [{"action": a, "records": n} for a, n in most(Counter(r["action"] for r in records))],
    }  # fmt: skip


def _retention(facts: Facts, upto: Sequence[Json]) -> Json:
    """What the indices of a server take is told by nobody: it is another number each time it is asked."""
    end = utc_day(facts.until - 1)
    received = [utc_day(seconds(a["event"]["ingested"])) for a in facts.stored]
    parts = sorted((facts.data / "flows" / "live").glob("*/*/*.parquet"))
    size = sum(path.stat().st_size for path in parts)
    parted = [path.parent.parent.name for path in parts]
    days = [r["time"][:10] for r in upto]
    held = _bytes(facts.data) if facts.store == "sqlite" else None
    rows = [
        _kept("alerts", received, end, configured=_KEPT, records=len(received), size=held),
        _kept("flows", parted, end, configured=_KEPT, records=None, size=size),
        _kept(
            "audit", days, end, configured=_AUDIT_KEPT, records=len(days), size=sum(r["size"] for r in upto)
        ),
    ]
    return {
        "inputs": {"required_days": _REQUIRED, "store": facts.store},
        "values": {
            "short": [], "young": [r["log"] for r in rows if r["kept_days"] < _REQUIRED],
            "least": min(r["kept_days"] for r in rows),
        },
        "rows": rows,
    }  # fmt: skip


def _day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def _kept(
    log: str, days: Sequence[str], end: str, *, configured: int, records: int | None, size: int | None
) -> Json:
    held = sorted(set(days))
    kept = (_day(end) - _day(held[0])).days + 1 if held else 0
    return {
        "log": log, "oldest": held[0] if held else None, "to": end, "kept_days": kept,
        "empty_days": kept - len(held), "configured_days": configured, "records": records, "bytes": size,
    }  # fmt: skip


def _bytes(data: Path) -> int:
    """What the embedded store's files hold, by their pages."""
    total = 0
    for path in (data / "alerts" / "live").glob("*.sqlite"):
        base = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        (pages,), (size,) = (
            base.execute(f"PRAGMA {word}").fetchone() for word in ("page_count", "page_size")
        )
        base.close()
        total += pages * size
    return total


def _sensors(facts: Facts) -> Json:
    status = facts.status
    sensors = status["sensors"]
    at, began = (local(status[name] / 1e9) for name in ("at", "began"))
    return {
        "inputs": {"at": at, "began": began, "state": status["state"]},
        "values": {
            "sensors": len(sensors), "dropped": [s["path"] for s in sensors if s["dropped"]],
            "silent": [f["sensor"] for f in status["faults"] if f["kind"] == "silent"],
        },
        "rows": [
            {"sensor": s["path"], "packets": s["packets"], "dropped": s["dropped"],
             "behind": int(s["behind_s"])}
            for s in sensors
        ],
    }  # fmt: skip


def _coverage(facts: Facts, flows: Flows) -> Json:
    places = facts.places
    seen = {system for system, _ in places.seen(flows.hosts)}
    held = {entry.get("system") for entry in places.assets + places.prefixes}
    known = [s["id"] for s in places.systems]
    rows = [
        {"unit": places.name(unit), "systems": len(own), "seen": len(seen.intersection(own))}
        for unit in sorted({s["unit"] for s in places.systems})
        for own in [[s["id"] for s in places.systems if s["unit"] == unit]]
    ]
    return {
        "inputs": {"flows": flows.count, "files": flows.files, "hosts": len(flows.hosts)},
        "values": {
            "systems": len(known), "seen": len(seen.intersection(known)),
            "unheld": sum(system not in held for system in known),
        },
        "rows": rows,
    }  # fmt: skip


def _clear(facts: Facts, flows: Flows) -> Json:
    rows = []
    for (host, port), n in sorted(flows.clear.items(), key=lambda kv: (-kv[1], kv[0]))[:TOP]:
        _, unit = facts.places.located(host) or ("", "")
        rows.append({"host": host, "service": f"{_CLEAR[port]}/{port}",
                     "unit": facts.places.name(unit) if unit else None, "flows": n})  # fmt: skip
    return {
        "inputs": {"flows": flows.count, "hosts": len(flows.hosts)},
        "values": {"services": len(flows.clear), "hosts": len({host for host, _ in flows.clear})},
        "rows": rows,
    }


def _breaches(facts: Facts, flows: Flows) -> Json:
    told = [a for a in facts.alerts if a["rule"]["id"] == "policy"]
    kinds = Counter((a["rule"]["name"], a["event"]["severity"]) for a in told)
    if "policy" not in {d["id"] for d in facts.detectors}:
        return {"inputs": {}, "values": {}, "rows": []}
    return {
        "inputs": {"alerts": len(told), "flows": flows.count},
        "values": {"breaches": len(high(told)), "alerts": len(told)},
        "rows": [
            {"detector": name, "severity": severity, "alerts": n}
            for (name, severity), n in sorted(kinds.items(), key=lambda kv: (-kv[0][1], -kv[1], kv[0]))
        ],
    }


def _backups(facts: Facts) -> Json:
    """Of the journal of backups nothing is counted yet: the story makes none."""
    if any(facts.data.glob("backup*.jsonl")):
        raise BenchError("there are backups, which nobody counts here")
    return {"inputs": {}, "values": {}, "rows": []}


def _portals(facts: Facts) -> Json:
    """Of visits to portals nothing is counted yet: the story's register has none."""
    if any(facts.data.glob("portals/visits/*.jsonl")):
        raise BenchError("portals were visited, which nobody counts here")
    return {"inputs": {}, "values": {}, "rows": []}


def _detectors(facts: Facts, flows: Flows) -> Json:
    by = Counter(a["rule"]["id"] for a in facts.alerts)
    watched = {d["axis"] for d in facts.detectors}
    return {
        "inputs": {"detectors": len(facts.detectors), "flows": flows.count},
        "values": {"detectors": len(facts.detectors), "unwatched": [a for a in _AXES if a not in watched]},
        "rows": [
            {"detector": d["title"], "version": d["version"], "axis": d["axis"],
             "class": d["gb20986"]["class"], "alerts": by[d["id"]]}
            for d in sorted(facts.detectors, key=lambda d: str(d["id"]))
        ],
    }  # fmt: skip
