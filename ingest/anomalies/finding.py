"""Decoder events of packets that were decoded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from citywall.batches import PACKET, REASONS
from ingest.anomalies import kernels
from ingest.anomalies.names import CUT_LINK, NAMES, OF_FRAGMENT, OF_REASON

Rows = NDArray[np.void]
Numbers = NDArray[np.int64]

_OF_REASON = np.array([OF_REASON.get(i, 0) for i in range(len(REASONS))], np.int64)


def anomalies(packets: Rows, buffer: NDArray[np.uint8], link: int) -> tuple[Numbers, Numbers]:
    """What is odd about the headers of PACKET rows: (rows, numbers of `names.NAMES`), in the order of rows.

    The bytes are in `buffer`; `link` is the link type of the packets.
    """
    view = buffer.view()
    view.flags.writeable = False
    last = np.full(len(NAMES), -1, np.int64)
    found_rows, found_kinds = [], []
    at = 0
    while at < len(packets):
        rows, kinds = (np.empty(len(NAMES) + 4 * len(packets), np.int64) for _ in range(2))
        count = np.zeros(1, np.int64)
        at = kernels.anomalies(
            view, packets, at, link, _OF_REASON, CUT_LINK.get(link, 0), rows, kinds, last, count
        )
        found_rows.append(rows[: count[0]])
        found_kinds.append(kinds[: count[0]])
    if not found_rows:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    return np.concatenate(found_rows), np.concatenate(found_kinds)


def compile_anomalies() -> None:
    """Compile the kernel, where that has to be: it runs only where rules ask."""
    anomalies(np.zeros(1, PACKET), np.zeros(64, np.uint8), 1)


def of_fragments(events: Rows, packets: Rows, first_frame: int) -> tuple[Numbers, Numbers]:
    """The same of what fragments were told of (EVENT rows) among `packets`, of which the first is a frame."""
    found = [
        (row, OF_FRAGMENT[kind, version])
        for kind, row in zip(events["kind"].tolist(), (events["frame"] - first_frame).tolist(), strict=True)
        if 0 <= row < len(packets) and (kind, version := int(packets["version"][row])) in OF_FRAGMENT
    ]
    rows, kinds = np.array(found, np.int64).reshape(-1, 2).T
    return rows.copy(), kinds.copy()
