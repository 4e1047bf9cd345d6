"""What parsers say, as rows: transactions that begin and end, their buffers, numbers and oddities."""

from __future__ import annotations

import numpy as np

from citywall.kernels import copy_bytes, internal, shared
from ingest.applications.compiled.layout import (
    CONFIG_AT,
    META_AT,
    NO_ROOM,
    PAGE,
    SHORT_ARENA,
    SHORT_NODES,
    SHORT_PAGES,
    SHORT_ROWS,
    SHORT_TXS,
)
from ingest.applications.compiled.memory.kernels import copy_out, nodes_left, pages_left
from ingest.applications.parser import MOST_OPEN

TXS = META_AT["txs"]
FREE_TX = META_AT["free_tx"]
FREE_TXS = META_AT["free_txs"]
PUTS = META_AT["puts"]
NOTES = META_AT["notes"]
ODDITIES = META_AT["odd"]
ARENA = META_AT["arena"]
JOBS = META_AT["jobs"]
TURN = META_AT["turn"]
OVER = META_AT["over"]
STOP = META_AT["stop"]
SHORT = META_AT["short"]
WANTED = CONFIG_AT["wanted"]


@shared
def enough(mem, txs, rows, size, nodes, held):
    """Whether there is room for so many rows, bytes and nodes, and `held` bytes; else `stop` is set."""
    meta = mem.meta
    short = 0
    rooms = min(
        len(mem.puts) - meta[PUTS], len(mem.notes) - meta[NOTES], len(mem.odd) - meta[ODDITIES],
        len(mem.jobs) - meta[JOBS],
    )  # fmt: skip
    if rows > rooms:
        short |= SHORT_ROWS
    if txs > len(mem.txs) - meta[TXS] + meta[FREE_TXS]:
        short |= SHORT_TXS
    if size > len(mem.arena) - meta[ARENA]:
        short |= SHORT_ARENA
    if held // PAGE + nodes + 2 > pages_left(mem):
        short |= SHORT_PAGES
    if nodes > nodes_left(mem):
        short |= SHORT_NODES
    if short:
        meta[STOP] = NO_ROOM
        meta[SHORT] |= short
    return short == 0


@shared
def finish(mem, tx):
    """Nothing more will come to a transaction."""
    row = mem.txs[tx]
    if row["over"]:
        return
    flow = mem.flows[np.int64(row["owner"])]
    before = np.int64(row["before"])
    after = np.int64(row["after"])
    if before >= 0:
        mem.txs[before]["after"] = after
    else:
        flow["first"] = after
    if after >= 0:
        mem.txs[after]["before"] = before
    else:
        flow["last"] = before
    flow["open"] -= 1
    row["over"] = 1
    mem.over[mem.meta[OVER]] = tx
    mem.meta[OVER] += 1


@shared
def begin(mem, owner, protocol, frame, time):
    """A new transaction of flow `owner`."""
    flow = mem.flows[owner]
    tx = mem.meta[FREE_TX]
    if tx >= 0:
        mem.meta[FREE_TX] = np.int64(mem.txs[tx]["after"])
        mem.meta[FREE_TXS] -= 1
    else:
        tx = mem.meta[TXS]
        mem.meta[TXS] = tx + 1
    row = mem.txs[tx]
    row["flow"] = flow["number"]
    row["number"] = flow["made"]
    row["owner"] = owner
    row["protocol"] = protocol
    row["first_frame"] = frame
    row["time"] = time
    row["request_frame"] = 0
    row["response_frame"] = 0
    row["known"] = 0
    row["told"] = 0
    row["puts"] = 0
    row["notes"] = 0
    row["complete"] = 0
    row["over"] = 0
    row["used"] = 1
    row["wanted"] = mem.config[WANTED]
    row["after"] = -1
    last = np.int64(flow["last"])
    row["before"] = last
    if last >= 0:
        mem.txs[last]["after"] = tx
    else:
        flow["first"] = tx
    flow["last"] = tx
    flow["made"] += 1
    flow["open"] += 1
    if flow["open"] > MOST_OPEN:
        finish(mem, np.int64(flow["first"]))
    return tx


@internal
def live(mem, tx, number, owner):
    """Whether a transaction that was remembered goes on."""
    row = mem.txs[tx]
    return row["used"] != 0 and row["over"] == 0 and row["number"] == number and row["owner"] == owner


@shared
def whole(mem, tx, direction, frame):
    """One half of a transaction is complete."""
    row = mem.txs[tx]
    if not np.int64(row["complete"]) >> direction & 1:
        row["complete"] |= 1 << direction
        row["known"] += 1
        if direction:
            row["response_frame"] = frame
        else:
            row["request_frame"] = frame


@shared
def asked_for(mem, tx, kind):
    """Whether a kind of buffer is kept of a transaction."""
    return mem.kinds[np.int64(mem.txs[tx]["wanted"]), kind]


@shared
def put_row(mem, tx, kind, direction, part, frame, n):
    """A row for a buffer of `n` bytes whose bytes the caller writes: where to, -1 where it is not kept."""
    row = mem.txs[tx]
    if not mem.kinds[np.int64(row["wanted"]), kind]:
        return np.int64(-1)
    put = mem.puts[mem.meta[PUTS]]
    at = mem.meta[ARENA]
    put["tx"] = tx
    put["kind"] = kind
    put["direction"] = direction
    put["part"] = part
    put["frame"] = frame
    put["at"] = at
    put["length"] = n
    put["turn"] = mem.meta[TURN]
    mem.meta[TURN] += 1
    mem.meta[PUTS] += 1
    mem.meta[ARENA] = at + n
    row["puts"] += 1
    row["known"] += 4
    return at


@shared
def put(mem, tx, kind, direction, part, frame, data, start, n):
    """A buffer is whole."""
    at = put_row(mem, tx, kind, direction, part, frame, n)
    if at >= 0:
        copy_bytes(mem.arena, at, data, start, n)


@shared
def put_kept(mem, tx, kind, direction, part, frame, first, n):
    """A buffer whose bytes are in pages."""
    at = put_row(mem, tx, kind, direction, part, frame, n)
    if at >= 0:
        copy_out(mem, first, n, mem.arena, at)


@shared
def note(mem, tx, field, direction, part, frame, value):
    """A number is known."""
    row = mem.txs[tx]
    if not mem.fields[np.int64(row["wanted"]), field]:
        return
    made = mem.notes[mem.meta[NOTES]]
    made["tx"] = tx
    made["field"] = field
    made["direction"] = direction
    made["part"] = part
    made["frame"] = frame
    made["value"] = value
    made["turn"] = mem.meta[TURN]
    mem.meta[TURN] += 1
    mem.meta[NOTES] += 1
    row["notes"] += 1
    row["known"] += 5


@shared
def odd(mem, owner, kind, direction, frame, tx):
    """Something is out of order; `tx` is -1 where it belongs to no transaction."""
    made = mem.odd[mem.meta[ODDITIES]]
    mem.meta[ODDITIES] += 1
    made["flow"] = mem.flows[owner]["number"]
    made["number"] = -1
    if tx >= 0:
        made["number"] = mem.txs[tx]["number"]
        mem.txs[tx]["known"] += 1
    made["kind"] = kind
    made["direction"] = direction
    made["frame"] = frame


@shared
def job(mem, tx, kind, direction, part, frame, at, n):
    """Something for Python to do about bytes in the arena."""
    made = mem.jobs[mem.meta[JOBS]]
    mem.meta[JOBS] += 1
    made["tx"] = tx
    made["kind"] = kind
    made["direction"] = direction
    made["part"] = part
    made["frame"] = frame
    made["at"] = at
    made["length"] = n
    made["turn"] = mem.meta[TURN]
    mem.meta[TURN] += 1
