"""Whether a capture holds flow exports: asked of every one, so apart from what reads them, which is much."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from citywall.batches import TRANSPORT, UDP
from ingest.capture.files import CaptureFile
from ingest.collectors import kernels as k
from ingest.decode.reading import decode_block

#: Packets looked at before a capture is taken for one of exports.
_LOOK = 64
_HEAD = 1 << 17


def are_exports(capture: CaptureFile) -> bool:
    """Whether the first packets of a capture are flow exports, all of them."""
    ref = next(capture.blocks(_HEAD), None)
    if ref is None or not ref.packets:
        return False
    rows = next(decode_block(ref, capture.buffer, min(_LOOK, ref.packets)))
    if not ((rows["status"] == TRANSPORT) & (rows["proto"] == UDP)).all():
        return False
    starts = rows["offset"] + rows["payload_at"]
    ends = starts + np.minimum(rows["payload"].astype(np.int64), rows["captured"] - rows["payload_at"])
    return _sound(capture.buffer, starts, ends)


def _sound(buffer: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> bool:
    """Whether every datagram is an export, and most are whole."""
    if not len(starts) or (ends < starts).any():
        return False
    buffer = buffer.view()
    buffer.flags.writeable = False
    heads = np.zeros(len(starts), k.HEAD)
    sets = np.empty(int((ends - starts).sum()) // 4 + len(starts), k.SET)
    n = k.walk(buffer, starts, ends, heads, sets)
    if (heads["version"] == 0).any():
        return False
    sflow = heads["version"] == k.SFLOW
    filled = sflow.copy()
    filled[sets["datagram"][:n]] = True
    return bool(filled.all()) and int((heads["reason"] == k.NONE).sum()) * 2 > len(heads)
