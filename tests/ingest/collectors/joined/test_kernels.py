"""Records, pairing and columns in one go: as one after the other, however few records are on their way."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.collectors.datagrams import bare
from ingest.collectors.decoder import Decoder
from ingest.collectors.joined import Joined
from ingest.collectors.kernels import HALF
from ingest.collectors.pairing import Pairing, logged
from tests.exporters import content, five, flow, sample, sflow, template, ten

#: By template: plain, straight, of variable length, of no use, and with a clock that IPFIX does not tell.
KINDS = [
    [(8, 4), (12, 4), (4, 1), (1, 4)], [(8, 4), (12, 4), (4, 1), (48, 1)],
    [(8, 4), (12, 4), (82, 65535), (1, 4)], [(1, 4), (2, 4)], [(8, 4), (12, 4), (22, 4), (21, 4)],
]  # fmt: skip
ENDS = [bytes([10, 0, 0, a, 10, 0, 0, b]) for a, b in ((1, 2), (2, 1), (3, 1))]
RESTS = [b"\x11\0\0\0\7", b"\x11\1", b"\3abc\0\0\0\7", None, b"\0\0\0\1\0\0\0\5"]
TEMPLATES = ten(*(template(256 + i, fields, 10) for i, fields in enumerate(KINDS)))


def of_kind(kind: int, ends: list[int]) -> bytes:
    if kind < len(KINDS):
        rest = RESTS[kind]
        return ten(content(256 + kind, b"".join((ENDS[e] + rest) if rest else bytes(8) for e in ends)))
    if kind == len(KINDS):
        quads = [".".join(map(str, ENDS[e][4 * i : 4 * i + 4])) for e in ends for i in (0, 1)]
        return five(*(flow(a, b, 7, 7) for a, b in zip(quads[::2], quads[1::2], strict=True)))
    if kind == len(KINDS) + 1:
        return sflow(
            sample(bytes(12) + b"\x08\0" + bytes.fromhex("4500001c000100004011000a0a0000010a000002"))
        )
    return TEMPLATES


SENT = st.lists(
    st.tuples(st.integers(0, len(KINDS) + 2), st.lists(st.integers(0, 2), min_size=1, max_size=6)), max_size=8
)


@settings(max_examples=80)
@given(SENT, st.integers(1, 7))
def test_as_one_after_the_other(sent, few):
    raws = [TEMPLATES, *(of_kind(kind, ends) for kind, ends in sent)]
    quick, slow = Decoder(), Decoder()
    pairing, other = Pairing(), Pairing()
    joined = Joined(pairing)
    joined._some = np.zeros(few, HALF)
    for some in (raws, raws[1:]):
        joined.begin()
        decoded = quick.decode(bare(some, time=5), joined)
        joined.add(pairing.add_of(decoded.records, decoded.clocks))
        wanted = slow.decode(bare(some, time=5))
        plainly = logged(other.add_of(wanted.records, wanted.clocks).copy())
        assert joined.records + len(decoded.records) == len(wanted.records)
        assert decoded.errors.counts == wanted.errors.counts
        assert (decoded.heads == wanted.heads).all()
        got = joined.logged(1)
        for name, column in vars(plainly).items():
            assert name == "line" or (getattr(got, name) == column).all(), name
    assert (pairing.snapshot()["waiting"] == other.snapshot()["waiting"]).all()
