"""The kernel of what is usual against its oracle, on scenes and on hostile rows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import baseline_scenes as usual
import detector_scenes as scenes
import numpy as np
import pytest
from baseline_oracle import OUT, Oracle, least_of, octaves
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from citywall.batches import FLOW
from citywall.settings import PRIVATE
from detectors.baselines import kernels
from detectors.baselines.tables import BaselineParameters, Baselines
from detectors.features.sharing import Sharing
from detectors.limits import limits_of, reach_of
from detectors.norms import norms_of
from detectors.prefixes import Prefixes
from detectors.registry import DETECTORS

SMALL = BaselineParameters(probers=1 << 10, aims=1 << 10, services=1 << 10, hosts=64, jobs=256, segments=64)
INSIDE = {"h", "g", "keep"}
BESIDE = {
    "probers": ("failing", "answering", "ports", "nets"), "aims": ("marks", "comers", "aimers", "aimed"),
    "services": ("askers", "loud", "loudness"),
}  # fmt: skip
PARAMETERS = {name: d.Parameters() for name, d in DETECTORS.items()}
HOME = Prefixes(PRIVATE).words


def norms(**changes):
    return norms_of(PARAMETERS, HOME)._replace(**changes)


#: Thresholds so low that nearly everything is handed out.
LOW = {
    "scan_gate": 1, "aim_gate": 1,
    "aim_window": 10**16, "scan_window": 10**15, "request_allowed": 0, "request_alarm": 1, "stray_allowed": 0,
    "stray_alarm": 1, "volume_floor": 20_000, "volume_days": 2, "volume_octaves": 1, "job_bytes": 1 << 20,
    "job_runs": 3, "silence_learn": 10**12, "silence_rows": 2, "loss_flows": 2, "loss_share": 10,
}  # fmt: skip


def told(noted):
    """What the kernel handed out, in the oracle's form."""
    out = {}
    for what in OUT:
        records, rows = getattr(noted, what), getattr(noted, f"{what[:-1]}_rows")
        out[what] = [
            (int(row), {n: int(records[n][i]) for n in records.dtype.names if n not in INSIDE}
             | {n: getattr(noted, n)[i].tolist() for n in BESIDE.get(what, ())})
            for i, row in enumerate(rows)
        ]  # fmt: skip
    return out


def compare(rows, lim, sizes=SMALL):
    state, oracle = Baselines(sizes, lim), Oracle(lim)
    shown = dict.fromkeys(OUT, 0)
    for at in range(0, max(len(rows), 1), 700):
        part = rows[at : at + 700]
        got, expected = told(state.observe_flows(part)), oracle.observe_flows(part)
        for what in OUT:
            assert [row for row, _ in got[what]] == [row for row, _ in expected[what]], what
            for (row, mine), (_, theirs) in zip(got[what], expected[what], strict=True):
                wrong = {n: (v, theirs.get(n, 0)) for n, v in mine.items() if v != theirs.get(n, 0)}
                assert not wrong, (what, row, wrong)
            shown[what] += len(got[what])
    return shown


@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_scenes(six):
    for make in (*usual.HOSTILE.values(), *usual.BENIGN.values()):
        scene = make(six)
        compare(scene.reports()[:900], norms(**LOW))
        compare(scene.logged().reports()[:300], norms())


def hostile(seed, n):
    """Rows in which anything may stand, few enough hosts and ports that entities meet again, over weeks."""
    rng = np.random.default_rng(seed)
    rows = np.frombuffer(rng.bytes(n * FLOW.itemsize), FLOW).copy()
    for name, values in (
        ("src_port", [0, 22, 53, 445, 4444, 49667]),
        ("dst_port", [0, 22, 53, 80, 445, 4444]),
        ("proto", [1, 6, 6, 6, 6, 17, 17, 58, 47]),
        ("src_hi", [0, 0, 0, 0xFE80 << 48, 0x20010DB8 << 32]),
        ("dst_hi", [0, 0, 0, 0xFF02 << 48, 0x20010DB8 << 32]),
        ("domain", [0, 0, 12, 13]),
        ("report", [0, 0, 1, 2]),
        ("kind", [0, 1, 2, 2]),
        ("reason", [0, 1, 5]),
        ("first_flags", [0, 2, 2, 2, 16, 18, 24]),
        ("src_flags", [0, 2, 18, 24, 27]),
        ("dst_flags", [0, 4, 18, 20, 27]),
        ("sampling", [*[0] * 12, 1, 2, 512]),
        ("icmp_type", [0, 8, 8, 128, 129, 134]),
    ):
        rows[name] = rng.choice(np.array(values, rows.dtype[name]), n)
    sample = np.array([i for i in range(4000) if usual.mixed64(i) % kernels.SAMPLE == 0], "u8")
    rows["flow_id"] = np.where(rng.random(n) < 0.5, rng.choice(sample, n), rows["flow_id"])
    for side in ("src", "dst"):
        rows[f"{side}_lo"] = 0xFFFF_0A00_0000 + rng.integers(0, 4, n).astype("u8")
        odd = rng.random(n) < 0.1
        rows[f"{side}_lo"][odd] = rng.choice(
            np.array([0, 0xFFFF_0000_0000, 0xFFFF_E000_0001, 0xFFFF_0808_0808], "u8"), odd.sum()
        )
        for name in ("packets", "payload", "bytes"):
            few = rng.random(n) < 0.95
            rows[f"{side}_{name}"][few] = rng.integers(0, 3000, few.sum())
            rows[f"{side}_{name}"][rng.random(n) < 0.3] = 0
        rows[f"{side}_bytes_delta"] = rng.choice(np.array([0, 40, 30_000, 4 << 20, 1 << 63], "u8"), n)
    steps = rng.choice(
        np.array([0, 0, 1, 10**8, 10**9, 10**11, 4 * 10**12, 86_400 * 10**9, -(10**9)]), n,
        p=(0.2, 0.2, 0.1, 0.2, 0.1, 0.1, 0.05, 0.03, 0.02),
    )  # fmt: skip
    rows["time"] = 10**18 + np.cumsum(steps)
    usually = rng.random(n) < 0.95
    rows["first"][usually] = rows["time"][usually] - 10**8
    rows["last"][usually] = rows["time"][usually]
    wild = rng.random(n) < 0.001
    rows["time"][wild] = rng.choice(np.array([-(2**63), 0]), wild.sum())
    return rows


#: A seed says nothing when it is made smaller.
UNSHRUNK = {
    "deadline": None, "suppress_health_check": [HealthCheck.too_slow],
    "phases": [Phase.explicit, Phase.reuse, Phase.generate],
}  # fmt: skip


@settings(max_examples=10, **UNSHRUNK)
@given(seed=st.integers(0, 2**32), n=st.integers(0, 400), low=st.booleans())
def test_hostile_rows(seed, n, low):
    compare(hostile(seed, n), norms(**LOW) if low else norms(scan_gate=3, request_allowed=2))


def test_rows_reach_every_table():
    shown = compare(hostile(4, 4000), norms(**LOW))
    missed, silent = usual.missed_backup().reports(), usual.silent_segment().reports()
    assert all(shown[what] for what in OUT if what != "jobs")
    assert compare(missed, norms())["jobs"] == 1
    assert compare(silent, norms())["segments"] == 1


@settings(max_examples=5, **UNSHRUNK)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 400), partitions=st.integers(2, 9))
def test_partitions_hand_out_together_what_one_does(seed, n, partitions):
    """What sweeps show is shown at the same row, by the partition that keeps the record."""
    rows = hostile(seed, n)
    rows.sort(order="time")
    rows["offset"] = np.arange(n)
    share = (0, partitions)
    shares = Sharing(
        limits_of(PARAMETERS, share), reach_of(PARAMETERS, share), norms_of(PARAMETERS, HOME, share)
    )
    whole = told(Baselines(SMALL, norms(**LOW)).observe_flows(rows))
    found = {what: [] for what in whole}
    for partition, part in enumerate(shares.flows([rows])):
        own = Baselines(SMALL, norms(**LOW, partition=partition, partitions=partitions))
        for what, copies in told(own.observe_flows(part)).items():
            found[what] += [(int(part["offset"][row]), fields) for row, fields in copies]
    for what, copies in whole.items():
        assert sorted(found[what], key=repr) == sorted(copies, key=repr), what


def test_a_volume_is_kept_to_an_eighth_of_an_octave():
    for volume in (0, 4095, 4096, 5000, 123_456, 10**9, 10**12, 1 << 60):
        kept = octaves(volume)
        least, above = least_of(kept), least_of(kept + 1)
        assert least <= volume
        assert volume < above or kept == 255 or volume < 4096
        assert above <= least * 9 / 8 or volume < 4096 or kept == 255


def test_a_full_table_of_hosts_keeps_whom_it_knows():
    """Newcomers do not push out hosts that are heard every day; they are counted."""
    sizes = BaselineParameters(hosts=16, jobs=16)
    state = Baselines(sizes, norms())
    scene = scenes.Scene()
    for i in range(200):
        source = scenes.address(i if i % 2 else i % 16, net=1)
        scene.flow(i * 60.0, source, "198.51.100.7", 6, None, 443, 50, 50, 90_000, 500, 1.0)
    state.observe_flows(scene.reports())
    assert state.used["hosts"] == 16
    assert state.evicted["hosts"] == 0
    assert state.refused > 50


def test_without_the_compiler_the_same():
    """With the JIT off indexes are checked and integers are NumPy's; the oracle must agree there too."""
    root = Path(__file__).resolve().parents[3]
    code = (
        "import sys, importlib.util; sys.path[:0] = [sys.argv[1]]\n"
        "def load(name, path):\n"
        "    spec = importlib.util.spec_from_file_location(name, sys.argv[1] + '/tests/detectors/' + path)\n"
        "    m = sys.modules[name] = importlib.util.module_from_spec(spec)\n"
        "    spec.loader.exec_module(m); return m\n"
        "load('detector_scenes', 'scenes.py'); load('relation_scenes', 'relations/scenes.py')\n"
        "load('baseline_scenes', 'baselines/scenes.py'); load('detector_oracle', 'features/oracle.py')\n"
        "load('baseline_oracle', 'baselines/oracle.py'); t = load('t', 'baselines/test_kernels.py')\n"
        "from citywall.kernels import JIT; assert not JIT\n"
        "t.compare(t.hostile(5, 300), t.norms(**t.LOW))\n"
        "print('agreed')\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(root)],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "agreed"
