"""The fragment kernel: what hostile fragments come to each host, from whom, within a window of event time.

Records stand in a table of slots and are found by probing eight of them; where all are taken, the one that
was quiet longest is given up. A copy of a record as of each event is handed out.
"""

from __future__ import annotations

import numpy as np

from citywall.batches import DATAGRAM_ABANDONED, FRAGMENT_OVERLAP, FRAGMENT_TINY, FRAGMENT_TOO_LARGE
from citywall.kernels import bare_kernel, hash_address, mix64

U8 = np.uint64
FAR = 1 << 61  # no arithmetic on times within it overflows
PROBES = 8
SLOTS = 2048
# meta
CLOCK, EVICTED, USED = 0, 1, 2

RECORD = np.dtype(
    [
        ("hi", "u8"), ("lo", "u8"),  # the host
        ("began", "i8"), ("last", "i8"),  # of the window
        ("src_hi", "u8"), ("src_lo", "u8"),  # who sent last
        ("first_time", "i8"), ("first_offset", "i8"), ("first_frame", "i8"),
        ("first_src_hi", "u8"), ("first_src_lo", "u8"),
        ("domain", "u4"),
        ("overlaps", "u4"), ("tiny", "u4"), ("oversized", "u4"), ("abandoned", "u4"),
        ("used", "u1"), ("several", "u1"),  # sources differ
    ],
    align=True,
)  # fmt: skip


@bare_kernel
def observe_events(events, records, meta, window, out, rows):
    """Take in EVENT rows, in order; copies go to `out` (RECORD), their rows to `rows` (i8). How many.

    `records` is RECORD[SLOTS], `window` in ns. Events that are not of fragments are passed over.
    """
    told = 0
    for n in range(events.shape[0]):
        row = events[n]
        kind = row["kind"]
        clock = max(meta[CLOCK], min(row["time"], np.int64(FAR)))
        meta[CLOCK] = clock
        if (
            kind != FRAGMENT_OVERLAP
            and kind != FRAGMENT_TINY
            and kind != FRAGMENT_TOO_LARGE
            and kind != DATAGRAM_ABANDONED
        ):
            continue
        hi, lo, domain = row["dst_hi"], row["dst_lo"], row["domain"]
        at = np.int64(mix64(hash_address(hi, lo, U8(domain))) & U8(len(records) - 1))
        place = np.int64(-1)
        quiet = at
        for k in range(PROBES):
            i = (at + k) & (len(records) - 1)
            r = records[i]
            if r["used"] == 0:
                place = i
                break
            if r["lo"] == lo and r["hi"] == hi and r["domain"] == domain:
                place = i
                break
            if r["last"] < records[quiet]["last"]:
                quiet = i
        if place < 0:
            place = quiet
            records[place]["used"] = 0
            meta[EVICTED] += 1
            meta[USED] -= 1
        r = records[place]
        fresh = r["used"] == 0
        if fresh:
            meta[USED] += 1
        if fresh or clock - r["began"] > window:
            r["used"] = 1
            r["hi"] = hi
            r["lo"] = lo
            r["domain"] = domain
            r["began"] = clock
            r["several"] = 0
            r["overlaps"] = 0
            r["tiny"] = 0
            r["oversized"] = 0
            r["abandoned"] = 0
            r["first_time"] = clock
            r["first_offset"] = row["offset"]
            r["first_frame"] = row["frame"]
            r["first_src_hi"] = row["src_hi"]
            r["first_src_lo"] = row["src_lo"]
        elif r["src_lo"] != row["src_lo"] or r["src_hi"] != row["src_hi"]:
            r["several"] = 1
        r["last"] = clock
        r["src_hi"] = row["src_hi"]
        r["src_lo"] = row["src_lo"]
        if kind == FRAGMENT_OVERLAP:
            r["overlaps"] += 1
        elif kind == FRAGMENT_TINY:
            r["tiny"] += 1
        elif kind == FRAGMENT_TOO_LARGE:
            r["oversized"] += 1
        else:
            r["abandoned"] += 1
        out[told] = r
        rows[told] = n
        told += 1
    return told
