from __future__ import annotations

import struct

import pytest

from ingest.applications.xdr import Short, Xdr


def test_things_stand_behind_each_other():
    args = Xdr(struct.pack(">IQI", 7, 8, 5) + b"hello\0\0\0" + b"\0\0\0\1")
    assert (args.number(), args.number(8), args.opaque(), args.number()) == (7, 8, b"hello", 1)


def test_the_filling_of_the_last_may_be_missing():
    assert Xdr(struct.pack(">I", 5) + b"hello").opaque() == b"hello"


@pytest.mark.parametrize(
    ("read", "data"),
    [
        (Xdr.number, b"\0\0\2"), (Xdr.opaque, b"\0\0\0\x10abc"), (Xdr.opaque, b"\0"),
        (Xdr.words, b"\0\0\0\2\0\0\0\1"), (lambda args: args.skip(9), bytes(8)),
    ],
)  # fmt: skip
def test_what_is_cut_off_is_refused(read, data):
    args = Xdr(data)
    with pytest.raises(Short):
        read(args)


def test_more_than_is_borne_is_refused():
    with pytest.raises(Short):
        Xdr(struct.pack(">I", 2) + b"ab").opaque(1)
    with pytest.raises(Short):
        Xdr(struct.pack(">I", 100) + bytes(400)).words(64)
