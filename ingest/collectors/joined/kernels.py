"""Records to flows of both directions to columns, a few at a time: what is in between stays near."""

from __future__ import annotations

import numpy as np

from citywall.kernels import bare_kernel
from ingest.collectors.pairing.kernels import columns, pair
from ingest.collectors.reading.kernels import some_records


@bare_kernel
def flows(
    buffer, sets, layouts, ops, places, heads, sources, rates, samplers, row, clocks, wait, slack, slots,
    waiting, state, some, out, n, first, duration, src_hi, src_lo, dst_hi, dst_lo, src_port, dst_port, proto,
    src_packets, dst_packets, src_bytes, dst_bytes, src_payload, dst_payload, src_flags, dst_flags,
    first_flags, icmp_type, icmp_code, vlan, src_mac, dst_mac, sampling,
):  # fmt: skip
    """`records`, then `pair` by the clocks of datagrams, then `columns` from `n` on.

    `some` (HALF[k]) is room for a few records, `out` (HALF[k + m]) for what comes of them. Returns flows
    written so far, and the records that they come of.
    """
    count = np.int64(0)
    s, at = np.int64(0), np.int64(-1)
    while s < len(sets):
        s, at, few, _ = some_records(
            buffer, sets, s, at, layouts, ops, places, heads, sources, rates, samplers, row, some
        )
        count += few
        told = pair(some, few, clocks, True, wait, slack, slots, waiting, state, out)
        columns(
            out, told, n, first, duration, src_hi, src_lo, dst_hi, dst_lo, src_port, dst_port, proto,
            src_packets, dst_packets, src_bytes, dst_bytes, src_payload, dst_payload, src_flags, dst_flags,
            first_flags, icmp_type, icmp_code, vlan, src_mac, dst_mac, sampling,
        )  # fmt: skip
        n += told
    return n, count
