"""Community ID v1 of flows (specification: github.com/corelight/community-id-spec)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from citywall.batches import FLOW
from ingest.community_id import kernels


def community_ids(flows: NDArray[np.void], seed: int = 0) -> NDArray[np.bytes_]:
    """The id of each row of FLOW[n], `"1:"` and the base64 of a SHA-1 digest: 30 ASCII characters.

    ICMP and ICMPv6 messages are paired by type as Zeek does. VLANs do not count, by the specification.
    `seed` (0..65535) sets apart deployments whose addresses overlap.
    """
    if flows.dtype != FLOW:
        raise ValueError("flows must be FLOW rows")
    texts = np.empty((len(flows), kernels.LENGTH), np.uint8)
    rows = np.ascontiguousarray(flows).view()
    rows.flags.writeable = False
    kernels.community_ids(rows, seed, texts)
    found: NDArray[np.bytes_] = texts.reshape(-1).view(f"S{kernels.LENGTH}")
    return found
