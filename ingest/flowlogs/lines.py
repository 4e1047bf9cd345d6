"""Lines of a chunk, and why some of them give no flow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

#: Why a line gave no flow. Index 0 is "none".
REASONS = (
    "none",
    "line_too_long",
    "not_json",
    "too_few_columns",
    "too_many_columns",
    "no_header",
    "missing_field",
    "bad_time",
    "bad_address",
    "bad_port",
    "bad_protocol",
    "bad_number",
    "other_log",
    "not_ip",
    "bad_outcome",
)
REASON = {name: i for i, name in enumerate(REASONS)}
#: Bytes a line may have.
MAX_LINE = 1 << 20
#: Line numbers kept for each reason.
KEPT_PLACES = 10


@dataclass(frozen=True)
class Lines:
    """Lines inside `buffer` (u1): where each starts and ends (int64), its 1-based number in the file."""

    buffer: NDArray[np.uint8]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    numbers: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)

    def where(self, mask: NDArray[np.bool_]) -> Lines:
        """The lines that `mask` chooses."""
        return Lines(self.buffer, self.starts[mask], self.ends[mask], self.numbers[mask])

    def part(self, first: int, stop: int) -> Lines:
        """The lines from `first` up to `stop`."""
        some = slice(first, stop)
        return Lines(self.buffer, self.starts[some], self.ends[some], self.numbers[some])

    def text(self, line: int) -> str:
        """A line's text; bytes that are not UTF-8 are replaced."""
        raw: bytes = self.buffer[self.starts[line] : self.ends[line]].tobytes()
        return raw.decode("utf-8", "replace")

    def beginning(self, prefix: bytes) -> NDArray[np.bool_]:
        """Which lines begin with `prefix` (ASCII, letters in either case)."""
        found = self.ends - self.starts >= len(prefix)
        at = self.starts[found]
        hits = np.ones(len(at), np.bool_)
        for k, byte in enumerate(prefix.lower()):
            column = self.buffer[at + k]
            hits &= (column | 0x20 if chr(byte).isalpha() else column) == byte
        found[found] = hits
        return found


def split(data: bytes, first_line: int) -> Lines:
    """Cut `data` at line feeds; carriage returns before them go, blank lines too."""
    buffer = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(buffer == 10).astype(np.int64)
    if len(buffer) and (not len(ends) or ends[-1] != len(buffer) - 1):
        ends = np.append(ends, np.int64(len(buffer)))
    starts = np.concatenate((np.zeros(min(1, len(ends)), np.int64), ends[:-1] + 1))
    numbers = np.arange(first_line, first_line + len(ends), dtype=np.int64)
    returns = (ends > starts) & (buffer[np.maximum(ends - 1, 0)] == 13) if len(ends) else ends > starts
    ends = ends - returns
    lines = Lines(buffer, starts, ends, numbers)
    return lines.where(ends > starts)


@dataclass
class Errors:
    """Lines that gave no flow: counts by reason, and the first line numbers of each."""

    counts: dict[str, int] = field(default_factory=dict)
    places: dict[str, list[int]] = field(default_factory=dict)

    def add(self, reason: str, numbers: NDArray[np.int64]) -> None:
        """Count lines of one reason; `numbers` ascend."""
        if len(numbers):
            self.counts[reason] = self.counts.get(reason, 0) + len(numbers)
            kept = self.places.setdefault(reason, [])
            kept += [int(n) for n in numbers[: KEPT_PLACES - len(kept)]]

    def add_status(self, status: NDArray[np.uint8], numbers: NDArray[np.int64]) -> None:
        """Count every line whose status (an index of REASONS) is not 0."""
        for reason in np.unique(status[status != 0]):
            self.add(REASONS[reason], numbers[status == reason])

    def merge(self, other: Errors) -> None:
        """Take over what came after."""
        for reason, count in other.counts.items():
            self.counts[reason] = self.counts.get(reason, 0) + count
            kept = self.places.setdefault(reason, [])
            kept += other.places.get(reason, [])[: KEPT_PLACES - len(kept)]

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter(sorted(self.counts.items()))
