from __future__ import annotations

import numpy as np

from ingest.applications.compiled.telling import kernels
from ingest.applications.tables import BUFFER


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
