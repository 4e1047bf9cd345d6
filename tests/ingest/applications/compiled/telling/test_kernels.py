from __future__ import annotations

import random

import numpy as np
import pytest

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.compiled.layout import META_AT, PUT
from ingest.applications.compiled.reading import Reading
from ingest.applications.compiled.telling import kernels
from ingest.applications.tables import BUFFER, CHUNK
from ingest.applications.wanted import ALL
from ingest.reassembly.layout import PIECE


def test_bytes_of_two_places_in_the_order_of_rows():
    rows = np.zeros(3, BUFFER)
    rows["at"], rows["length"] = (1, 0, 0), (2, 3, 1)
    out = np.zeros(6, np.uint8)
    mine, other = (np.frombuffer(text, np.uint8).copy() for text in (b"xab", b"cde"))
    kernels.gather(rows, np.array([True, False, True]), mine, other, out)
    assert out.tobytes() == b"abcdex"
    assert rows["at"].tolist() == [0, 2, 5]


def test_what_goes_on_stays(packets, alike, examples):
    """Half of the transactions are over when the rest is told, growing, piece by piece."""
    ask = examples["smb"][0][0]
    other = (0, ask[1].replace(b"\xfeSMB", b"\xfeSMB"))
    turns = [ask, other, *examples["smb"][0][1:], ask]
    alike(*packets.decoded(packets.conversation(turns, (4000, 445))), 1, growing=True)


def test_pieces_as_rows_of_tables():
    pieces, order, flows = np.zeros(3, PIECE), np.array([2, 0, 1]), np.array([7, 8, 9])
    alike = ("direction", "length", "gap", "offset", "arrived", "frame", "time", "at")
    for n, name in enumerate(alike):
        pieces[name] = [10 * n + 1, 10 * n + 2, 10 * n + 3]
    out = np.zeros(3, CHUNK)
    kernels.chunks(pieces, order, flows, out)
    assert out["flow"].tolist() == [9, 7, 8]
    for name in alike:
        assert out[name].tolist() == pieces[name][order].tolist(), name


@pytest.fixture
def mem():
    """Room for rows, nothing in it."""
    return Reading(ApplicationSettings(), ALL, keep=True)._mem


@pytest.mark.parametrize("lengths", [(0, 1, 7), (15, 16, 17), (1, 300, 5000)])
def test_what_stays_moves_down_whole(mem, lengths):
    """Behind gaps of any size, shorter and longer than what moves over them."""
    rng, at, stays = random.Random(1), 0, []
    mem.arena[:] = np.frombuffer(rng.randbytes(len(mem.arena)), np.uint8)
    mem.txs["used"][:2] = 1
    mem.over[0] = 1
    for k in range(40):
        put, gone, n = mem.puts[k], rng.random() < 0.3, rng.choice(lengths)
        put["tx"], put["at"], put["length"], put["part"] = gone, at, n, k
        if not gone:
            stays.append((k, mem.arena[at : at + n].tobytes()))
        at += n
    for name, value in (("puts", 40), ("arena", at), ("over", 1), ("txs", 2)):
        mem.meta[META_AT[name]] = value
    kernels.sweep(mem)
    assert mem.meta[META_AT["puts"]] == len(stays)
    assert mem.meta[META_AT["arena"]] == sum(len(text) for _, text in stays)
    for put, (k, text) in zip(mem.puts, stays, strict=False):
        assert put["part"] == k
        assert mem.arena[put["at"] : put["at"] + put["length"]].tobytes() == text


def test_rows_of_some_transactions():
    rows = np.zeros(6, PUT)
    rows["tx"] = (0, 2, 1, 2, 0, 2)
    mine, out = np.array([False, False, True]), np.zeros(2, np.int64)
    assert kernels.rows_of(rows, 5, mine, out) == 0  # the sixth row is not one
    assert out.tolist() == [1, 3]
    out = np.zeros(4, np.int64)
    assert kernels.rows_of(rows, 6, mine, out) == 1
    assert out[1:].tolist() == [1, 3, 5]


def test_transactions_that_go_on_in_some_flows(mem):
    for flow, first in ((0, 4), (1, -1), (2, 3)):
        mem.flows[flow]["first"] = first
    for tx, after in ((4, 1), (1, 5), (5, -1), (3, -1)):
        mem.txs[tx]["after"] = after
    out = np.zeros(6, np.int64)
    assert kernels.open_of(mem, np.array([2, 1, 0]), out) == 4
    assert out[:4].tolist() == [3, 4, 1, 5]
