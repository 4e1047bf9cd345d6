"""The state of what is usual: allocating it, feeding it, keeping it through a crash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.batches import FLOW
from detectors import keeping
from detectors.baselines import kernels, records
from detectors.baselines.kernels import Norms, Output, Tables
from detectors.features.kernels import AHEAD, FAR_PAST
from detectors.features.tables import ends_of, read_only, room_for

#: (records, slots, place in meta, dtype).
_RECORDS = (
    ("probers", "prober_slots", kernels.PROBERS, records.PROBER),
    ("aims", "aim_slots", kernels.AIMS, records.AIM),
    ("services", "service_slots", kernels.SERVICES, records.SERVICE),
    ("hosts", "host_slots", kernels.HOSTS, records.HOST),
    ("jobs", "job_slots", kernels.JOBS, records.JOB),
    ("segments", "segment_slots", kernels.SEGMENTS, records.SEGMENT),
)
#: What stands beside a record: (name, of, shape, dtype, whether copies go out).
_BESIDE: tuple[tuple[str, str, tuple[int, ...], Any, bool], ...] = (
    ("failing", "probers", (records.RANKS,), np.uint8, True),
    ("answering", "probers", (records.RANKS,), np.uint8, True),
    ("ports", "probers", (records.RANKS,), np.uint8, True),
    ("nets", "probers", (records.RANKS,), np.uint8, True),
    ("marks", "aims", (records.MARKS,), np.uint64, True),
    ("comers", "aims", (records.COMERS,), np.uint64, True),
    ("aimers", "aims", (records.HEAVY,), np.uint64, True),
    ("aimed", "aims", (records.HEAVY,), np.int64, True),
    ("askers", "services", (records.RANKS,), np.uint8, True),
    ("loud", "services", (records.HEAVY,), np.uint64, True),
    ("loudness", "services", (records.HEAVY,), np.int64, True),
    ("cells", "hosts", (2, records.WEEK, records.WEEKS), np.uint8, False),
    ("started", "jobs", (records.RUNS,), np.int64, False),
    ("moved", "jobs", (records.RUNS,), np.int64, False),
)


def _many(unit: str, most: int, description: str) -> Any:
    return Meta(ge=16, le=most, extra={"unit": unit}, description=description)


class BaselineParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.baselines]`: how much of what is usual is kept. Memory is taken as the tables fill."""

    probers: Annotated[
        int, _many("sources", 1 << 22, "Sources with failing contacts in a day; about 500 bytes each.")
    ] = 1 << 15
    aims: Annotated[
        int, _many("targets", 1 << 22, "Hosts and prefixes asked for in vain; about 510 bytes each.")
    ] = 1 << 14
    services: Annotated[
        int, _many("services", 1 << 22, "TCP services whose rate is known; about 470 bytes each.")
    ] = 1 << 16
    hosts: Annotated[
        int,
        _many("hosts", 1 << 20, "Hosts of ours by hour of the week, clients and servers; 1,700 bytes each."),
    ] = 1 << 13
    jobs: Annotated[
        int, _many("jobs", 1 << 18, "Pairs that move much, such as backups; about 420 bytes each.")
    ] = 1 << 12
    segments: Annotated[
        int, _many("domains", 1 << 16, "Network domains that flows are heard of; about 210 bytes each.")
    ] = 1 << 9


@dataclass(frozen=True)
class Noted:
    """Copies of records that changed in a way that may matter, each as of the row beside it.

    `*_rows` index the reports of the call, in row order. The next call overwrites them.
    """

    probers: NDArray[Any]  # records.PROBER
    prober_rows: NDArray[np.int64]
    failing: NDArray[np.uint8]  # [probers, RANKS], like the three below
    answering: NDArray[np.uint8]
    ports: NDArray[np.uint8]
    nets: NDArray[np.uint8]
    aims: NDArray[Any]  # records.AIM
    aim_rows: NDArray[np.int64]
    marks: NDArray[np.uint64]  # [aims, MARKS]
    comers: NDArray[np.uint64]  # [aims, COMERS]
    aimers: NDArray[np.uint64]  # [aims, HEAVY]
    aimed: NDArray[np.int64]
    services: NDArray[Any]  # records.SERVICE
    service_rows: NDArray[np.int64]
    askers: NDArray[np.uint8]  # [services, RANKS]
    loud: NDArray[np.uint64]  # [services, HEAVY]
    loudness: NDArray[np.int64]
    hosts: NDArray[Any]  # records.HOST
    host_rows: NDArray[np.int64]
    jobs: NDArray[Any]  # records.JOB
    job_rows: NDArray[np.int64]
    segments: NDArray[Any]  # records.SEGMENT
    segment_rows: NDArray[np.int64]


class Baselines(keeping.ManyKept):
    """State of one kernel of what is usual."""

    records, beside = _RECORDS, [each[:2] for each in _BESIDE]

    def __init__(self, parameters: BaselineParameters, norms: Norms) -> None:
        self.norms = norms
        self.parameters = parameters
        arrays: dict[str, Any] = {}
        for name, slots, _, dtype in _RECORDS:
            capacity: int = getattr(parameters, name)
            arrays[name] = np.zeros(capacity + 1, dtype)
            arrays[slots] = keeping.slots_for(capacity)
        for name, of, shape, kind, _ in _BESIDE:
            arrays[name] = np.zeros((getattr(parameters, of), *shape), kind)
        arrays["meta"] = np.zeros(kernels.META, np.int64)
        arrays["meta"][[kernels.CLOCK, kernels.SWEPT, kernels.SAMPLED]] = FAR_PAST
        arrays["ahead"] = np.zeros((AHEAD, kernels.AHEAD_WORDS), np.uint64)
        arrays["scratch"] = np.zeros((kernels.SAME_HOUR + 7) * records.WEEKS, np.int64)
        self.tables = Tables(**arrays)
        self._output = self._room(0)

    @property
    def refused(self) -> int:
        """Reports of hosts that a full table did not take in."""
        return int(self.tables.meta[kernels.REFUSED])

    def observe_flows(self, reports: NDArray[np.void], ends: NDArray[np.uint64] | None = None) -> Noted:
        """Take in at most CHUNK FLOW rows; `ends` are theirs, where they are known."""
        n = room_for(len(reports))
        self._output = self._room(n) if len(self._output.prober_rows) < n else self._output
        ends = ends_of(reports) if ends is None else ends
        with np.errstate(over="ignore"):  # hashes wrap; matters only where the kernel is not compiled
            kernels.observe_flows(read_only(reports, FLOW), ends, self.tables, self.norms, self._output)
        return self._noted()

    def _room(self, n: int) -> Output:
        """Room for what `n` reports may change; sweeps may show all jobs and segments, again once heard."""
        p = self.parameters
        rooms = {
            "probers": n, "aims": 2 * n, "services": n, "hosts": 2 * n,
            "jobs": 2 * (n + p.jobs) if n else 0, "segments": 2 * (n + p.segments) if n else 0,
        }  # fmt: skip
        arrays: dict[str, Any] = {}
        for name, _, _, dtype in _RECORDS:
            arrays[name] = np.empty(rooms[name], dtype)
            arrays[f"{name[:-1]}_rows"] = np.empty(rooms[name], np.int64)
        for name, of, shape, kind, out in _BESIDE:
            if out:
                arrays[name] = np.empty((rooms[of], *shape), kind)
        arrays["counts"] = np.zeros(kernels.OUTS, np.int64)
        return Output(**arrays)

    def _noted(self) -> Noted:
        out = self._output._asdict()
        counts = {name: int(n) for (name, *_), n in zip(_RECORDS, out["counts"], strict=True)}
        told = {}
        for name, n in counts.items():
            told[name] = out[name][:n]
            told[f"{name[:-1]}_rows"] = out[f"{name[:-1]}_rows"][:n]
        told |= {name: out[name][: counts[of]] for name, of, _, _, shown in _BESIDE if shown}
        return Noted(**told)
