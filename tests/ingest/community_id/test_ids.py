"""Community IDs against the specification's vectors and an oracle on hashlib."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from citywall.addresses import to_words
from citywall.batches import FLOW, ICMP, ICMPV6, SCTP, TCP, UDP
from ingest.community_id import community_ids


@pytest.fixture(autouse=True)
def _hashes_wrap() -> Iterator[None]:
    """Without the JIT, NumPy warns of the overflow that hashing is made of."""
    with np.errstate(over="ignore"):
        yield


# (proto, source, target, port or ICMP type, port or code, id with seed 0, id with seed 1): from the tests of
# the specification's Python reference.
VECTORS = [
    (TCP, "128.232.110.120", "66.35.250.204", 34855, 80,
     "LQU9qZlK+B5F3KDmev6m5PMibrg=", "3V71V58M3Ksw/yuFALMcW0LAHvc="),
    (TCP, "66.35.250.204", "128.232.110.120", 80, 34855,
     "LQU9qZlK+B5F3KDmev6m5PMibrg=", "3V71V58M3Ksw/yuFALMcW0LAHvc="),
    (TCP, "10.0.0.1", "10.0.0.2", 10, 11569,
     "SXBGMX1lBOwhhoDrZynfROxnhnM=", "HmBRGR+fUyXF4t8WEtal7Y0gEAo="),
    (UDP, "192.168.1.52", "8.8.8.8", 54585, 53,
     "d/FP5EW3wiY1vCndhwleRRKHowQ=", "Q9We8WO3piVF8yEQBNJF4uiSVrI="),
    (SCTP, "192.168.170.8", "192.168.170.56", 7, 80,
     "jQgCxbku+pNGw8WPbEc/TS/uTpQ=", "Y1/0jQg6e+I3ZwZZ9LP65DNbTXU="),
    (SCTP, "192.168.170.56", "192.168.170.8", 80, 7,
     "jQgCxbku+pNGw8WPbEc/TS/uTpQ=", "Y1/0jQg6e+I3ZwZZ9LP65DNbTXU="),
    (ICMP, "192.168.0.89", "192.168.0.1", 8, 0,
     "X0snYXpgwiv9TZtqg64sgzUn6Dk=", "03g6IloqVBdcZlPyX8r0hgoE7kA="),
    (ICMP, "192.168.0.1", "192.168.0.89", 0, 8,
     "X0snYXpgwiv9TZtqg64sgzUn6Dk=", "03g6IloqVBdcZlPyX8r0hgoE7kA="),
    (ICMP, "192.168.0.89", "192.168.0.1", 20, 0,
     "3o2RFccXzUgjl7zDpqmY7yJi8rI=", "lCXHHxavE1Vq3oX9NH5ladQg02o="),
    (ICMP, "192.168.0.89", "192.168.0.1", 20, 1,
     "tz/fHIDUHs19NkixVVoOZywde+I=", "Ie3wmFyxiEyikbsbcO03d2nh+PM="),
    (ICMP, "192.168.0.1", "192.168.0.89", 0, 20,
     "X0snYXpgwiv9TZtqg64sgzUn6Dk=", "03g6IloqVBdcZlPyX8r0hgoE7kA="),
    (ICMPV6, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 135, 0,
     "dGHyGvjMfljg6Bppwm3bg0LO8TY=", "kHa1FhMYIT6Ym2Vm2AOtoOARDzY="),
    (ICMPV6, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 136, 0,
     "dGHyGvjMfljg6Bppwm3bg0LO8TY=", "kHa1FhMYIT6Ym2Vm2AOtoOARDzY="),
    (ICMPV6, "3ffe:507:0:1:260:97ff:fe07:69ea", "3ffe:507:0:1:200:86ff:fe05:80da", 3, 0,
     "NdobDX8PQNJbAyfkWxhtL2Pqp5w=", "OlOWx9psIbBFi7lOCw/4MhlKR9M="),
    (ICMPV6, "3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:507:0:1:260:97ff:fe07:69ea", 3, 0,
     "/OGBt9BN1ofenrmSPWYicpij2Vc=", "Ij4ZxnC87/MXzhOjvH2vHu7LRmE="),
    (46, "10.1.24.4", "10.1.12.1", 0, 0,
     "/nQI4Rh/TtY3mf0R2gJFBkVlgS4=", "BK3BVW3U2eemuwVQVN3zd/GULno="),
    (46, "10.1.12.1", "10.1.24.4", 0, 0,
     "/nQI4Rh/TtY3mf0R2gJFBkVlgS4=", "BK3BVW3U2eemuwVQVN3zd/GULno="),
]  # fmt: skip


def texts(flows: np.ndarray, seed: int = 0) -> list[str]:
    return community_ids(flows, seed).astype(str).tolist()


def flow_rows(flows: list[tuple[Any, ...]]) -> NDArray[np.void]:
    rows = np.zeros(len(flows), FLOW)
    for row, (proto, source, target, one, other) in zip(rows, flows, strict=True):
        row["proto"], row["version"] = proto, 6 if ":" in source else 4
        row["src_hi"], row["src_lo"] = to_words(source)
        row["dst_hi"], row["dst_lo"] = to_words(target)
        if proto in (ICMP, ICMPV6):
            row["icmp_type"], row["icmp_code"] = one, other
        else:
            row["src_port"], row["dst_port"] = one, other
    return rows


@pytest.mark.parametrize("seed", [0, 1])
def test_vectors(seed: int) -> None:
    wanted = ["1:" + vector[5 + seed] for vector in VECTORS]
    assert texts(flow_rows([vector[:5] for vector in VECTORS]), seed) == wanted


def test_no_flows() -> None:
    assert texts(np.zeros(0, FLOW)) == []


ANSWERS = {
    ICMP: {8: 0, 0: 8, 13: 14, 14: 13, 15: 16, 16: 15, 10: 9, 9: 10, 17: 18, 18: 17},
    ICMPV6: {128: 129, 129: 128, 130: 131, 131: 130, 133: 134, 134: 133, 135: 136, 136: 135,
             139: 140, 140: 139, 144: 145, 145: 144},
}  # fmt: skip


def oracle(row: Any) -> str:
    """As the reference implementation reads, on bytes and hashlib."""
    proto = int(row["proto"])
    words = [(int(row[f"{side}_hi"]), int(row[f"{side}_lo"])) for side in ("src", "dst")]
    addresses = [hi.to_bytes(8, "big") + lo.to_bytes(8, "big") for hi, lo in words]
    if row["version"] != 6 and all(a[:12] == b"\0" * 10 + b"\xff\xff" for a in addresses):
        addresses = [a[12:] for a in addresses]
    ports, one_way = [int(row["src_port"]), int(row["dst_port"])], False
    if proto in ANSWERS:
        kind = int(row["icmp_type"])
        one_way = kind not in ANSWERS[proto]
        ports = [kind, ANSWERS[proto].get(kind, int(row["icmp_code"]))]
    has_ports = proto in (TCP, UDP, SCTP, ICMP, ICMPV6)
    ends = [(a, p.to_bytes(2, "big") if has_ports else b"") for a, p in zip(addresses, ports, strict=True)]
    if not one_way:
        ends.sort()
    text = b"\0\0" + ends[0][0] + ends[1][0] + bytes([proto, 0]) + ends[0][1] + ends[1][1]
    return "1:" + base64.b64encode(hashlib.sha1(text).digest()).decode()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1 << 32))
def test_as_the_oracle(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.bytes(50 * FLOW.itemsize)
    flows = np.frombuffer(rows, FLOW).copy()
    flows["proto"] = rng.choice([1, 6, 17, 47, 58, 132], 50)
    flows["version"] = rng.choice([0, 4, 6], 50)
    v4 = rng.random(50) < 0.6
    for side in ("src", "dst"):
        flows[f"{side}_hi"][v4] = 0
        flows[f"{side}_lo"][v4] = 0xFFFF_0000_0000 | rng.integers(0, 1 << 32, 50)[v4]
    same = rng.random(50) < 0.3
    flows["dst_hi"][same], flows["dst_lo"][same] = flows["src_hi"][same], flows["src_lo"][same]
    assert texts(flows) == [oracle(row) for row in flows]


SCRIPT = """
import importlib.util, sys
import numpy as np
spec = importlib.util.spec_from_file_location("id_tests", sys.argv[1])
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)
with np.errstate(over="ignore"):
    tests.test_vectors(0)
    tests.test_vectors(1)
"""


def test_without_the_jit() -> None:
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, __file__],
        env=environment,
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
