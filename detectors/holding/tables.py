"""The state of what is held: allocating it, feeding it, keeping it through a crash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.batches import FLOW
from citywall.rows import zeros
from detectors import keeping
from detectors.features.kernels import FAR_PAST
from detectors.features.tables import ends_of, read_only, room_for
from detectors.holding import kernels, records
from detectors.holding.kernels import Holds, Output, Tables

_RECORDS = (("held", "slots", 0, records.HELD),)
_BESIDE = (("lines", "held"), ("mute", "held"))


class HoldingParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.holding]`: how much is remembered of connections that are held."""

    held: Annotated[
        int,
        Meta(
            ge=16,
            le=1 << 22,
            extra={"unit": "entities"},
            description="Sources and services with idle connections, callers of directories; 370 bytes.",
        ),
    ] = 1 << 13


@dataclass(frozen=True)
class Held:
    """Copies of records that changed in a way that may matter, each as of the row beside it.

    `rows` index the reports of the call, in order. The next call overwrites them.
    """

    held: NDArray[Any]  # records.HELD
    rows: NDArray[np.int64]
    lines: NDArray[np.uint64]  # [held, MARKS]
    mute: NDArray[np.uint64]  # [held, MARKS]


class Holding(keeping.OneKept):
    """State of the kernel."""

    records, beside = _RECORDS, _BESIDE

    def __init__(self, parameters: HoldingParameters, holds: Holds) -> None:
        self.holds = holds
        n = parameters.held
        self.tables = Tables(
            held=zeros(n + 1, records.HELD),
            slots=keeping.slots_for(n),
            lines=np.zeros((n, records.MARKS), np.uint64),
            mute=np.zeros((n, records.MARKS), np.uint64),
            meta=np.zeros(kernels.META, np.int64),
        )
        self.tables.meta[kernels.CLOCK] = FAR_PAST
        self._output = _output(0)

    def observe_flows(self, reports: NDArray[np.void], ends: NDArray[np.uint64] | None = None) -> Held:
        """Take in at most CHUNK FLOW rows; `ends` are theirs, where they are known."""
        n = 2 * room_for(len(reports))
        self._output = _output(n) if len(self._output.rows) < n else self._output
        ends = ends_of(reports) if ends is None else ends
        with np.errstate(over="ignore"):  # hashes wrap; matters only where the kernel is not compiled
            kernels.observe_flows(read_only(reports, FLOW), ends, self.tables, self.holds, self._output)
        out, told = self._output, int(self._output.n[0])
        return Held(out.held[:told], out.rows[:told], out.lines[:told], out.mute[:told])


def _output(n: int) -> Output:
    marks = (n, records.MARKS)
    return Output(
        np.empty(n, records.HELD), np.empty(n, np.int64), np.empty(marks, np.uint64),
        np.empty(marks, np.uint64), np.zeros(1, np.int64),
    )  # fmt: skip
