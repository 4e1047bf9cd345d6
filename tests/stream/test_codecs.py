from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.batches import CLOSED, EVENT, FLOW
from citywall.errors import StreamError
from citywall.findings import Endpoint, Evidence, Finding, Severity
from citywall.sessions import Session
from stream import codecs
from stream.codecs import Header, Kind, Opening, Tally

HEADER = Header("5e55", "capture", 0, Kind.DATA, 5, 3, -7, codecs.schema_digest())


def random_rows(dtype: np.dtype, n: int, seed: int) -> np.ndarray:
    rows = np.zeros(n, dtype)
    noise = np.random.default_rng(seed)
    for name in dtype.names:
        kind, shape = dtype[name].base, (n, *dtype[name].shape)
        if kind.kind == "f":
            rows[name] = noise.normal(size=shape)
        else:
            limits = np.iinfo(kind)
            rows[name] = noise.integers(limits.min, limits.max, shape, kind, endpoint=True)
    return rows


def encoded(*pieces: np.ndarray, packed: bool = False) -> bytes:
    return b"".join(codecs.encode_rows(pieces[0].dtype, pieces, packed=packed))


@given(st.sampled_from([FLOW, CLOSED, EVENT]), st.integers(0, 50), st.integers(0, 1 << 30), st.booleans())
@settings(max_examples=80, deadline=None)
def test_rows_round_trip(dtype, n, seed, packed):
    rows = random_rows(dtype, n, seed)
    found = codecs.decode_rows(encoded(rows, packed=packed), dtype)
    assert found.dtype == dtype
    assert (found == rows).all()
    assert len(found) == n


def test_rows_of_a_strided_view():
    rows = random_rows(FLOW, 40, 1)[::3]
    assert (codecs.decode_rows(encoded(rows), FLOW) == rows).all()


def test_pieces_follow_each_other_and_empty_ones_leave_nothing():
    rows = random_rows(EVENT, 7, 2)
    assert encoded(rows[:3], rows[3:3], rows[3:]) == encoded(rows)
    assert len(codecs.decode_rows(encoded(rows[:0]), EVENT)) == 0


def test_packed_pieces_follow_each_other_and_rows_of_another_kind_are_refused():
    rows = random_rows(EVENT, 7, 2)
    body = encoded(rows[:3], rows[3:3], rows[3:], packed=True)
    assert body == encoded(rows, packed=True)
    assert len(codecs.decode_rows(encoded(rows[:0], packed=True), EVENT)) == 0
    for wrong, dtype in ((body, FLOW), (body[:-1], EVENT), (body + b"x", EVENT), (body[:9], EVENT)):
        with pytest.raises(StreamError, match="cannot be read"):
            codecs.decode_rows(wrong, dtype)


def test_rows_are_a_view_of_the_message_wherever_the_header_ends():
    rows = random_rows(FLOW, 3, 7)
    for extra in range(20):
        header = Header("5" * extra, "capture", 0, Kind.DATA, 5, 3, -7, codecs.schema_digest())
        message = codecs.encode(header, codecs.encode_rows(FLOW, [rows]))
        found = codecs.decode_rows(codecs.decode(message)[1], FLOW)
        assert (found == rows).all()
        assert found.flags.aligned
        assert np.shares_memory(found.view(np.uint8), np.frombuffer(message, np.uint8))
        assert not found.flags.writeable


def test_rows_that_a_transport_did_not_align_are_copied():
    rows = random_rows(FLOW, 3, 7)
    moved = memoryview(b"x" + encoded(rows))[1:]
    assert (codecs.decode_rows(moved, FLOW) == rows).all()


def test_what_is_cut_short_or_too_long_is_no_rows():
    body = encoded(random_rows(EVENT, 3, 7))
    for wrong in (body[:5], body[:-1], body + b"x"):
        with pytest.raises(StreamError, match="cannot be read"):
            codecs.decode_rows(wrong, EVENT)


@given(st.binary(max_size=300))
def test_noise_is_no_rows(noise):
    with pytest.raises(StreamError, match="cannot be read"):
        codecs.decode_rows(noise, EVENT)


def test_rows_of_another_kind_are_refused():
    with pytest.raises(StreamError):
        codecs.decode_rows(encoded(random_rows(EVENT, 3, 3)), FLOW)


def test_messages_round_trip():
    found, body = codecs.decode(codecs.encode(HEADER, b"body"))
    assert found == HEADER
    assert bytes(body) == b"body"


@given(st.binary(max_size=80))
def test_noise_is_no_message(noise):
    with pytest.raises(StreamError, match="header"):
        codecs.decode(noise)


def test_another_layout_is_named():
    other = Header("5e55", "capture", 0, Kind.DATA, 5, 3, -7, "01234567")
    with pytest.raises(StreamError, match=f"layout 01234567 from stage 'capture'.*{codecs.schema_digest()}"):
        codecs.decode(codecs.encode(other, b""))


@pytest.mark.parametrize("packed", [False, True])
def test_closed_flows_keep_together(packed: bool):
    ends, closed = random_rows(FLOW, 9, 4), random_rows(CLOSED, 9, 5)
    closed["flow_id"] = ends["flow_id"]
    found = codecs.decode_closed(memoryview(b"".join(codecs.encode_closed([ends], [closed], packed=packed))))
    assert (found[0] == ends).all()
    assert (found[1] == closed).all()
    with pytest.raises(StreamError, match="9 flows ended but 8"):
        codecs.decode_closed(memoryview(b"".join(codecs.encode_closed([ends], [closed[:8]]))))
    with pytest.raises(StreamError, match="cannot be read"):
        codecs.decode_closed(memoryview(b"\1"))


def test_structures_round_trip():
    finding = Finding(
        "id", "scan", 1, "horizontal", "5e55", "live", 10, 5, Severity.HIGH, 0.5, 1.5, 1.0, "10.0.0.5",
        Endpoint("10.0.0.5", 7), None, {"targets": 9, "rate": 0.5, "how": "快"},
        (Evidence("flow", Endpoint("a", port=1), Endpoint("b"), "tcp", 3, flow_id=(1 << 64) - 1),),
    )  # fmt: skip
    opening = Opening(Session("5e55", "capture", "/城/墙.pcap", 9, "live", 1))
    for value, kind in (([finding], list[Finding]), (opening, Opening), (Tally(errors={"a": 1}), Tally)):
        assert codecs.unpack(codecs.pack(value), kind) == value
    with pytest.raises(StreamError, match="not"):
        codecs.unpack(b"\xc1", Tally)


def test_tallies_add_up():
    tally = Tally(errors={"a": 1})
    tally.count({"a": 2, "b": 3})
    assert tally.errors == {"a": 3, "b": 3}
