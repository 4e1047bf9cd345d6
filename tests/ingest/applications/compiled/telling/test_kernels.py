from __future__ import annotations

import numpy as np

from ingest.applications.compiled.telling import kernels
from ingest.applications.tables import BUFFER, CHUNK
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
