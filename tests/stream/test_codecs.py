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
        kind = dtype[name]
        if kind.kind == "f":
            rows[name] = noise.normal(size=n)
        else:
            limits = np.iinfo(kind)
            rows[name] = noise.integers(limits.min, limits.max, n, kind, endpoint=True)
    return rows


@given(st.sampled_from([FLOW, CLOSED, EVENT]), st.integers(0, 50), st.integers(0, 1 << 30))
@settings(max_examples=50, deadline=None)
def test_rows_round_trip(dtype, n, seed):
    rows = random_rows(dtype, n, seed)
    found = codecs.decode_rows(bytes(codecs.encode_rows(rows)), dtype)
    assert found.dtype == dtype
    assert (found == rows).all()
    assert len(found) == n


def test_rows_of_a_strided_view():
    rows = random_rows(FLOW, 40, 1)[::3]
    assert (codecs.decode_rows(bytes(codecs.encode_rows(rows)), FLOW) == rows).all()


def test_rows_are_arrow_batches_with_the_fields_as_columns():
    import pyarrow as pa

    rows = random_rows(EVENT, 3, 2)
    batch = pa.ipc.read_record_batch(
        pa.py_buffer(bytes(codecs.encode_rows(rows))),
        pa.schema([(name, pa.from_numpy_dtype(EVENT[name])) for name in EVENT.names]),
    )
    assert batch.schema.names == list(EVENT.names)
    assert batch["time"].to_pylist() == rows["time"].tolist()


@given(st.binary(max_size=300))
def test_noise_is_no_record_batch(noise):
    with pytest.raises(StreamError, match="cannot be read"):
        codecs.decode_rows(noise, EVENT)


def test_rows_of_another_kind_are_refused():
    with pytest.raises(StreamError):
        codecs.decode_rows(bytes(codecs.encode_rows(random_rows(EVENT, 3, 3))), FLOW)


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


def test_closed_flows_keep_together():
    ends, closed = random_rows(FLOW, 9, 4), random_rows(CLOSED, 9, 5)
    closed["flow_id"] = ends["flow_id"]
    found = codecs.decode_closed(memoryview(codecs.encode_closed(ends, closed)))
    assert (found[0] == ends).all()
    assert (found[1] == closed).all()
    with pytest.raises(StreamError, match="9 flows ended but 8"):
        codecs.decode_closed(memoryview(codecs.encode_closed(ends, closed[:8])))
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
