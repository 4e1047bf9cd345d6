"""What is to be told, put in order of flow and number, and what goes on, kept together."""

from __future__ import annotations

import numpy as np

from citywall.kernels import bare_kernel, copy_bytes, shared
from ingest.applications.compiled.layout import GONE, META_AT

TXS = META_AT["txs"]
FREE_TX = META_AT["free_tx"]
FREE_TXS = META_AT["free_txs"]
PUTS = META_AT["puts"]
NOTES = META_AT["notes"]
ODDITIES = META_AT["odd"]
ARENA = META_AT["arena"]
JOBS = META_AT["jobs"]
OVER = META_AT["over"]
LEFT = META_AT["gone"]
# Shorter blocks are moved byte by byte.
_BLOCK = 16


@bare_kernel
def grown(mem, out):
    """Transactions that go on to which something came since they were told; how many."""
    n = 0
    for tx in range(mem.meta[TXS]):
        row = mem.txs[tx]
        if row["used"] and not row["over"] and row["known"] != row["told"]:
            row["told"] = row["known"]
            out[n] = tx
            n += 1
    return n


@bare_kernel
def arrange(mem, ranked, put_order, note_order, put_at, note_at, puts, notes):
    """Rows of the transactions `ranked`, in that order; `put_at`, `note_at`: where those of each begin."""
    for tx in range(mem.meta[TXS]):
        mem.txs[tx]["rank"] = -1
    for rank in range(len(ranked)):
        mem.txs[ranked[rank]]["rank"] = rank
    for k in range(mem.meta[PUTS]):
        put = mem.puts[put_order[k] if len(put_order) else k]
        rank = np.int64(mem.txs[np.int64(put["tx"])]["rank"])
        if rank < 0:
            continue
        made = puts[put_at[rank]]
        put_at[rank] += 1
        made["transaction"] = rank
        made["kind"] = put["kind"]
        made["direction"] = put["direction"]
        made["part"] = put["part"]
        made["frame"] = put["frame"]
        made["at"] = put["at"]
        made["length"] = put["length"]
    for k in range(mem.meta[NOTES]):
        note = mem.notes[note_order[k] if len(note_order) else k]
        rank = np.int64(mem.txs[np.int64(note["tx"])]["rank"])
        if rank < 0:
            continue
        told = notes[note_at[rank]]
        note_at[rank] += 1
        told["transaction"] = rank
        told["field"] = note["field"]
        told["direction"] = note["direction"]
        told["part"] = note["part"]
        told["frame"] = note["frame"]
        told["value"] = note["value"]


@bare_kernel
def rows_of(rows, count, mine, out):
    """Which of `count` rows (PUT, NOTE) are of transactions that `mine` marks, by row of TX.

    `out` has room for as many as there are; the last ones are looked for first, as most of them are new.
    Returns how many were not found.
    """
    n = len(out)
    for k in range(count - 1, -1, -1):
        if n == 0:
            break
        if mine[np.int64(rows[k]["tx"])]:
            n -= 1
            out[n] = k
    return n


@bare_kernel
def open_of(mem, flows, out):
    """The transactions that go on in some flows, flow by flow, as they began; how many."""
    n = 0
    for i in range(len(flows)):
        tx = np.int64(mem.flows[flows[i]]["first"])
        while tx >= 0:
            out[n] = tx
            n += 1
            tx = np.int64(mem.txs[tx]["after"])
    return n


@bare_kernel
def gather(buffers, here, arena, other, out):
    """The bytes of buffers one behind the other: what `here` marks stands in `arena`, the rest in `other`."""
    to = np.int64(0)
    for i in range(len(buffers)):
        row = buffers[i]
        n = np.int64(row["length"])
        copy_bytes(out, to, arena if here[i] else other, np.int64(row["at"]), n)
        row["at"] = to
        to += n


@shared
def _move(arena, to, at, n):
    """Bytes to where they may lie over one another; never up: block by block, each as long as the way."""
    way = at - to
    if way >= _BLOCK:
        while n > 0:
            copy_bytes(arena, to, arena, at, min(n, way))
            to += way
            at += way
            n -= way
    elif way > 0:
        for i in range(n):
            arena[to + i] = arena[at + i]


@bare_kernel
def sweep(mem):
    """What is over goes; the rows of what goes on move together."""
    meta = mem.meta
    for k in range(meta[OVER]):
        row = mem.txs[np.int64(mem.over[k])]
        row["used"] = 0
    if meta[LEFT]:
        meta[LEFT] = 0
        for tx in range(meta[TXS]):
            if mem.txs[tx]["used"] == GONE:
                mem.txs[tx]["used"] = 0
                mem.txs[tx]["after"] = meta[FREE_TX]
                meta[FREE_TX] = tx
                meta[FREE_TXS] += 1
    kept = 0
    size = np.int64(0)
    for k in range(meta[PUTS]):
        put = mem.puts[k]
        if not mem.txs[np.int64(put["tx"])]["used"]:
            continue
        n = np.int64(put["length"])
        _move(mem.arena, size, np.int64(put["at"]), n)
        put["at"] = size
        size += n
        if kept != k:
            mem.puts[kept] = put
        kept += 1
    meta[PUTS] = kept
    meta[ARENA] = size
    kept = 0
    for k in range(meta[NOTES]):
        note = mem.notes[k]
        if mem.txs[np.int64(note["tx"])]["used"]:
            if kept != k:
                mem.notes[kept] = note
            kept += 1
    meta[NOTES] = kept
    for k in range(meta[OVER]):
        tx = np.int64(mem.over[k])
        mem.txs[tx]["after"] = meta[FREE_TX]
        meta[FREE_TX] = tx
        meta[FREE_TXS] += 1
    meta[OVER] = 0
    meta[ODDITIES] = 0
    meta[JOBS] = 0


@bare_kernel
def chunks(pieces, order, flows, out):
    """Pieces of streams (PIECE) in an order as rows of tables (CHUNK); `flows`: the rows of their flows."""
    for i in range(len(order)):
        piece, row = pieces[order[i]], out[i]
        row["flow"] = flows[order[i]]
        row["direction"] = piece["direction"]
        row["length"] = piece["length"]
        row["gap"] = piece["gap"]
        row["offset"] = piece["offset"]
        row["arrived"] = piece["arrived"]
        row["frame"] = piece["frame"]
        row["time"] = piece["time"]
        row["at"] = piece["at"]
