"""The kernel of what is held against its oracle, on scenes and on hostile rows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import holding_scenes as scenes
import numpy as np
import pytest
from holding_oracle import Oracle
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from citywall.batches import FLOW
from detectors.features.sharing import Sharing
from detectors.holding.tables import Holding, HoldingParameters
from detectors.holds import holds_of
from detectors.limits import limits_of, reach_of
from detectors.registry import DETECTORS

PARAMETERS = {name: d.Parameters() for name, d in DETECTORS.items()}
INSIDE = {"h", "g", "keep"}
#: Thresholds so low that nearly everything is handed out.
LOW = {"gate": 1, "age": 10**9, "few": 100_000, "call_bytes": 100, "window": 10**11}


def holds(share=(0, 1), **changes):
    return holds_of(PARAMETERS, share)._replace(**changes)


def bits(words):
    return [64 * k + j for k, word in enumerate(words.tolist()) for j in range(64) if word >> j & 1]


def told(state, rows):
    held = state.observe_flows(rows)
    return [
        (int(row), {n: int(held.held[n][i]) for n in held.held.dtype.names if n not in INSIDE}
         | {"lines": bits(held.lines[i]), "mute": bits(held.mute[i])})
        for i, row in enumerate(held.rows)
    ]  # fmt: skip


def compare(rows, given_holds):
    state, oracle = Holding(HoldingParameters(held=1 << 12), given_holds), Oracle(given_holds)
    shown = 0
    for at in range(0, max(len(rows), 1), 700):
        part = rows[at : at + 700]
        got, expected = told(state, part), oracle.observe_flows(part)
        assert [row for row, _ in got] == [row for row, _ in expected]
        for (row, mine), (_, theirs) in zip(got, expected, strict=True):
            wrong = {n: (v, theirs.get(n, 0)) for n, v in mine.items() if v != theirs.get(n, 0)}
            assert not wrong, (row, wrong)
        shown += len(got)
    return shown


@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_scenes(six):
    for make in (*scenes.HOSTILE.values(), *scenes.BENIGN.values()):
        scene = make(six)
        compare(scene.reports()[:2000], holds(**LOW))
        compare(scene.logged().reports(), holds())


def hostile(seed, n):
    """Rows in which anything may stand, few enough hosts and ports that entities meet again."""
    rng = np.random.default_rng(seed)
    rows = np.frombuffer(rng.bytes(n * FLOW.itemsize), FLOW).copy()
    for name, values in (
        ("dst_port", [0, 80, 80, 88, 443, 445, 49667, 49667]),
        ("proto", [6, 6, 6, 6, 17]),
        ("src_hi", [0, 0, 0, 0x20010DB8 << 32]),
        ("dst_hi", [0, 0, 0, 0xFF02 << 48, 0x20010DB8 << 32]),
        ("domain", [0, 0, 12, 13]),
        ("report", [0, 0, 1, 2]),
        ("first_flags", [2, 2, 2, 18, 24]),
        ("dst_flags", [0, 18, 18, 20]),
        ("src_packets_delta", [0, 1, 9]),
        ("dst_packets_delta", [0, 1]),
        ("src_head", [0, 0x0500000310000000, 0x0500000310000000, 0x474554202F204854]),
    ):
        rows[name] = rng.choice(np.array(values, rows.dtype[name]), n)
    for side in ("src", "dst"):
        rows[f"{side}_lo"] = 0xFFFF_0A00_0000 + rng.integers(0, 4, n).astype("u8")
        few = rng.random(n) < 0.9
        rows[f"{side}_payload"][few] = rng.choice(np.array([0, 0, 90, 5000, 90_000], "u8"), few.sum())
    rows["dst_bytes_delta"] = rng.choice(np.array([0, 40, 30_000, 4 << 20, 1 << 63], "u8"), n)
    rows["time"] = 10**18 + np.cumsum(rng.choice(np.array([0, 1, 10**8, 10**9, 2 * 10**11, -(10**9)]), n))
    usually = rng.random(n) < 0.95
    rows["last"][usually] = rows["time"][usually]
    rows["first"][usually] = rows["time"][usually] - rng.choice(np.array([0, 10**9, 10**11]), usually.sum())
    rows["time"][rng.random(n) < 0.001] = -(2**63)
    return rows


UNSHRUNK = {
    "deadline": None, "suppress_health_check": [HealthCheck.too_slow],
    "phases": [Phase.explicit, Phase.reuse, Phase.generate],
}  # fmt: skip


@settings(max_examples=10, **UNSHRUNK)
@given(seed=st.integers(0, 2**32), n=st.integers(0, 400), low=st.booleans())
def test_hostile_rows(seed, n, low):
    compare(hostile(seed, n), holds(**LOW) if low else holds(gate=2))


def test_rows_reach_every_level():
    state = Holding(HoldingParameters(held=1 << 12), holds(**LOW))
    levels = {fields["level"] for _, fields in told(state, hostile(4, 2500))}
    assert levels == {1, 2, 3}


@settings(max_examples=5, **UNSHRUNK)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 400), partitions=st.integers(2, 9))
def test_partitions_hand_out_together_what_one_does(seed, n, partitions):
    rows = hostile(seed, n)
    rows.sort(order="time")
    rows["offset"] = np.arange(n)
    share = (0, partitions)
    whole = told(Holding(HoldingParameters(), holds(**LOW)), rows)
    found = []
    for partition, part in enumerate(
        Sharing(limits_of(PARAMETERS, share), reach_of(PARAMETERS, share)).flows([rows])
    ):
        own = Holding(HoldingParameters(), holds((partition, partitions), **LOW))
        found += [(int(part["offset"][row]), fields) for row, fields in told(own, part)]
    assert sorted(found, key=repr) == sorted(whole, key=repr)


def test_without_the_compiler_the_same():
    """With the JIT off indexes are checked and integers are NumPy's; the oracle must agree there too."""
    root = Path(__file__).resolve().parents[3]
    code = (
        "import sys; sys.path[:0] = [sys.argv[1], sys.argv[1] + '/tests/detectors']\n"
        "import conftest, importlib.util\n"
        "spec = importlib.util.spec_from_file_location('tk', sys.argv[1] + "
        "'/tests/detectors/holding/test_kernels.py')\n"
        "tk = importlib.util.module_from_spec(spec); spec.loader.exec_module(tk)\n"
        "assert tk.compare(tk.hostile(5, 400), tk.holds(**tk.LOW))\n"
    )
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", code, str(root)],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
