"""Community IDs against a plain reading of the specification with hashlib, and its published vectors."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citywall.addresses import to_words
from citywall.batches import FLOW
from ingest.community_id import community_ids

ANSWERS = {
    1: {8: 0, 0: 8, 13: 14, 14: 13, 15: 16, 16: 15, 10: 9, 9: 10, 17: 18, 18: 17},
    58: {128: 129, 129: 128, 133: 134, 134: 133, 135: 136, 136: 135, 130: 131, 131: 130, 139: 140, 140: 139,
         144: 145, 145: 144},
}  # fmt: skip


def texts(flows: np.ndarray, seed: int = 0) -> list[str]:
    return community_ids(flows, seed).astype(str).tolist()


def oracle(src: str, dst: str, proto: int, sport: int, dport: int, kind: int, code: int, seed: int) -> str:
    a, b = ipaddress.ip_address(src).packed, ipaddress.ip_address(dst).packed
    one_way = False
    if proto in ANSWERS:
        answer = ANSWERS[proto].get(kind)
        sport, dport, one_way = kind, code if answer is None else answer, answer is None
    if not one_way and (a, sport) > (b, dport):
        a, b, sport, dport = b, a, dport, sport
    text = struct.pack("!H", seed) + a + b + struct.pack("!BB", proto, 0)
    if proto in (1, 6, 17, 58, 132):
        text += struct.pack("!HH", sport, dport)
    return "1:" + base64.b64encode(hashlib.sha1(text).digest()).decode()


def row(src: str, dst: str, proto: int, sport: int, dport: int, kind: int, code: int) -> np.ndarray:
    flow = np.zeros(1, FLOW)
    flow["src_hi"], flow["src_lo"] = to_words(src)
    flow["dst_hi"], flow["dst_lo"] = to_words(dst)
    for name, value in (("proto", proto), ("src_port", sport), ("dst_port", dport), ("icmp_type", kind),
                        ("icmp_code", code)):  # fmt: skip
        flow[name] = value
    return flow


V4 = st.integers(0, 2**32 - 1).map(lambda n: str(ipaddress.IPv4Address(n)))
V6 = st.integers(2**64, 2**128 - 1).map(lambda n: str(ipaddress.IPv6Address(n)))
PORT = st.integers(0, 65535)
BYTE = st.integers(0, 255)


@given(
    st.one_of(st.tuples(V4, V4), st.tuples(V6, V6), V4.map(lambda a: (a, a))),
    st.sampled_from([1, 6, 17, 58, 132, 47]), PORT, PORT, BYTE, BYTE, PORT,
)  # fmt: skip
def test_equal_to_the_oracle(pair, proto, sport, dport, kind, code, seed):
    flow = row(*pair, proto, sport, dport, kind, code)
    assert texts(flow, seed) == [oracle(*pair, proto, sport, dport, kind, code, seed)]


@pytest.mark.parametrize(
    ("flow", "expected"),
    [
        (("128.232.110.120", "66.35.250.204", 6, 34855, 80, 0, 0), "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
        (("66.35.250.204", "128.232.110.120", 6, 80, 34855, 0, 0), "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
        (("192.168.1.52", "8.8.8.8", 17, 54585, 53, 0, 0), "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
        (("192.168.0.89", "192.168.0.1", 1, 0, 0, 8, 0), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
    ],
)  # fmt: skip
def test_published_vectors(flow, expected):
    assert texts(row(*flow)) == [expected]


def test_a_batch_keeps_its_order():
    flows = np.concatenate([row("10.0.0.1", f"10.0.0.{i}", 6, i, 80, 0, 0) for i in range(2, 9)])
    assert len(set(texts(flows))) == 7
    assert texts(flows[:0]) == []
