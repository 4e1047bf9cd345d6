"""The feature kernel's state: allocating it, feeding it, keeping it through a crash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.batches import EVENT, FLOW
from citywall.rows import zeros
from detectors import keeping
from detectors.features import kernels
from detectors.features.kernels import CONTACT, GROUP, LOGIN, TARGET, Limits, Output, Tables

#: Rows taken at a time: bounds the output, changes no result.
CHUNK = 65_536

_RECORDS = (
    ("contacts", "contact_slots", kernels.CONTACTS, CONTACT),
    ("groups", "group_slots", kernels.GROUPS, GROUP),
    ("targets", "target_slots", kernels.TARGETS, TARGET),
    ("logins", "login_slots", kernels.LOGINS, LOGIN),
)
_BESIDE = (
    ("source_bins", "targets"),
    ("spread_bins", "targets"),
    ("registers", "targets"),
    ("open_logins", "logins"),
)


class FeatureParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.features]`: how much the detectors remember. Memory is taken as the tables fill."""

    contacts: Annotated[
        int,
        Meta(
            ge=16,
            le=1 << 26,
            extra={"unit": "contacts"},
            description="Distinct (source, target, protocol, port) remembered; 48 bytes each.",
        ),
    ] = 1 << 20
    groups: Annotated[
        int,
        Meta(
            ge=16,
            le=1 << 24,
            extra={"unit": "entities"},
            description="Sources with failures, and these by port and by target; 320 bytes each.",
        ),
    ] = 1 << 17
    targets: Annotated[
        int,
        Meta(
            ge=16,
            le=1 << 22,
            extra={"unit": "entities"},
            description="Hosts and prefixes that receive one-way traffic, by kind; 480 bytes each.",
        ),
    ] = 1 << 15
    logins: Annotated[
        int,
        Meta(
            ge=16,
            le=1 << 22,
            extra={"unit": "pairs"},
            description="Sources of login services, by target and port; 400 bytes each.",
        ),
    ] = 1 << 14


@dataclass(frozen=True)
class Seen:
    """Copies of records that changed in a way that may matter, each as of the row beside it.

    `rows` index the reports (or events) of the call; both are in row order. The next call overwrites them.
    """

    groups: NDArray[Any]  # GROUP
    group_rows: NDArray[np.int64]
    targets: NDArray[Any]  # TARGET
    target_rows: NDArray[np.int64]
    source_bins: NDArray[np.uint16]  # [targets, BINS]
    spread_bins: NDArray[np.uint16]  # [targets, BINS]
    registers: NDArray[np.uint8]  # [targets, REGISTERS]
    logins: NDArray[Any]  # LOGIN
    login_rows: NDArray[np.int64]


class Features(keeping.ManyKept):
    """State of one feature kernel: `observe_flows` or `observe_events`, never both on one instance.

    Flows and events keep apart, so that their order against each other cannot matter.
    """

    records, beside = _RECORDS, _BESIDE

    def __init__(self, parameters: FeatureParameters, limits: Limits) -> None:
        self.limits = limits
        self.parameters = parameters
        arrays: dict[str, Any] = {}
        for name, slots, _, dtype in _RECORDS:
            capacity: int = getattr(parameters, name)
            arrays[name] = zeros(capacity + 1, dtype)
            arrays[slots] = keeping.slots_for(capacity)
        arrays["source_bins"] = np.zeros((parameters.targets, kernels.BINS), np.uint16)
        arrays["spread_bins"] = np.zeros((parameters.targets, kernels.BINS), np.uint16)
        arrays["registers"] = np.zeros((parameters.targets, kernels.REGISTERS), np.uint8)
        arrays["open_logins"] = np.zeros((parameters.logins, kernels.OPEN_LOGINS), np.uint16)
        arrays["meta"] = np.zeros(kernels.META, np.int64)
        arrays["meta"][kernels.CLOCK] = kernels.FAR_PAST
        arrays["ahead"] = np.zeros((kernels.AHEAD, kernels.AHEAD_WORDS), np.uint64)
        self.tables = Tables(**arrays)
        self._output = _output(0, 0, 0)

    def observe_flows(self, reports: NDArray[np.void], ends: NDArray[np.uint64] | None = None) -> Seen:
        """Take in at most CHUNK FLOW rows; `ends` are theirs, where they are known."""
        n = room_for(len(reports))
        self._output = _output(3 * n, 2 * n, n) if len(self._output.login_rows) < n else self._output
        ends = ends_of(reports) if ends is None else ends
        with np.errstate(over="ignore"):  # hashes wrap; matters only where the kernel is not compiled
            kernels.observe_flows(read_only(reports, FLOW), ends, self.tables, self.limits, self._output)
        return self._seen()

    def observe_events(self, events: NDArray[np.void]) -> Seen:
        """Take in at most CHUNK EVENT rows."""
        n = room_for(len(events))
        self._output = _output(n, 0, 0) if len(self._output.group_rows) < n else self._output
        with np.errstate(over="ignore"):
            kernels.observe_events(read_only(events, EVENT), self.tables, self.limits, self._output)
        return self._seen()

    def _seen(self) -> Seen:
        output = self._output
        groups, targets, logins = (int(n) for n in output.counts)
        return Seen(
            output.groups[:groups], output.group_rows[:groups],
            output.targets[:targets], output.target_rows[:targets],
            output.source_bins[:targets], output.spread_bins[:targets], output.registers[:targets],
            output.logins[:logins], output.login_rows[:logins],
        )  # fmt: skip


def room_for(n: int) -> int:
    """Rows for which there is to be room in an output, of `n` that come; ValueError beyond CHUNK."""
    if n > CHUNK:
        raise ValueError(f"at most {CHUNK} rows at a time, not {n}")
    return max(n, 256)


def read_only(array: NDArray[np.void], dtype: np.dtype[Any]) -> NDArray[np.void]:
    """A read-only contiguous view, so that kernels are compiled for one kind of array.

    Raises ValueError where rows are not of `dtype`.
    """
    if array.dtype != dtype:
        raise ValueError(f"rows must be {dtype.names}, not {array.dtype}")
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def texts(events: NDArray[np.void]) -> NDArray[np.uint8]:
    """The text (u1[n, TEXT]) of EVENT rows, read-only and contiguous.

    A field of one row is contiguous and one of several is not: kernels would be compiled for both.
    """
    text = np.ascontiguousarray(events["text"])
    text.flags.writeable = False
    return text


def ends_of(reports: NDArray[np.void]) -> NDArray[np.uint64]:
    """Hashes of the source and the target of each FLOW row, which every kernel over flows goes by."""
    ends = np.empty((len(reports), 2), np.uint64)
    with np.errstate(over="ignore"):
        kernels.hash_ends(read_only(reports, FLOW), ends)
    return ends


def _output(groups: int, targets: int, logins: int) -> Output:
    return Output(
        np.empty(groups, GROUP), np.empty(groups, np.int64),
        np.empty(targets, TARGET), np.empty(targets, np.int64),
        np.empty((targets, kernels.BINS), np.uint16), np.empty((targets, kernels.BINS), np.uint16),
        np.empty((targets, kernels.REGISTERS), np.uint8),
        np.empty(logins, LOGIN), np.empty(logins, np.int64),
        np.zeros(3, np.int64),
    )  # fmt: skip
