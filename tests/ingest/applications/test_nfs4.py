from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from ingest.applications import nfs4
from ingest.applications.xdr import Xdr


def opaque(data):
    return struct.pack(">I", len(data)) + data + bytes(-len(data) % 4)


def compound(*operations):
    return opaque(b"tag") + struct.pack(">II", 0, len(operations)) + b"".join(operations)


def operation(code, args=b""):
    return struct.pack(">I", code) + args


PUTFH = operation(nfs4.PUTFH, opaque(b"handle"))
OPEN = operation(
    nfs4.OPEN,
    bytes(20) + opaque(b"owner") + struct.pack(">4I", 1, 0, 1, 2) + opaque(b"attr") + bytes(4)
    + opaque(b"made.txt"),
)  # fmt: skip
WRITE = operation(nfs4.WRITE, bytes(16) + struct.pack(">QI", 8, 2) + opaque(b"hello"))


def test_what_a_compound_asks_for():
    asked = nfs4.asked(
        Xdr(
            compound(
                operation(nfs4.SEQUENCE, bytes(32)),
                PUTFH,
                operation(nfs4.GETATTR, struct.pack(">II", 1, 2)),
                WRITE,
            )
        )
    )
    assert asked == [nfs4.Operation(nfs4.WRITE, b"handle", b"", b"hello", 8, last=True)]


def test_names_and_places():
    link = operation(nfs4.CREATE, struct.pack(">I", 5) + opaque(b"../x") + opaque(b"link") + bytes(8))
    read = operation(nfs4.READ, bytes(16) + struct.pack(">QI", 4096, 100))
    asked = nfs4.asked(Xdr(compound(PUTFH, link, operation(nfs4.REMOVE, opaque(b"old")), read)))
    assert [(one.code, one.name, one.offset) for one in asked] == [
        (nfs4.CREATE, b"link", 0), (nfs4.REMOVE, b"old", 0), (nfs4.READ, b"", 4096),
    ]  # fmt: skip
    assert [one.name for one in nfs4.asked(Xdr(compound(PUTFH, OPEN)))] == [b"made.txt"]


def test_what_was_read():
    answer = struct.pack(">I", 0) + compound()[:8] + struct.pack(">I", 2)
    answer += struct.pack(">II", nfs4.PUTFH, 0) + struct.pack(">III", nfs4.READ, 0, 1) + opaque(b"bytes")
    found = nfs4.answered(Xdr(answer))
    assert (found.data, found.last) == (b"bytes", True)
    assert nfs4.answered(Xdr(answer[:-12])) is None


def test_a_handle_comes_for_a_name():
    opened = struct.pack(">II", nfs4.OPEN, 0) + bytes(40) + struct.pack(">II", 1, 2) + bytes(4)
    answer = struct.pack(">I", 0) + opaque(b"") + struct.pack(">I", 2) + opened
    answer += struct.pack(">II", nfs4.GETFH, 0) + opaque(b"handle")
    assert nfs4.answered(Xdr(answer)) == nfs4.Operation(nfs4.GETFH, b"handle")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_to_their_end(data):
    for operations in (nfs4.asked(Xdr(data)), nfs4.asked(Xdr(compound(PUTFH, data)))):
        assert len(operations) <= 64
    nfs4.answered(Xdr(data))
