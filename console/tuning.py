"""Trying detectors: on made-up attacks, and on the flow archive with other thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from alerts.archive import FlowArchive
from alerts.flowread import groups, plain, reading
from citywall.batches import END, END_LOGGED, EVENT, FLOW
from citywall.findings import Finding, Severity
from citywall.settings import Settings
from detectors.registry import build
from drills.traffic.injections import INJECTIONS, INTENSITIES, bad_host
from drills.traffic.rows import SECOND

Said = dict[tuple[str, str], Finding]
_BEGUN = 1_714_521_600 * SECOND
_LATE_S = 12 * 3600.0
_NO_EVENTS = np.empty(0, EVENT)


def trials(name: str, settings: Settings) -> list[dict[str, Any]]:
    """Every made-up attack that a detector is to tell, with seconds to the first finding by intensity."""
    told = []
    for n, attack in enumerate(INJECTIONS):
        if name not in attack.detectors:
            continue
        seconds: dict[str, float | None] = {}
        for level, intensity in enumerate(INTENSITIES):
            rows, events = attack.made(_BEGUN, _LATE_S, level, bad_host(n))
            found = build(settings.detectors, settings.home).process(rows, events, "trial", "test")
            times = [f.time for f in found if f.detector == name and f.severity > Severity.INFORMATIONAL]
            began = int(rows["first"].min()) if len(rows) else _BEGUN + int(_LATE_S) * SECOND
            seconds[intensity] = round((min(times) - began) / SECOND, 1) if times else None
        told.append({"attack": attack.id, "seconds": seconds})
    return told


def retold(name: str, data: Path, settings: Settings, lane: str = "live") -> Said:
    """What a detector says of the archive's flows under these settings: its last finding of each entity."""
    detectors = build(settings.detectors, settings.home)
    said: Said = {}
    for session, rows in archived(data, lane):
        for finding in detectors.process(rows, _NO_EVENTS, session, lane):
            if finding.detector == name:
                said[finding.kind, finding.entity] = finding
    return said


def compare(name: str, data: Path, before: Settings, after: Settings) -> dict[str, Any]:
    """What would have been raised with other settings, beside what is raised with the present ones."""
    one, other = retold(name, data, before), retold(name, data, after)
    return {
        "detector": name,
        "before": _counted(one),
        "after": _counted(other),
        "gone": [_told(one[key]) for key in one if key not in other],
        "new": [_told(other[key]) for key in other if key not in one],
        "changed": [
            _told(other[key]) | {"was": int(one[key].severity)}
            for key in other
            if key in one and one[key].severity != other[key].severity
        ],
    }


def archived(data: Path, lane: str) -> Iterator[tuple[str, NDArray[np.void]]]:
    """The archive's flows as flow logs tell them: a row a flow, a file at a time, by their beginning."""
    for path in sorted(FlowArchive(data, read_only=True).paths(lane)):
        with reading(path) as file:
            if file is None:
                continue
            for table, constants in groups(file, lane, columns=plain, wanted=lambda _: True):
                yield constants["session"], flows_of(table)


def flows_of(table: pa.Table) -> NDArray[np.void]:
    """Rows of the archive as FLOW rows."""
    rows = np.zeros(len(table), FLOW)
    for name in table.column_names:
        if name in (rows.dtype.names or ()) and name not in ("proto", "reason", "first", "last"):
            rows[name] = table[name].to_numpy()
    for name in ("first", "last"):
        rows[name] = table[name].cast(pa.int64()).to_numpy()
    for side in ("src", "dst"):
        raw = b"".join(table[f"{side}_address"].to_pylist())
        words = np.frombuffer(raw, ">u8").reshape(-1, 2)
        rows[f"{side}_hi"], rows[f"{side}_lo"] = words[:, 0], words[:, 1]
        for what in ("packets", "bytes"):
            most = np.iinfo(rows.dtype[f"{side}_{what}_delta"]).max
            rows[f"{side}_{what}_delta"] = np.minimum(rows[f"{side}_{what}"], most)
    rows["proto"] = _codes(table["proto"])
    rows["kind"], rows["reason"], rows["time"] = END, END_LOGGED, rows["first"]
    return rows[np.lexsort((rows["flow_id"], rows["time"]))]


def _codes(column: Any) -> NDArray[np.int64]:
    from alerts.flowtable import PROTOCOLS

    numbers: Mapping[str, int] = {name: n for n, name in enumerate(PROTOCOLS)}
    return np.array([numbers[name] for name in column.to_pylist()], np.int64)


def _counted(said: Said) -> dict[str, int]:
    counts = dict.fromkeys((s.name.lower() for s in Severity), 0)
    for finding in said.values():
        counts[finding.severity.name.lower()] += 1
    return counts


def _told(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind, "entity": finding.entity, "severity": int(finding.severity),
        "score": finding.score, "threshold": finding.threshold,
    }  # fmt: skip
