"""The relation kernel against its oracle, on scenes and on hostile rows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import detector_scenes as scenes
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from relation_oracle import OUT, Oracle

from citywall.batches import EVENT, FLOW
from citywall.settings import PRIVATE
from detectors.features.sharing import Sharing
from detectors.limits import limits_of, reach_of
from detectors.registry import DETECTORS, build
from detectors.relations.records import STARTS
from detectors.relations.tables import RelationParameters, Relations

SMALL = RelationParameters(
    pairs=1 << 13, spreads=1 << 10, services=1 << 10, segments=64, bindings=1 << 10, cards=1 << 9,
    places=1 << 13, edges=1 << 10,
)  # fmt: skip
INSIDE = {"h", "g", "keep", "series", "start", "size"}  # the last three stand in `starts` and `sizes`
BESIDE = {"pairs": ("starts", "sizes"), "spreads": ("reached",), "services": ("comers",)}
PARAMETERS = {name: d.Parameters() for name, d in DETECTORS.items()}


def reach(**changes):
    return reach_of(PARAMETERS)._replace(**changes)


#: Thresholds so low that nearly everything is handed out.
LOW = {
    "learn": 10**9, "learn_flows": 2, "held": 10**9, "bulk": 1000, "beacon_flows": 1, "talk_packets": 1,
    "rpc_flows": 1, "gate": 1, "burst": 2,
}  # fmt: skip


def told(related, lim):
    """What the kernel handed out, in the oracle's form."""
    out = {}
    for what in OUT:
        records, rows = getattr(related, what), getattr(related, f"{what[:-1]}_rows")
        copies = []
        for i, row in enumerate(rows):
            fields = {n: int(records[n][i]) for n in records.dtype.names if n not in INSIDE}
            fields |= {n: getattr(related, n)[i].tolist() for n in BESIDE.get(what, ())}
            if what == "pairs":  # what lies beyond a pair's flows means nothing
                held = fields["flows"] if fields["flows"] >= lim.beacon_flows else 0
                fields |= {n: fields[n][:held] + [0] * (STARTS - held) for n in ("starts", "sizes") if held}
                fields |= {} if held else {"starts": None, "sizes": None}
            copies.append((int(row), fields))
        out[what] = copies
    return out


def compare(rows, lim, sizes=SMALL):
    relations, oracle = Relations(sizes, lim), Oracle(lim)
    shown = 0
    for at in range(0, max(len(rows), 1), 3000):
        part = rows[at : at + 3000]
        events = rows.dtype == EVENT
        got = told(relations.observe_events(part) if events else relations.observe_flows(part), lim)
        expected = oracle.observe_events(part) if events else oracle.observe_flows(part)
        for what in expected:
            assert [row for row, _ in got[what]] == [row for row, _ in expected[what]], what
            for (row, mine), (_, theirs) in zip(got[what], expected[what], strict=True):
                wrong = {
                    n: (v, theirs.get(n, 0)) for n, v in mine.items() if v not in (None, theirs.get(n, 0))
                }
                assert not wrong, (what, row, wrong)
            shown += len(got[what])
    return shown


@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_scenes(six):
    for make in (*scenes.HOSTILE.values(), *scenes.BENIGN.values()):
        scene = make(six)
        compare(scene.reports()[:500], reach(**LOW))
        compare(scene.logged().reports()[:200], reach(**LOW))
        compare(scene.events(), reach(**LOW))


HEADS = (
    b"GET / HT", b"HTTP/1.1", b"SSH-2.0-", b"\x16\x03\x01\0\x01\0\0\0", b"#!/bin/s", b"MZ\x90\0\x03\0\0\0",
    b"\0\x10\0\0MZ\x90\0", b'{"id":1,', b'{"method', b"Microsof", b"id\n\0\0\0\0\0",
    b"\x05\0\x0b\x03\x10\0\0\0",
    b"\0\x01\0\0\0\x06\x01\x05", b"\0\x01\0\0\0\x06\x01\x03", b"\0\x01\0\0\0\x03\x01\x83", b"uid=0(ro",
)  # fmt: skip


def hostile(seed, n):
    """Rows in which anything may stand, few enough hosts and ports that entities meet again."""
    rng = np.random.default_rng(seed)
    rows = np.frombuffer(rng.bytes(n * FLOW.itemsize), FLOW).copy()
    pool = [0, 22, 53, 67, 68, 80, 135, 445, 502, 546, 547, 4444, 49667]
    for name, values in (
        ("src_port", pool),
        ("dst_port", pool),
        ("proto", [1, 6, 6, 6, 6, 17, 17, 58, 47]),
        ("src_hi", [0, 0, 0, 0xFE80 << 48, 0x20010DB8 << 32]),
        ("dst_hi", [0, 0, 0, 0xFF02 << 48, 0x20010DB8 << 32]),
        ("domain", [0, 12, 13]),
        ("report", [0, 0, 1, 2]),
        ("kind", [0, 1, 2]),
        ("reason", [0, 1, 5]),
        ("first_flags", [0, 2, 2, 2, 16, 18, 24]),
        ("sampling", [0, 0, 0, 0, 1, 2, 512]),
        ("icmp_type", [0, 8, 8, 128, 129, 134, 135]),
        ("flow_id", [1, 2, 65536]),
    ):
        rows[name] = rng.choice(np.array(values, rows.dtype[name]), n)
    heads = np.array([0, *(int.from_bytes(head, "big") for head in HEADS)], "u8")
    for side in ("src", "dst"):
        rows[f"{side}_lo"] = 0xFFFF_0A00_0000 + rng.integers(0, 5, n).astype("u8")
        odd = rng.random(n) < 0.1
        rows[f"{side}_lo"][odd] = rng.choice(
            np.array([0, 0xFFFF_0000_0000, 0xFFFF_E000_0001, 0xFFFF_0808_0808], "u8"), odd.sum()
        )
        rows[f"{side}_head"] = rng.choice(heads, n)
        for name in ("packets", "payload", "bytes"):
            few = rng.random(n) < 0.95
            rows[f"{side}_{name}"][few] = rng.integers(0, 3000, few.sum())
        same = rng.random(n) < 0.6
        rows[f"{side}_packets_delta"] = np.where(same, rows[f"{side}_packets"] & 0xFFFFFFFF, 1)
        rows[f"{side}_bytes_delta"] = np.where(same, rows[f"{side}_bytes"], 40)
    steps = rng.choice(np.array([0, 0, 1, 10**6, 10**9, 10**11, 4 * 10**12, -(10**9)]), n)
    rows["time"] = 10**18 + np.cumsum(steps)
    usual = rng.random(n) < 0.95
    rows["first"][usual] = rows["time"][usual] - rng.choice(np.array([10**8, 10**10]), usual.sum())
    rows["last"][usual] = rows["time"][usual]
    wild = rng.random(n) < 0.002
    rows["time"][wild] = rng.choice(np.array([-(2**63), 2**63 - 1, 0]), wild.sum())
    return rows


def hostile_events(seed, n):
    """Cards and addresses, few of each, in domains."""
    rng = np.random.default_rng(seed)
    rows = np.zeros(n, EVENT)
    rows["time"] = 10**18 + np.cumsum(
        rng.choice(np.array([0, 10**6, 10**9, 10**10, 10**12]), n, p=(0.2, 0.3, 0.3, 0.19, 0.01))
    )
    rows["kind"] = rng.integers(0, 6, n)
    rows["flags"] = rng.choice(np.array([0, 0, 0, 2048], "u4"), n)
    rows["frame"] = np.arange(n)
    for side in ("src", "dst"):
        rows[f"{side}_lo"] = rng.choice(
            np.array([0, 0xFFFF_0000_0000, 0xFFFF_0A00_0001, 0xFFFF_0808_0808, 0xFFFF_E000_0001], "u8"), n
        )
        rows[f"{side}_mac"] = rng.choice(np.array([0, 1, 2, 3, 0xFFFFFFFFFFFF], "u8"), n)
    rows["domain"] = rng.choice(np.array([0, 12, 13], "u4"), n)
    return rows


#: A seed says nothing when it is made smaller.
UNSHRUNK = {
    "deadline": None, "suppress_health_check": [HealthCheck.too_slow],
    "phases": [Phase.explicit, Phase.reuse, Phase.generate],
}  # fmt: skip


@settings(max_examples=12, **UNSHRUNK)
@given(seed=st.integers(0, 2**32), n=st.integers(0, 400), low=st.booleans())
def test_hostile_rows(seed, n, low):
    compare(hostile(seed, n), reach(**LOW) if low else reach(gate=2, beacon_flows=4))


@settings(max_examples=8, **UNSHRUNK)
@given(seed=st.integers(0, 2**32), n=st.integers(0, 300))
def test_hostile_events(seed, n):
    compare(hostile_events(seed, n), reach(**LOW))


SMALL_SET = {
    "beacon": {"flows": 4},
    "relations": {name: getattr(SMALL, name) for name in SMALL.__struct_fields__},
    "features": {"contacts": 1 << 12, "groups": 1 << 10, "targets": 1 << 9, "logins": 1 << 9},
}


def test_of_what_is_not_handed_out_nothing_could_be_said():
    said = []
    for every_contact in (False, True):
        detectors = build(SMALL_SET, PRIVATE)
        detectors._reach = detectors._reach._replace(contacts=every_contact)
        detectors._reset()
        found = [
            detectors.process(hostile(seed, 2000), np.empty(0, EVENT), f"{seed}", "test") for seed in (1, 2)
        ]
        said.append(found)
    assert said[0] == said[1]
    assert all(said[0])


def test_hostile_rows_reach_every_table():
    lim = reach(**LOW)
    shown = told(Relations(SMALL, lim).observe_flows(hostile(3, 3000)), lim)
    events = told(Relations(SMALL, lim).observe_events(hostile_events(3, 500)), lim)
    shown = {what: copies or events[what] for what, copies in shown.items()}
    assert all(shown[what] for what in OUT)


@settings(max_examples=6, **UNSHRUNK)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 400), partitions=st.integers(2, 9))
def test_partitions_hand_out_together_what_one_does(seed, n, partitions):
    flows, events = hostile(seed, n), hostile_events(seed, n)
    flows.sort(order="time")
    share = Sharing(limits_of(PARAMETERS, (0, partitions)), reach(**LOW, partitions=partitions))
    for rows, name in ((flows, "flows"), (events, "events")):
        rows["offset"] = np.arange(n)
        lim = reach(**LOW)
        whole = told(getattr(Relations(SMALL, lim), f"observe_{name}")(rows), lim)
        found = {what: [] for what in whole}
        for partition, part in enumerate(getattr(share, name)([rows])):
            own = Relations(SMALL, reach(**LOW, partition=partition, partitions=partitions))
            for what, copies in told(getattr(own, f"observe_{name}")(part), lim).items():
                found[what] += [(int(part["offset"][row]), fields) for row, fields in copies]
        assert {what: sorted(c, key=repr) for what, c in found.items()} == {
            what: sorted(c, key=repr) for what, c in whole.items()
        }


def test_a_full_table_keeps_who_deals_often():
    """A beacon is not pushed out by ten thousand pairs that met once."""
    relations = Relations(RelationParameters(pairs=256, places=256), reach())
    scene = scenes.Scene()
    for i in range(40):
        scene.tcp(i * 60, scenes.address(9, net=1), "198.51.100.7", 8443, "talk")
        for j in range(50):
            scene.tcp(i * 60 + 1 + j * 0.01, scenes.address(i * 50 + j, net=3), "203.0.113.9", 443, "talk")
    most = 0
    for part in np.array_split(scene.reports(), 12):
        pairs = relations.observe_flows(part).pairs
        most = max(most, int(pairs["flows"][pairs["port"] == 8443].max(initial=0)))
    assert relations.used["pairs"] == 256
    assert relations.evicted["pairs"] > 1000
    assert most == 32  # the last count it is shown at


def test_without_the_compiler_the_same():
    """With the JIT off indexes are checked and integers are NumPy's; the oracle must agree there too."""
    root = Path(__file__).resolve().parents[3]
    code = (
        "import sys, importlib.util; sys.path[:0] = [sys.argv[1]]\n"
        "def load(name, path):\n"
        "    spec = importlib.util.spec_from_file_location(name, sys.argv[1] + '/tests/detectors/' + path)\n"
        "    m = sys.modules[name] = importlib.util.module_from_spec(spec)\n"
        "    spec.loader.exec_module(m); return m\n"
        "load('detector_scenes', 'scenes.py'); load('detector_oracle', 'features/oracle.py')\n"
        "load('relation_oracle', 'relations/oracle.py'); t = load('t', 'relations/test_kernels.py')\n"
        "from citywall.kernels import JIT; assert not JIT\n"
        "t.compare(t.hostile(5, 200), t.reach(**t.LOW))\n"
        "t.compare(t.hostile_events(5, 100), t.reach(**t.LOW))\n"
        "print('agreed')\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(root)],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "agreed"
