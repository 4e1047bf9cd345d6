"""The kernel of sightings against its oracle, whole and in partitions, with the JIT and without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sighting_scenes as scenes
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sighting_oracle import Oracle

from citywall import batches as b
from citywall.batches import EVENT
from detectors.features.sharing import Sharing
from detectors.limits import limits_of, reach_of
from detectors.registry import DETECTORS
from detectors.sightings import records as r
from detectors.sightings.kernels import Limits
from detectors.sightings.limits import told_of
from detectors.sightings.tables import SightingParameters, Sightings

PARAMETERS = {name: d.Parameters() for name, d in DETECTORS.items()}
NAMES = (b"a.example.com", b"b.example.com", b"x.y.gov.cn", b"gov.cn", b"host", b"1.2.in-addr.arpa", b"q.ab1",
         b"a.b.xn--p1ai", b".com", b"", b"wpad.local", b"aa.bb.cc.dd.co.uk")  # fmt: skip


def limits(partition=0, partitions=1, low=True) -> Limits:
    told = told_of(PARAMETERS, (partition, partitions))
    if not low:
        return told
    gates = np.ones(r.KINDS, np.int64)
    return told._replace(gates=gates, failures=2, learned=1, windows=np.full(r.KINDS, 10**11, np.int64))


def home(hi, lo):
    return np.asarray(lo % np.uint64(3) == 0)


def fronts(events):
    return home(events["src_hi"], events["src_lo"])


def judge(text, offsets):
    return np.asarray(np.diff(offsets) % 2 == 1)


def copies(sightings: Sightings, events: np.ndarray):
    told = sightings.observe(events)
    found = []
    for i, s in enumerate(told.subjects):
        words = told.seen[i].tolist()
        sets = [sum(w << 64 * j for j, w in enumerate(words[k : k + 4])) for k in (0, 4)]
        ends = tuple(
            (int(s[f"{side}_domain"]), int(s[f"{side}_hi"]), int(s[f"{side}_lo"])) for side in ("src", "dst")
        )
        found.append(
            (int(told.rows[i]), int(s["kind"]), told.counts[i].tolist(), sets, told.words(i), int(s["began"]),
             int(s["first_frame"]), int(s["volume"]), int(s["flags"]), ends)
        )  # fmt: skip
    return found


def expected(oracle: Oracle, events: np.ndarray):
    sizes = events["name_size"].astype(np.int64)
    asked = (events["kind"] == b.DNS_ANSWER) & (events["code"] == 3)
    odd = asked & (sizes % 2 == 1)
    ours = (events["kind"] == b.DNS_ANSWER) & home(events["answer_hi"], events["answer_lo"])
    ours |= np.isin(events["kind"], (b.TLS_CERTIFICATE, b.HTTP_RESPONSE)) & fronts(events)
    return [
        (row, f["kind"], f["counts"], f["seen"], f["text"].decode("ascii", "replace"), f["began"], f["frame"],
         f["volume"], f["flags"], f["place"])
        for row, f in oracle.observe(events, odd, ours)
    ]  # fmt: skip


def hostile(seed: int, n: int) -> np.ndarray:
    """Few hosts, names and accounts, of every kind, sizes and times that are no good among them."""
    rng = np.random.default_rng(seed)
    rows = np.zeros(n, EVENT)
    rows["time"] = 10**18 + np.cumsum(rng.choice(np.array([0, 10**6, 10**9, 4 * 10**10, -(10**9)]), n))
    wild = rng.random(n) < 0.003
    rows["time"][wild] = rng.choice(np.array([-(2**63), 0, -1]), wild.sum())
    rows["kind"] = rng.choice(
        np.array([16, 17, 17, 18, 19, 20, 20, 21, 22, 23, 24, 25, 26, 27, 28, 28, 60, 61, 61, 99]), n
    )
    for side in ("src", "dst"):
        rows[f"{side}_lo"] = rng.choice(
            np.array([0, 0xFFFF_0A00_0001, 0xFFFF_0A00_0002, 0xFFFF_0808_0808], "u8"), n
        )
        rows[f"{side}_port"] = rng.choice(np.array([53, 80, 5353], "u2"), n)
    rows["frame"] = np.arange(n)
    rows["domain"] = rng.choice(np.array([0, 7], "u4"), n)
    rows["code"] = rng.choice(
        np.array([0, 0, 1, 3, 3, 200, 302, 302, 503, 401, 403, 404, 0x301, 0x303, 65535], "u2"), n
    )
    rows["type"] = rng.choice(np.array([0, 1, 1, 3, 5, 16, 28, 0xC014], "u2"), n)
    rows["count"] = rng.choice(np.array([0, 1, 65535], "u2"), n)
    rows["number"] = rng.choice(np.array([0, 3, 2**32 - 1], "u4"), n)
    rows["flags"] = rng.choice(np.array([0, 2, 4, 8, 64 | 1024, 512, 0xFFFF], "u4"), n)
    rows["digest"] = rng.integers(0, 6, n)
    rows["answers"] = rng.integers(0, 3, n)
    rows["answer_lo"] = rng.integers(0, 5, n)
    for i in range(n):
        name = NAMES[rng.integers(len(NAMES))] + b"/path" * int(rng.integers(0, 3))
        rows["text"][i, : len(name)] = np.frombuffer(name, np.uint8)
        rows["name_size"][i] = cut = len(name.split(b"/")[0])
        rows["rest_size"][i] = len(name) - cut
    for i in range(1, n):  # questions that are answered, and once more
        if rows["kind"][i] == b.DNS_ANSWER and rows["kind"][i - 1] in (b.DNS_QUERY, b.DNS_ANSWER):
            asked = rows["kind"][i - 1] == b.DNS_QUERY
            for here, there in (("src", "dst"), ("dst", "src")):
                for what in ("lo", "port"):
                    rows[f"{here}_{what}"][i] = rows[f"{there if asked else here}_{what}"][i - 1]
            for what in ("digest", "type", "domain"):
                rows[what][i] = rows[what][i - 1]
    huge = rng.random(n) < 0.01
    rows["name_size"][huge] = b.TEXT
    rows["rest_size"][huge] = 0
    return rows


def sightings(lim: Limits, subjects: int = 1 << 12) -> Sightings:
    return Sightings(SightingParameters(subjects=subjects), lim, home, judge, fronts)


UNSHRUNK = {
    "deadline": None, "suppress_health_check": [HealthCheck.too_slow],
    "phases": [Phase.explicit, Phase.reuse, Phase.generate],
}  # fmt: skip


@settings(max_examples=12, **UNSHRUNK)
@given(seed=st.integers(0, 2**32), n=st.integers(0, 500), low=st.booleans())
def test_hostile_rows(seed, n, low):
    events, lim = hostile(seed, n), limits(low=low)
    ours, slow = sightings(lim), Oracle(lim)
    for part in np.array_split(events, 3):
        assert copies(ours, part) == expected(slow, part)


def test_every_kind_of_subject_is_shown():
    shown = {copy[1] for copy in copies(sightings(limits()), hostile(3, 3000))}
    assert shown == set(range(1, r.KINDS))


@pytest.mark.parametrize(
    "scene", [*scenes.HOSTILE.values(), *scenes.BENIGN.values()], ids=lambda f: f.__name__
)
def test_scenes(scene):
    events, lim = scene().events(), limits(low=False)
    assert copies(sightings(lim), events) == expected(Oracle(lim), events)


@settings(max_examples=5, **UNSHRUNK)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 400), partitions=st.integers(2, 9))
def test_partitions_hand_out_together_what_one_does(seed, n, partitions):
    events = hostile(seed, n)
    events.sort(order="time")
    events["frame"] = np.arange(n)
    share = Sharing(limits_of(PARAMETERS, (0, partitions)), reach_of(PARAMETERS, (0, partitions)))
    whole = [(int(events["frame"][row]), *rest) for row, *rest in copies(sightings(limits()), events)]
    found = []
    for partition, part in enumerate(share.events([events])):
        own = sightings(limits(partition, partitions))
        found += [(int(part["frame"][row]), *rest) for row, *rest in copies(own, part)]
    assert sorted(found, key=repr) == sorted(whole, key=repr)


def test_a_full_table_keeps_who_goes_on():
    """A guesser is not pushed out by thousands of questions that are asked once."""
    scene = scenes.Scene()
    for i in range(400):
        scenes.ask(scene, i * 0.1, scenes.inside(1), scenes.inside(0), f"n{i}.example.com", port=1000 + i)
        scenes.answer(scene, i * 0.1, scenes.inside(0), scenes.inside(1), f"n{i}.example.com", "198.51.100.1",
                      port=1000 + i)  # fmt: skip
        if i % 10 == 0:
            scenes.result(scene, i * 0.1, scenes.inside(5), scenes.inside(9), worked=False)
    ours = sightings(limits(), 128)
    told = [copy for copy in copies(ours, scene.events()) if copy[1] == r.LOGON]
    assert ours.used == 128
    assert ours.evicted > 100
    assert told[-1][2][r.FAILURES] == 40


def test_without_the_compiler_the_same():
    """With the JIT off indexes are checked and integers are NumPy's; the oracle must agree there too."""
    root = Path(__file__).resolve().parents[3]
    code = (
        "import sys; sys.path[:0] = [sys.argv[1], sys.argv[1] + '/tests/detectors']\n"
        "import conftest, importlib.util\n"
        "spec = importlib.util.spec_from_file_location('tk', sys.argv[1] + "
        "'/tests/detectors/sightings/test_kernels.py')\n"
        "tk = importlib.util.module_from_spec(spec); spec.loader.exec_module(tk)\n"
        "events = tk.hostile(5, 300); lim = tk.limits()\n"
        "found = tk.copies(tk.sightings(lim), events)\n"
        "assert found and found == tk.expected(tk.Oracle(lim), events)\n"
    )
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", code, str(root)],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
