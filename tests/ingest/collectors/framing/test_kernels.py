"""Messages off a socket as records of a capture: as struct packs them, whatever stands in the messages."""

from __future__ import annotations

import ipaddress
import socket
import struct

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.addresses import to_words
from ingest.collectors.framing import kernels as k

SLOT, CLOCK, PORT = 4096, 1_700_000_000_123_456_789, 2055
FOURS, SIXES = ("10.0.0.1", "192.0.2.9"), ("2001:db8::1", "fe80::2")


def name_of(address: str, port: int) -> bytes:
    ip = ipaddress.ip_address(address)
    if ip.version == 4:
        return struct.pack("<H", socket.AF_INET) + struct.pack(">H", port) + ip.packed
    return struct.pack("<H", socket.AF_INET6) + struct.pack(">HI", port, 0) + ip.packed


def control(level: int, kind: int, value: int) -> bytes:
    return struct.pack("<QiiI4x", 20, level, kind, value)


def wanted(address: str, port: int, data: bytes, step: int) -> list[bytes]:
    """The records of a message."""
    ip, out = ipaddress.ip_address(address), []
    for at in range(0, max(len(data), 1), step or max(len(data), 1)):
        part = data[at : at + step] if step else data
        udp = struct.pack(">HHHH", port, PORT, 8 + len(part), 0) + part
        if ip.version == 4:
            raw = struct.pack(">BBHIBBH", 0x45, 0, 20 + len(udp), 0, 64, 17, 0) + ip.packed + bytes(4) + udp
        else:
            raw = struct.pack(">IHBB", 0x6000_0000, len(udp), 17, 64) + ip.packed + bytes(16) + udp
        out.append(struct.pack("<IIII", CLOCK // 10**9, CLOCK % 10**9, len(raw), len(raw)) + raw)
    return out


def laid_out(messages):
    """Arrays as the system fills them."""
    n = len(messages)
    buffer, names = np.zeros(n * SLOT, np.uint8), np.zeros((n, k.NAME), np.uint8)
    controls, heads = np.zeros((n, k.CONTROL), np.uint8), np.zeros(n, k.MESSAGE)
    for i, (address, port, data, raw) in enumerate(messages):
        buffer[i * SLOT : i * SLOT + len(data)] = np.frombuffer(data, np.uint8)
        name = name_of(address, port)
        names[i, : len(name)] = np.frombuffer(name, np.uint8)
        controls[i, : len(raw)] = np.frombuffer(raw, np.uint8)
        heads[i]["length"], heads[i]["control_length"] = len(data), len(raw)
    return buffer, heads, names, controls


def framed(messages, networks):
    buffer, heads, names, controls = laid_out(messages)
    out, state = np.zeros(n_bytes(messages), np.uint8), np.zeros(k.STATE, np.int64)
    state[k.TOLD] = -1
    k.frame(
        buffer, SLOT, heads, len(heads), names, controls, networks, PORT, CLOCK, out, 24, np.uint64(0), state
    )
    return out[: state[k.FILLED]].tobytes(), state


def n_bytes(messages):
    return sum(len(data) + k.TOGETHER * k.AROUND for _, _, data, _ in messages)


ALL = np.zeros((1, 4), np.uint64)
MESSAGES = st.lists(
    st.tuples(
        st.sampled_from(FOURS + SIXES), st.integers(0, 65535), st.binary(max_size=200), st.integers(0, 90),
        st.one_of(st.none(), st.integers(0, 2**32 - 1)),
    ),
    max_size=6,
)  # fmt: skip


@settings(max_examples=40)
@given(MESSAGES)
def test_as_struct_packs_them(drawn):
    messages, records, told = [], [], -1
    for address, port, data, step, dropped in drawn:
        raw = control(17, 104, step) if step else b""
        if dropped is not None:
            raw += control(1, 40, dropped)
            told = dropped
        messages.append((address, port, data, raw))
        apart = step if step > 0 and len(data) <= step * k.TOGETHER else 0
        records += wanted(address, port, data, apart)
    got, state = framed(messages, ALL)
    assert got == b"".join(records)
    assert state.tolist() == [len(got), len(records), sum(len(m[2]) for m in messages), 0, told]


@settings(max_examples=40)
@given(st.binary(max_size=k.CONTROL))
def test_control_messages_are_read_within_their_bounds(raw):
    got, state = framed([("10.0.0.1", 5, b"abcdef", raw)], ALL)
    assert state[k.SIZE] == 6
    assert got.endswith(b"f")


def test_others_than_exporters_are_counted():
    hi, lo = to_words("10.0.0.0")
    networks = np.array([[hi, lo, 2**64 - 1, 2**64 - 256]], np.uint64)
    together = control(17, 104, 2)
    got, state = framed(
        [("10.0.0.7", 5, b"ours", b""), ("10.0.1.7", 5, b"theirs", together), (SIXES[0], 5, b"", b"")],
        networks,
    )
    assert got == b"".join(wanted("10.0.0.7", 5, b"ours", 0))
    assert (state[k.KEPT], state[k.FOREIGN]) == (1, 3 + 1)


def test_a_socket_is_emptied_and_errors_are_told():
    buffer, heads, names, controls = laid_out([("10.0.0.1", 1, b"", b"")] * 2)
    vectors = np.zeros(2, np.dtype([("base", "u8"), ("length", "u8")]))
    vectors["base"], vectors["length"] = buffer.ctypes.data + np.arange(2) * SLOT, SLOT
    heads["name"] = names.ctypes.data + np.arange(2) * k.NAME
    heads["vector"], heads["vectors"] = vectors.ctypes.data + np.arange(2) * 16, 1
    heads["control"] = controls.ctypes.data + np.arange(2) * k.CONTROL
    out, state = np.zeros(4096, np.uint8), np.zeros(k.STATE, np.int64)

    def drain(number):
        return k.drain(
            number, heads.ctypes.data, buffer, SLOT, heads, names, controls, ALL, PORT, CLOCK, out, 2000, 24,
            np.uint64(0), state,
        )  # fmt: skip

    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taker,
    ):
        taker.bind(("127.0.0.1", 0))
        sender.bind(("127.0.0.1", 0))
        for i in range(5):
            sender.sendto(b"%d" % i, taker.getsockname())
        digest, code = drain(taker.fileno())
        number = sender.getsockname()[1]
    assert code == 0
    assert digest != 0
    parts = [wanted("127.0.0.1", number, b"%d" % i, 0)[0] for i in range(5)]
    assert out[: state[k.FILLED]].tobytes() == b"".join(parts)
    assert drain(taker.fileno())[1] != 0  # it is closed
