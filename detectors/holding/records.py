"""Records of what is held: connections of a source to a service, all those of a service, answers to calls.

They stand apart from their kernel so that whoever only reads them need not load a compiler.
"""

from __future__ import annotations

import numpy as np

from detectors.relations.records import FIRST

#: What `level` says it is of.
HELD = np.dtype(
    [
        ("h", "u8"), ("g", "u8"), ("keep", "i8"),
        ("src_hi", "u8"), ("src_lo", "u8"), ("dst_hi", "u8"), ("dst_lo", "u8"),
        ("window", "i8"), ("last", "i8"),  # of the present window: its first report, its latest
        ("known", "i8"),  # since when
        ("bytes", "i8"),  # CALLER: answered to calls in the window
        ("most", "i8"),  # CALLER, DIRECTORY: the most of any window that is over
        ("usual", "i8"),  # CALLER: the most that the directory answered anybody
        ("src_domain", "u4"), ("dst_domain", "u4"),
        ("port", "u2"), ("level", "u1"),
        *FIRST,
    ],
    align=True,
)  # fmt: skip

# HELD.level: a source and a service; a service; a source that calls a directory server; such a server
LINES, SERVICE, CALLER, DIRECTORY = 1, 2, 3, 4
# classes of ports in Holds.ports
WATCHED, TICKETS = 1, 2

MARKS = 8  # words of a linear counter of connections: 512 bits, 4 % at 100
