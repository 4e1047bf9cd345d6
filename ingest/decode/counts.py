"""Counts of what was read and what could not be, by reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from citywall.batches import REASONS

#: Errors that the walk over record headers, the opening of a file or a live sensor counts, beside
#: `batches.REASONS`.
WALK_ERRORS = (
    "corrupt_record_length",
    "record_truncated",
    "compressed_stream_truncated",
    "compressed_stream_corrupt",
    "spool_limit_reached",
    "captured_length_wrong",
    "packet_block_short",
    "unknown_block",
    "section_header_wrong",
    "interface_block_wrong",
    "interface_limit_reached",
    "packets_dropped",
    "interface_down",
    "sensor_cut_off",
)


@dataclass
class DecodeCounts:
    """Running totals of a reader. `errors` are by name: `batches.REASONS` and `WALK_ERRORS`.

    `packets`: rows decoded. `slow_path`: rows that went through Scapy. `skipped_bytes`: bytes of corrupt
    or truncated records that gave no row.
    """

    packets: int = 0
    slow_path: int = 0
    skipped_bytes: int = 0
    errors: dict[str, int] = field(default_factory=dict)

    def add(self, errors: Mapping[str, int]) -> None:
        """Add counts by name."""
        for name, count in errors.items():
            if count:
                self.errors[name] = self.errors.get(name, 0) + count

    def add_reasons(self, counts: NDArray[np.int64]) -> None:
        """Add counts by index into `batches.REASONS`."""
        self.add({REASONS[i]: int(counts[i]) for i in np.flatnonzero(counts) if i})

    def merge(self, other: DecodeCounts) -> None:
        """Add another reader's totals."""
        self.packets += other.packets
        self.slow_path += other.slow_path
        self.skipped_bytes += other.skipped_bytes
        self.add(other.errors)
