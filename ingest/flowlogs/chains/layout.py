"""Rows of those who showed certificates, and of what is known of one."""

from __future__ import annotations

import numpy as np

#: Who showed a certificate: `key` is what the log calls it (`flowlogs.fields.word_of`), src who showed it,
#: `place` that in the chain, `code` the version of TLS. `weak`: counts only where no other name is told.
NAME = np.dtype(
    [
        ("key", "u8"), ("time", "i8"), ("src_hi", "u8"), ("src_lo", "u8"), ("dst_hi", "u8"), ("dst_lo", "u8"),
        ("line", "i8"), ("next", "i8"), ("src_port", "u2"), ("dst_port", "u2"), ("place", "u2"),
        ("code", "u2"), ("proto", "u1"), ("weak", "u1"), ("done", "u1"),
    ],
    align=True,
)  # fmt: skip
#: What is known of a certificate beside its EVENT row. `named`: it was told with a connection.
MARK = np.dtype([("key", "u8"), ("next", "i8"), ("named", "u1")], align=True)
