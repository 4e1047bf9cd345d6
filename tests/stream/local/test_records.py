from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from stream.local import records

maybe_bytes = st.none() | st.binary(max_size=200)


@given(st.integers(0, 1 << 40), st.floats(0, 2e9), maybe_bytes, maybe_bytes)
def test_round_trip(offset: int, timestamp: float, key: bytes | None, value: bytes | None):
    data = b"".join(records.encode(offset, timestamp, key, value))
    found = records.decode(b"xx" + data + b"yy", 2, offset)
    assert found == records.Record(offset, timestamp, key, value, len(data))
    assert records.length_at(data, 0) == len(data)


@given(st.binary(max_size=60), st.data())
def test_any_changed_byte_is_noticed(value: bytes, data: st.DataObject):
    whole = bytearray(b"".join(records.encode(7, 1.0, b"key", value)))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    assert records.decode(bytes(whole), 0, 7) is None


def test_another_offset_is_refused():
    data = b"".join(records.encode(7, 1.0, None, b"v"))
    assert records.decode(data, 0, 8) is None


@settings(max_examples=200)
@given(st.binary(max_size=100))
def test_noise_is_refused_and_never_read_beyond(noise: bytes):
    assert records.decode(noise, 0, 0) is None
