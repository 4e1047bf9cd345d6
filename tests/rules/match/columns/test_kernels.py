from __future__ import annotations

import struct

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.batches import FRAGMENT, IP, PACKET, TRANSPORT
from rules.match.carry import FLOW, KEPT, SIZES
from rules.match.columns import kernels

_EXTENSIONS = (0, 43, 44, 51, 60, 135)
BYTES = st.binary(min_size=90, max_size=160)


def behind(data: bytes) -> int:
    """Where an IPv6 header's extensions end."""
    kind, at = data[6] if len(data) > 6 else 59, 40
    while kind in _EXTENSIONS and at + 8 <= len(data):
        size = 8 if kind == 44 else (data[at + 1] + 2) * 4 if kind == 51 else (data[at + 1] + 1) * 8
        kind, at = data[at], at + size
    return at


@settings(max_examples=60, deadline=None)
@given(
    BYTES, st.sampled_from([4, 6]), st.sampled_from([6, 17, 47]),
    st.sampled_from([IP, FRAGMENT, TRANSPORT, 0]),
    st.sampled_from([*_EXTENSIONS, 6]), st.integers(40, 80),
)  # fmt: skip
def test_where_headers_are(data, version, proto, status, kind, size):
    data = data[:20] + bytes([kind]) + data[21:]
    row = np.zeros(1, PACKET)
    row["offset"], row["captured"], row["version"], row["proto"], row["status"] = (
        0,
        len(data),
        version,
        proto,
        status,
    )
    row["payload_at"], row["payload"], row["ip_bytes"] = 14 + 20, size - 20, size
    network, transport = np.zeros(1, np.int64), np.zeros(1, np.int64)
    kernels.headers(np.frombuffer(data, np.uint8), row, network, transport)
    expected = 14 if status else -1
    assert network.tolist() == [expected]
    there = status in {IP, TRANSPORT} and proto in {6, 17}
    length = behind(data[14 : 14 + size]) if version == 6 else (data[14] & 15) * 4
    assert transport.tolist() == [14 + length if there else -1]


@given(st.binary(min_size=1, max_size=12), st.lists(st.integers(-3, 14), min_size=1), st.integers(1, 4))
def test_numbers_at_places(data, at, size):
    out = np.zeros(len(at), np.int64)
    kernels.numbers(np.frombuffer(data, np.uint8), np.array(at, np.int64), size, out)

    def byte(i: int) -> int:
        return data[i] if 0 <= i < len(data) else 0

    assert out.tolist() == [int.from_bytes(bytes(byte(i + k) for k in range(size)), "big") for i in at]


def flowing(turns: list[tuple[int, int, int, int, int]]):
    """Packets of (flow, side, flags, sequence number, payload), their bytes and columns."""
    buffer = np.frombuffer(
        b"".join(b"\0\0\0\0" + struct.pack(">I", seq) + b"\0" * 12 for *_, seq, _ in turns), np.uint8
    )
    rows = np.zeros(len(turns), PACKET)
    rows["proto"], rows["status"], rows["time"] = 6, TRANSPORT, np.arange(len(turns)) + 100
    rows["flags"], rows["payload"] = [turn[2] for turn in turns], [turn[4] for turn in turns]
    rows["wire"] = 10
    flow, side = (np.array([turn[i] for turn in turns], np.int64) for i in (0, 1))
    return buffer, rows, np.arange(len(turns)) * 20, flow, side


def test_first_packets_and_stops():
    _, rows, _, flow, side = flowing(
        [
            (0, 0, 2, 0, 0),
            (0, 1, 18, 0, 0),
            (0, 0, 16, 0, 0),
            (1, 0, 17, 0, 0),
            (1, 1, 4, 0, 0),
            (-1, 0, 0, 0, 0),
        ]
    )
    flows, out = np.zeros(3, FLOW), np.array([1, 0, 0, 0, 0, 1], np.uint8)
    flows["known"][1] = 2
    frames = np.arange(6) + 50
    kernels.mark(rows, flow, side, frames, 0, np.array([2, 1]), flows, out)
    assert out.tolist() == [3, 2, 0, 2, 0, 3]
    assert flows["known"].tolist() == [0, 3, 3]
    assert flows["stop"].tolist() == [[0, 0], [53, 54], [0, 0]]


def test_what_flows_add_up_to_does_not_depend_on_the_cut():
    turns = [
        (0, 0, 2, 1000, 0), (0, 1, 18, 5000, 0), (0, 0, 24, 1001, 7), (1, 0, 24, 900, 3), (-1, 0, 0, 0, 5),
        (0, 0, 24, 1001, 5), (0, 1, 24, 5001, 40),
    ]  # fmt: skip
    buffer, rows, transport, flow, side = flowing(turns)
    at = np.array([1, 0])
    told = []
    for cuts in ([7], [1, 3, 7], [2, 5, 6, 7]):
        flows = np.zeros(2, FLOW)
        for begin, end in zip([0, *cuts], cuts, strict=False):
            last = np.full((2, 2), -1)
            before = flows.copy()
            kernels.tally(buffer, rows[:end], transport, flow, side, begin, at, flows, last)
            for f in (0, 1):
                for d in (0, 1):
                    reached = kernels.grown(
                        buffer, rows, transport, flow, side, begin, end - 1, f, d, before[at[f]]
                    )
                    assert reached == flows["top"][at[f], d]
        told.append(flows.tobytes())
    assert told[0] == told[1] == told[2]
    assert flows["pkts"].tolist() == [[1, 0], [3, 2]]
    assert flows["bytes"].tolist() == [[10, 0], [30, 20]]
    assert flows["first"].tolist() == [103, 100]
    assert flows["top"].tolist() == [[3, 0], [8, 41]]


def test_ends_of_packets():
    rows = np.zeros(2, PACKET)
    rows["a_hi"], rows["b_hi"], rows["a_lo"], rows["b_lo"], rows["ports"] = 1, 2, 3, 4, 80 << 16 | 443
    rows["reversed"] = [0, 1]
    high, low, ports = np.zeros(2, np.uint64), np.zeros(2, np.uint64), np.zeros(2, np.int64)
    kernels.source(rows, False, high, low, ports)
    assert (high.tolist(), low.tolist(), ports.tolist()) == ([1, 2], [3, 4], [80, 443])
    kernels.source(rows, True, high, low, ports)
    assert (high.tolist(), low.tolist(), ports.tolist()) == ([2, 1], [4, 3], [443, 80])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 1)), max_size=30))
def test_endpoints_are_numbered_as_they_come(packets):
    flow, side = (np.array([pair[i] for pair in packets], np.int64) for i in (0, 1))
    rows, of_row = np.zeros(len(packets), np.int64), np.zeros(len(packets), np.int64)
    count = kernels.endpoints(flow, side, np.full(8, -1, np.int64), rows, of_row)
    keys = [("packet", i) if f < 0 else (f, d) for i, (f, d) in enumerate(packets)]
    distinct = list(dict.fromkeys(keys))
    assert [keys[row] for row in rows[:count]] == distinct
    assert [distinct[end] for end in of_row] == keys


def test_what_is_kept_of_packets_comes_back():
    buffer = np.arange(400, dtype=np.int64).astype(np.uint8)
    packets = np.zeros(3, PACKET)
    packets["offset"], packets["time"] = [0, 100, 390], [7, 8, 9]
    flows = np.zeros(3, FLOW)
    at, last = np.array([2, 0]), np.array([[1, -1], [0, 2]])
    columns = [np.array(some, np.int64) for some in ([11, 12, 13], [1, 0, 1], [4, 5, 6], [70, 80, 90])]
    kernels.remember(
        buffer, packets, packets.view(np.uint8), columns[0], columns[1].astype(np.uint8), *columns[2:], last,
        at, flows, flows.view(np.uint8), SIZES, KEPT,
    )  # fmt: skip
    assert flows["frame"].tolist() == [[11, 13], [0, 0], [12, 0]]
    assert flows["mark"].tolist() == [[1, 1], [0, 0], [0, 0]]
    assert flows["left"].tolist() == [[4, 6], [0, 0], [5, 0]]
    assert flows["place"].tolist() == [[70, 90], [0, 0], [80, 0]]
    assert flows["row"]["time"].tolist() == [[7, 9], [0, 0], [8, 0]]
    assert flows["head"][2, 0].tolist() == buffer[100 : 100 + KEPT].tolist()
    assert flows["head"][0, 1].tolist() == buffer[390:].tolist() + [0] * (KEPT - 10)
    rows, there = np.zeros(2, PACKET), np.zeros(5 + 2 * KEPT, np.uint8)
    kernels.recall(
        flows.view(np.uint8), SIZES, KEPT, np.array([0, 2]), np.array([1, 0]), rows.view(np.uint8), there, 5
    )
    assert rows.tolist() == packets[[2, 1]].tolist()
    assert there[5:].tolist() == flows["head"][0, 1].tolist() + flows["head"][2, 0].tolist()
