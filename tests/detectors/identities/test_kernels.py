"""The kernel of identities against its oracle, whole and in partitions, with the JIT and without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import identity_scenes as scenes
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from identity_oracle import Oracle

from citywall import batches as b
from citywall.batches import EVENT
from detectors.bounds import bounds_of
from detectors.features.sharing import Sharing
from detectors.identities import records as r
from detectors.identities.kernels import Bounds
from detectors.identities.tables import Identities, IdentityParameters, concerned
from detectors.limits import limits_of, reach_of
from detectors.places import Places
from detectors.registry import DETECTORS

PARAMETERS = {name: d.Parameters() for name, d in DETECTORS.items()}
NAMES = (b"wangwei", b"krbtgt/city", b"cifs/files", b"desk-0042", b"", b"printer-of-the-hall")


def bounds(partition=0, partitions=1, low=True) -> Bounds:
    told = bounds_of(PARAMETERS, (partition, partitions))
    return told._replace(gates=np.ones(r.KINDS, np.int64)) if low else told


def copies(identities: Identities, events: np.ndarray):
    told = identities.observe(concerned(events))
    found = []
    for i, s in enumerate(told.subjects):
        words = told.seen[i].tolist()
        sets = [sum(w << 64 * j for j, w in enumerate(words[k : k + 4])) for k in (0, 4)]
        ends = tuple((int(s[f"{side}_hi"]), int(s[f"{side}_lo"])) for side in ("old", "new"))
        found.append(
            (int(told.rows[i]), int(s["kind"]), told.counts[i].tolist(), sets, told.words(i), int(s["began"]),
             int(s["first_frame"]), int(s["volume"]), int(s["flags"]), ends, places_of(s))
        )  # fmt: skip
    return found


def places_of(s):
    if int(s["kind"]) in (r.POOL, r.LEASER, r.HOME):
        return int(s["src_domain"]), int(s["dst_domain"])
    return tuple((int(s[f"{e}_domain"]), int(s[f"{e}_hi"]), int(s[f"{e}_lo"])) for e in ("src", "dst"))


def expected(oracle: Oracle, events: np.ndarray):
    events = concerned(events)
    return [
        (row, f["kind"], f["counts"], f["seen"], f["text"].decode("ascii", "replace"), f["began"], f["frame"],
         f["volume"], f["flags"], (f["old"], f["new"]), f["place"] or f["ends"])
        for row, f in oracle.observe(events, events["domain"])
    ]  # fmt: skip


def hostile(seed: int, n: int) -> np.ndarray:
    """Few hosts, cards and accounts, of every kind, sizes and times that are no good among them."""
    rng = np.random.default_rng(seed)
    rows = np.zeros(n, EVENT)
    rows["time"] = 10**18 + np.cumsum(rng.choice(np.array([0, 10**6, 10**9, 4 * 10**10, -(10**9)]), n))
    wild = rng.random(n) < 0.003
    rows["time"][wild] = rng.choice(np.array([-(2**63), 0, -1]), wild.sum())
    rows["kind"] = rng.choice(
        np.array([1, 2, 2, 3, 4, 5, 20, 28, 28, 28, 40, 40, 41, 41, 42, 42, 43, 44, 44, 45]), n
    )
    hosts = np.array([0, 0xFFFF_0A00_0001, 0xFFFF_0A00_0002, 0xFFFF_0808_0808, 0xFFFF_A9FE_0001], "u8")
    for side in ("src", "dst"):
        rows[f"{side}_lo"] = rng.choice(hosts, n)
        rows[f"{side}_port"] = rng.choice(np.array([67, 547, 49667], "u2"), n)
        rows[f"{side}_mac"] = rng.choice(
            np.array([0, 0x244BFE000001, 0x0200000000AA, 0x00005E000101, 0x0007B4000101], "u8"), n
        )
    rows["answer_lo"] = rng.choice(np.array([0, 0xFFFF_0A00_0005, 0xFFFF_0A00_0006], "u8"), n)
    rows["frame"] = np.arange(n)
    rows["domain"] = rng.choice(np.array([0, 7, 8], "u4"), n)
    rows["code"] = rng.choice(np.array([0, 1, 2, 3], "u2"), n)
    rows["type"] = rng.choice(np.array([0, 1, 2, 3, 3, 5, 5, 6, 12, 16, 18, 23, 23], "u2"), n)
    rows["number"] = rng.choice(np.array([0, 0, 9], "u4"), n)
    rows["flags"] = rng.choice(np.array([0, 0, b.OTHER_SENDER], "u4"), n)
    rows["digest"] = rng.integers(0, 6, n)
    rows["answers"] = rng.choice(np.array([0, 1, 2, 1 << 32, 2 << 32 | 1], "u8"), n)
    for i in range(n):
        pieces = [NAMES[rng.integers(len(NAMES))] for _ in range(3)]
        text = b"".join(pieces)
        rows["text"][i, : len(text)] = np.frombuffer(text, np.uint8)
        for name, piece in zip(("name_size", "rest_size", "agent_size"), pieces, strict=True):
            rows[name][i] = len(piece)
    return rows


def identities(given: Bounds, subjects: int = 1 << 12) -> Identities:
    return Identities(IdentityParameters(subjects=subjects), given, Places(()))


UNSHRUNK = {
    "deadline": None, "suppress_health_check": [HealthCheck.too_slow],
    "phases": [Phase.explicit, Phase.reuse, Phase.generate],
}  # fmt: skip


@settings(max_examples=10, **UNSHRUNK)
@given(seed=st.integers(0, 2**32), n=st.integers(0, 400), low=st.booleans())
def test_hostile_rows(seed, n, low):
    events, given_bounds = hostile(seed, n), bounds(low=low)
    ours, slow = identities(given_bounds), Oracle(given_bounds)
    for part in np.array_split(events, 3):
        assert copies(ours, part) == expected(slow, part)


def test_every_kind_that_is_shown_is_reached():
    shown = {copy[1] for copy in copies(identities(bounds()), hostile(3, 3000))}
    assert shown == {r.ENTRY, r.BEARER, r.PROOF, r.ROAST, r.CALLS, r.POOL, r.LEASER, r.HOME}


@pytest.mark.parametrize(
    "scene", [*scenes.HOSTILE.values(), *scenes.BENIGN.values()], ids=lambda f: f.__name__
)
def test_scenes(scene):
    events = scene().events()
    assert copies(identities(bounds()), events) == expected(Oracle(bounds()), events)


@settings(max_examples=5, **UNSHRUNK)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 400), partitions=st.integers(2, 9))
def test_partitions_hand_out_together_what_one_does(seed, n, partitions):
    events = concerned(hostile(seed, n))
    events.sort(order="time")
    events["frame"] = np.arange(len(events))
    share = Sharing(limits_of(PARAMETERS, (0, partitions)), reach_of(PARAMETERS, (0, partitions)))
    whole = [(int(events["frame"][row]), *rest) for row, *rest in copies(identities(bounds()), events)]
    found = []
    for partition, part in enumerate(share.events([events])):
        own = identities(bounds(partition, partitions))
        found += [(int(part["frame"][row]), *rest) for row, *rest in copies(own, part)]
    assert sorted(found, key=repr) == sorted(whole, key=repr)


def test_without_the_compiler_the_same():
    """With the JIT off indexes are checked and integers are NumPy's; the oracle must agree there too."""
    root = Path(__file__).resolve().parents[3]
    code = (
        "import sys; sys.path[:0] = [sys.argv[1], sys.argv[1] + '/tests/detectors']\n"
        "import conftest, importlib.util\n"
        "spec = importlib.util.spec_from_file_location('tk', sys.argv[1] + "
        "'/tests/detectors/identities/test_kernels.py')\n"
        "tk = importlib.util.module_from_spec(spec); spec.loader.exec_module(tk)\n"
        "events = tk.hostile(5, 300)\n"
        "found = tk.copies(tk.identities(tk.bounds()), events)\n"
        "assert found and found == tk.expected(tk.Oracle(tk.bounds()), events)\n"
    )
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", code, str(root)],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
