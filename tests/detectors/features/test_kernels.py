"""The feature kernel against its oracle, on scenes and on hostile rows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import detector_scenes as scenes
import numpy as np
import pytest
from detector_oracle import Oracle
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from citywall import watermarks
from citywall.batches import EVENT, FLOW
from detectors.features import kernels as k
from detectors.features.sharing import Sharing, askers_of
from detectors.features.tables import FeatureParameters, Features
from detectors.limits import limits_of, reach_of
from detectors.registry import DETECTORS

SMALL = FeatureParameters(contacts=1 << 13, groups=1 << 13, targets=1 << 13, logins=1 << 10)
SIDE = {"source_bins", "spread_bins", "registers"}
INSIDE = {"h", "g", "keep"}


PARAMETERS = {name: d.Parameters() for name, d in DETECTORS.items()}


def limits(**changes):
    return limits_of(PARAMETERS)._replace(**changes)


def test_the_end_of_time_is_one():
    assert k.FAR_FUTURE == watermarks.FAR_FUTURE


def told(seen):
    """What the kernel handed out, in the oracle's form."""
    out = {}
    for what, rows in (
        ("groups", seen.group_rows),
        ("targets", seen.target_rows),
        ("logins", seen.login_rows),
    ):
        records = getattr(seen, what)
        copies = []
        for i, row in enumerate(rows):
            fields = {n: int(records[n][i]) for n in records.dtype.names if n not in INSIDE}
            if what == "targets":
                fields |= {n: getattr(seen, n)[i].tolist() for n in SIDE}
            copies.append((int(row), fields))
        out[what] = copies
    return out


def compare(rows, lim, events=False, sizes=SMALL):
    features, oracle = Features(sizes, lim), Oracle(lim)
    for at in range(0, max(len(rows), 1), 3000):
        part = rows[at : at + 3000]
        got = told(features.observe_events(part) if events else features.observe_flows(part))
        expected = oracle.observe_events(part) if events else oracle.observe_flows(part)
        for what in expected:
            assert [row for row, _ in got[what]] == [row for row, _ in expected[what]], what
            for (_, mine), (_, theirs) in zip(got[what], expected[what], strict=True):
                wrong = {n: (v, theirs.get(n, 0)) for n, v in mine.items() if v != theirs.get(n, 0)}
                assert not wrong, (what, wrong)
    return sum(len(v) for v in got.values())


@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
@pytest.mark.parametrize(
    "name", [*scenes.HOSTILE.values(), *scenes.BENIGN.values()], ids=lambda f: f.__name__
)
def test_scenes(name, six):
    scene = name(six)
    compare(scene.reports()[:900], limits(gate=1))
    compare(scene.logged().reports()[:400], limits(gate=1))


@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_address_resolution(six):
    compare(scenes.arp_sweep(six).events(), limits(gate=1, window=10 * scenes.SECOND), events=True)


def hostile(seed, n):
    """Rows in which anything may stand, few enough hosts and ports that entities meet again."""
    rng = np.random.default_rng(seed)
    rows = np.frombuffer(rng.bytes(n * FLOW.itemsize), FLOW).copy()
    pool = [0, 1, 2, 22, 53, 80, 443, 902, 33500, 40000, 65535]
    for name, values in (
        ("src_port", pool),
        ("dst_port", pool),
        ("proto", [1, 6, 6, 6, 17, 17, 58, 47]),
        ("src_hi", [0, 0, 0xFE80 << 48, 0xFF02 << 48, 0x20010DB8 << 32]),
        ("dst_hi", [0, 0, 0xFF02 << 48, 0x20010DB8 << 32]),
        ("domain", [0, 12, 13]),
        ("report", [0, 0, 1, 2]),
        ("kind", [0, 1, 2]),
        ("reason", [0, 1, 5]),
        ("first_flags", [0, 2, 2, 2, 16, 18, 4, 41, 3]),
        ("sampling", [0, 0, 0, 0, 1, 2, 512]),
        ("icmp_type", [0, 3, 8, 8, 128, 129, 135]),
        ("flow_id", [1, 2, 65536, 65537, 2**63]),
    ):
        rows[name] = rng.choice(np.array(values, rows.dtype[name]), n)
    for side in ("src", "dst"):
        rows[f"{side}_lo"] = 0xFFFF_0A00_0000 + rng.integers(0, 5, n).astype("u8")
        odd = rng.random(n) < 0.1
        rows[f"{side}_lo"][odd] = rng.choice(
            np.array([0, 0xFFFF_E000_0001, 0xFFFF_FFFF_FFFF, 2**64 - 1], "u8"), odd.sum()
        )
        for name in ("packets", "payload", "bytes"):
            few = rng.random(n) < 0.9
            rows[f"{side}_{name}"][few] = rng.integers(0, 3000, few.sum())
        rows[f"{side}_packets_delta"] = np.where(
            rng.random(n) < 0.5, rows[f"{side}_packets"] & 0xFFFFFFFF, rng.integers(0, 300, n)
        )
        heads = [
            0,
            0x5353482D322E3000,
            0x3232302072656400,
            0x2B4F4B,
            0x2A204F4B20000000,
            0x5246422030303300,
            0x0300002B26E00000,
            0x00000040FE534D42,
            0xFFFD180000000000,
        ]
        rows[f"{side}_head"] = rng.choice(np.array(heads, "u8"), n)
    for at in np.flatnonzero(rng.random(n) < 0.15):  # refusals whose questions nobody saw, or nearly that
        for name, value in {
            "proto": 6, "report": 0, "first_flags": 20, "src_flags": rng.choice([20, 20, 21]), "dst_flags": 0,
            "src_packets": rng.choice([1, 1, 2, 3]), "dst_packets": rng.choice([0, 0, 0, 1]), "sampling": 0,
            "src_payload": rng.choice([0, 0, 0, 1]), "dst_payload": 0,
            "dst_port": rng.choice([40000, 1024, 80]),
        }.items():  # fmt: skip
            rows[name][at] = value
    steps = rng.choice(np.array([0, 0, 1, 10**6, 10**9, 3 * 10**9, 10**11, -(10**9)]), n)
    rows["time"] = 10**18 + np.cumsum(steps)
    usual = rng.random(n) < 0.95
    rows["first"][usual] = rows["time"][usual] - 10**8
    rows["last"][usual] = rows["time"][usual]
    wild = rng.random(n) < 0.002
    rows["time"][wild] = rng.choice(np.array([-(2**63), 2**63 - 1, 0]), wild.sum())
    return rows


def hostile_events(seed, n):
    """Askers with and without an address, in domains, asking for few."""
    rng = np.random.default_rng(seed)
    rows = np.zeros(n, EVENT)
    rows["time"] = 10**18 + np.cumsum(rng.choice(np.array([0, 10**6, 10**9, 10**11]), n))
    rows["kind"] = rng.integers(0, 6, n)
    for side in ("src", "dst"):
        rows[f"{side}_lo"] = rng.choice(
            np.array([0, 0xFFFF_0000_0000, 0xFFFF_0A00_0001, 0xFFFF_0808_0808], "u8"), n
        )
        rows[f"{side}_mac"] = rng.integers(1, 3, n)
    rows["domain"] = rng.choice(np.array([0, 12, 13], "u4"), n)
    return rows


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), n=st.integers(0, 400), partitions=st.integers(1, 9))
def test_partitions_hand_out_together_what_one_does(seed, n, partitions):
    """Given the rows shared out to them, in order of time, each entity's record is with one of them."""
    flows, events = hostile(seed, n), hostile_events(seed, n)
    flows.sort(order="time")
    for rows in (flows, events):
        rows["offset"] = np.arange(n)
    for rows, name in ((flows, "flows"), (events, "events")):
        whole = told(getattr(Features(SMALL, limits(gate=1)), f"observe_{name}")(rows))
        reach = reach_of(PARAMETERS, (0, partitions))
        parts = getattr(Sharing(limits(partitions=partitions), reach), name)([rows])
        found = {what: [] for what in whole}
        for partition, shared in enumerate(parts):
            lim = limits(gate=1, partition=partition, partitions=partitions)
            part = askers_of(shared, lim) if name == "events" else shared
            own = Features(SMALL, lim)
            for what, copies in told(getattr(own, f"observe_{name}")(part)).items():
                found[what] += [(int(part["offset"][row]), fields) for row, fields in copies]
        assert {what: sorted(copies, key=repr) for what, copies in found.items()} == {
            what: sorted(copies, key=repr) for what, copies in whole.items()
        }


#: A seed says nothing when it is made smaller.
UNSHRUNK = [Phase.explicit, Phase.reuse, Phase.generate]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=UNSHRUNK)
@given(seed=st.integers(0, 2**32), n=st.integers(0, 400), gate=st.integers(1, 5), short=st.booleans())
def test_hostile_rows(seed, n, gate, short):
    lim = limits(
        gate=gate, login_attempts=3, **({"window": 5 * 10**9, "login_window": 20 * 10**9} if short else {})
    )
    lim.flood[:, :, 1] = np.minimum(lim.flood[:, :, 1], 500)
    lim.flood[:, :, 3] = np.minimum(lim.flood[:, :, 3], 5)
    compare(hostile(seed, n), lim)


@settings(max_examples=15, deadline=None, phases=UNSHRUNK)
@given(seed=st.integers(0, 2**32), n=st.integers(0, 300))
def test_hostile_events(seed, n):
    rng = np.random.default_rng(seed)
    rows = np.frombuffer(rng.bytes(n * EVENT.itemsize), EVENT).copy()
    rows["kind"] = rng.integers(0, 6, n)
    rows["domain"] = rng.integers(0, 2, n)
    for side in ("src", "dst"):
        rows[f"{side}_hi"] = rng.choice(np.array([0, 0, 0xFE80 << 48], "u8"), n)
        rows[f"{side}_lo"] = rng.choice(np.array([0, 0xFFFF00000000, *range(1, 9)], "u8"), n)
        rows[f"{side}_mac"] = rng.integers(0, 3, n)
    rows["time"] = 10**18 + np.cumsum(rng.choice(np.array([0, 10**6, 10**10, -(10**9)]), n))
    compare(rows, limits(gate=1, window=30 * 10**9), events=True)


def test_a_table_that_is_full_keeps_the_loud():
    """A scanner is not pushed out by a thousand sources that fail twice."""
    lim = limits()
    features = Features(FeatureParameters(contacts=1024, groups=64, targets=16, logins=16), lim)
    scene = scenes.Scene()
    for i in range(40):
        scene.tcp(i * 0.5, scenes.address(9, net=1), scenes.address(i, net=2), 22, "silent")
        for j in range(60):
            scene.tcp(
                i * 0.5 + j * 0.001,
                scenes.address(i * 30 + j // 2, net=30),
                scenes.address(7, net=2),
                80 + j % 2,
                "silent",
            )
    best = 0
    for row in np.array_split(scene.reports(), 40):
        seen = features.observe_flows(row)
        mine = seen.groups[(seen.groups["port"] == 22) & (seen.groups["kind"] == k.BY_PORT)]
        best = max(best, int(mine["failures"].max(initial=0)))
    assert features.used["contacts"] == 1024
    assert features.evicted["contacts"] > 1000
    assert features.used["groups"] == 64
    assert features.evicted["groups"] > 1000
    assert best >= 30


def test_slots_survive_eviction():
    """Every record in use is found again, whatever was evicted before."""
    features = Features(FeatureParameters(contacts=50, groups=40, targets=30, logins=16), limits())
    for seed in range(20):
        features.observe_flows(hostile(seed, 300))
    tables = features.tables
    for slots, records, used in (
        (tables.contact_slots, tables.contacts, features.used["contacts"]),
        (tables.group_slots, tables.groups, features.used["groups"]),
        (tables.target_slots, tables.targets, features.used["targets"]),
    ):
        held = slots[slots != 0]
        assert sorted((held & 0xFFFFFFFF).tolist()) == list(range(1, used + 1))
        mask = len(slots) - 1
        for i in range(used):
            at = int(records["h"][i]) >> 32 & mask
            while int(slots[at]) & 0xFFFFFFFF != i + 1:
                assert slots[at] != 0
                at = at + 1 & mask


def test_without_the_compiler_the_same():
    """With the JIT off indexes are checked and integers are NumPy's; the oracle must agree there too."""
    root = Path(__file__).resolve().parents[3]
    code = (
        "import sys, runpy, importlib.util; sys.path[:0] = [sys.argv[1]]\n"
        "def load(name, path):\n"
        "    spec = importlib.util.spec_from_file_location(name, sys.argv[1] + '/tests/detectors/' + path)\n"
        "    m = sys.modules[name] = importlib.util.module_from_spec(spec)\n"
        "    spec.loader.exec_module(m); return m\n"
        "s, o = load('detector_scenes', 'scenes.py'), load('detector_oracle', 'features/oracle.py')\n"
        "t = load('t', 'features/test_kernels.py')\n"
        "from citywall.kernels import JIT; assert not JIT\n"
        "t.compare(t.hostile(5, 250), t.limits(gate=1))\n"
        "t.compare(s.ssh_guessing().reports()[:60], t.limits(gate=1))\n"
        "t.compare(s.arp_sweep().events()[:60], t.limits(gate=1), events=True)\n"
        "print('agreed')\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(root)],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "agreed"
