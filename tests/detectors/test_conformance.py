"""What every registered detector must keep to. A new detector is tested here without a line being added."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import baseline_scenes as usual
import detector_scenes as scenes
import holding_scenes as holding
import identity_scenes as identified
import msgspec
import numpy as np
import pytest
import relation_scenes as related
import sighting_scenes as sighted

from citywall.batches import EVENT, FLOW
from citywall.cards import DetectorCard
from citywall.findings import Severity, event_order
from citywall.i18n import LANGUAGES
from citywall.settings import PRIVATE
from detectors.choosing import BASELINES, FEATURES, HOLDING, IDENTITIES, RELATIONS, SIGHTINGS
from detectors.registry import DETECTORS, build, sharing

EVERY = pytest.mark.parametrize("detector", list(DETECTORS.values()), ids=str)
SMALL = {
    FEATURES: {"contacts": 1 << 14, "groups": 1 << 13, "targets": 1 << 12, "logins": 1 << 8},
    RELATIONS: {"pairs": 1 << 13, "places": 1 << 13, "spreads": 1 << 10, "services": 1 << 10},
    SIGHTINGS: {"subjects": 1 << 11},
    BASELINES: {"probers": 1 << 10, "aims": 1 << 10, "services": 1 << 10, "hosts": 256, "jobs": 256},
}
TINY = {
    "pairs": 200,
    "spreads": 20,
    "services": 16,
    "segments": 16,
    "bindings": 40,
    "cards": 16,
    "places": 99,
}
FEW = dict.fromkeys(("probers", "aims", "services", "hosts", "jobs", "segments"), 24)
HOSTILE = scenes.HOSTILE | related.HOSTILE | sighted.HOSTILE | usual.HOSTILE
HOSTILE |= holding.HOSTILE | identified.HOSTILE
BENIGN = scenes.BENIGN | related.BENIGN | sighted.BENIGN | usual.BENIGN
BENIGN |= holding.BENIGN | identified.BENIGN
SOFT = related.SOFT | sighted.SOFT | identified.SOFT
NO_FLOWS, NO_EVENTS = np.empty(0, FLOW), np.empty(0, EVENT)


def only(name):
    return SMALL | {other: {"enabled": False} for other in DETECTORS if other != name}


def mixed(six=False):
    """A bit of everything at once."""
    scene = scenes.Scene()
    for part in (
        scenes.horizontal,
        scenes.vertical,
        scenes.icmp_sweep,
        scenes.udp_reflection,
        scenes.ssh_guessing,
        scenes.arp_sweep,
        scenes.browsing,
        related.beacon,
        related.shell,
        related.long_connection,
        related.dns_tunnel,
        related.icmp_tunnel,
        related.upload,
        related.fan_out,
        related.spray,
        related.contended,
        related.dhcp_flood,
        related.recon,
        related.telnet,
        scenes.overlapping,
        scenes.tiny,
        *sighted.HOSTILE.values(),
        *sighted.SOFT.values(),
        *identified.HOSTILE.values(),
        holding.few_heads,
    ):
        made = part(six)
        base = scene.frame
        for row in made.rows:
            row["frame"] += base
            row["flow_id"] = (row["flow_id"] + base * 977) % (1 << 64)
        scene.rows += made.rows
        scene.resolution += made.resolution
        scene.frame += made.frame
    for part in (
        usual.slow_hosts, usual.shared_ports, usual.ack_flood, usual.night_upload, usual.shrunken_backup,
        usual.silent_segment,
    ):  # fmt: skip
        scene.rows += part(six).rows  # their ids mean something
    return scene


@pytest.fixture(scope="module", params=[False, True], ids=["v4", "v6"])
def rows(request):
    scene = mixed(request.param)
    return scene.reports(), scene.events()


@pytest.fixture(scope="module")
def all_said(rows):
    return run(build(SMALL, PRIVATE), *rows)


def by_detector(found):
    """Findings apart by who says them, in one order: so that a difference names its detector."""
    return {name: sorted((f for f in found if f.detector == name), key=event_order) for name in DETECTORS}


def run(detectors, reports, events, size=4096, restore_at=None, fresh=None):
    """Findings of rows cut into batches at the same times."""
    found = []
    cuts = range(0, len(reports), size)
    times = [int(reports["time"][min(at + size, len(reports)) - 1]) for at in cuts]
    edges = [0, *np.searchsorted(events["time"], times, "right").tolist()]
    edges[-1] = len(events)
    edges = np.maximum.accumulate(edges).tolist()  # each event once, also where times go backwards
    for n, at in enumerate(cuts):
        if n == restore_at:
            parts = {
                name: np.array(p) if isinstance(p, np.ndarray) else p
                for name, p in detectors.snapshot().items()
            }
            detectors = fresh
            detectors.restore(parts)
        found += detectors.process(reports[at : at + size], events[edges[n] : edges[n + 1]], "s1", "test")
    return [*found, *detectors.close("s1", "test")]


@EVERY
def test_names_its_kernel_and_its_oracle(detector):
    for path in detector.kernels:
        module, _, name = path.rpartition(".")
        assert callable(getattr(importlib.import_module(module), name))
        assert module.endswith(".kernels")
    file, _, name = detector.oracle.rpartition(".")
    path = Path(__file__).resolve().parents[2] / (file.replace(".", "/") + ".py")
    module = next(m for m in sys.modules.values() if getattr(m, "__file__", None) == str(path))
    oracle = getattr(module, name)
    assert any(hasattr(oracle, name) for name in ("observe_flows", "observe_events", "observe"))


@EVERY
def test_the_card_is_complete(detector):
    card = detector.card()
    assert isinstance(card, DetectorCard)
    assert card.id == detector.id in DETECTORS
    assert card.version >= 1
    assert card.title_en
    assert card.title_zh
    assert card.axis in {"attack", "malware", "tamper", "leak", "paralysis"}
    assert card.gb_class in {"malware", "attack", "data", "violation", "weakness", "anomaly", "other"}
    assert re.search("[一-鿿]", card.gb_subclass)
    assert card.attck
    for technique, name, tactic, called in card.attck:
        assert re.fullmatch(r"T\d{4}(\.\d{3})?", technique)
        assert re.fullmatch(r"TA\d{4}", tactic)
        assert name
        assert called


@EVERY
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_there(detector, language):
    about = detector.describe(language)
    for name in ("title", "reasoning", "false_positives", "remediation"):
        assert about[name].strip()
        assert bool(re.search("[一-鿿]", about[name])) == (language == "zh")
    assert set(about["kinds"]) == set(detector.kinds)
    assert all(about["kinds"].values())
    msgspec.json.encode(about)


@EVERY
def test_parameters_are_documented(detector):
    for parameter in detector.parameter_list():
        assert parameter.description[0].isupper() or not parameter.description[0].isascii(), parameter.name
        assert parameter.description.endswith("."), parameter.name
        assert parameter.unit, parameter.name
        if isinstance(parameter.default, int | float) and not isinstance(parameter.default, bool):
            assert parameter.low is not None, parameter.name
            assert parameter.high is not None, parameter.name
            assert parameter.low <= parameter.default <= parameter.high, parameter.name


@EVERY
def test_says_only_kinds_it_declares(detector, rows):
    found = run(build(only(detector.id), PRIVATE), *rows)
    assert found
    for finding in found:
        assert finding.detector == detector.id
        assert finding.kind in detector.kinds
        assert finding.version == detector.version
        assert (finding.session, finding.lane) == ("s1", "test")
        assert finding.began <= finding.time
        assert 0 <= finding.confidence <= 1
        assert finding.severity == Severity.INFORMATIONAL or finding.score >= finding.threshold
        assert finding.entity
        assert finding.source or finding.target
        assert 1 <= len(finding.evidence) <= 5
        assert {"observed", "threshold", "seconds"} <= set(finding.facts)
    assert len({f.id for f in found}) == len(found)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=list[type(found[0])]) == found


@EVERY
def test_the_same_rows_give_the_same_findings(detector, rows):
    detectors = build(only(detector.id), PRIVATE)
    first = run(detectors, *rows)
    assert run(detectors, *rows) == first  # close() forgot everything
    assert run(build(only(detector.id), PRIVATE), *rows) == first


@EVERY
def test_company_changes_nothing(detector, rows, all_said):
    """What one detector says alone is what it says beside all others: the tests below run them together."""
    alone = run(build(only(detector.id), PRIVATE), *rows)
    assert alone == [f for f in all_said if f.detector == detector.id]


@pytest.mark.parametrize("size", [1, 7])
def test_batches_change_nothing(rows, size):
    got = run(build(SMALL, PRIVATE), *rows, size=size)
    assert by_detector(got) == by_detector(run(build(SMALL, PRIVATE), *rows, size=len(rows[0])))


@pytest.mark.parametrize("restore_at", [0, 1, 5, 11, 30])
def test_a_restart_at_any_boundary_changes_nothing(rows, restore_at):
    tight = SMALL | {FEATURES: {"contacts": 300, "groups": 100, "targets": 40, "logins": 16}}
    tight |= {RELATIONS: TINY, SIGHTINGS: {"subjects": 60}, BASELINES: FEW}
    tight |= {IDENTITIES: {"subjects": 60}, HOLDING: {"held": 16}}
    expected = run(build(tight, PRIVATE), *rows, size=200)
    fresh = build(tight, PRIVATE)
    fresh.process(rows[0][:700], rows[1], "another", "test")  # what it held before must not shine through
    got = run(build(tight, PRIVATE), *rows, size=200, restore_at=restore_at, fresh=fresh)
    assert by_detector(got) == by_detector(expected)
    assert got == expected


@pytest.mark.parametrize("partitions", [2, 7])
def test_partitions_say_together_what_one_says(rows, all_said, partitions):
    assert by_detector(apart(SMALL, rows, partitions)) == by_detector(all_said)


@EVERY
def test_partitions_without_what_the_others_need(detector, rows, all_said):
    """Rows are shared out by what the enabled detectors ask for."""
    found = apart(only(detector.id), rows, 3)
    assert sorted(found, key=event_order) == by_detector(all_said)[detector.id]


def apart(given, rows, partitions):
    """Findings of partitions, each with its share of the rows, cut elsewhere, and restarted on the way."""
    share = sharing(given, partitions)
    found = []
    for p, (some, more) in enumerate(zip(share.flows([rows[0]]), share.events([rows[1]]), strict=True)):
        assert len(some)
        one, fresh = (build(given, PRIVATE, share=(p, partitions)) for _ in range(2))
        found += run(one, some, more, size=501, restore_at=p, fresh=fresh)
    return found


@EVERY
def test_nothing_gives_nothing(detector):
    detectors = build(only(detector.id), PRIVATE)
    assert detectors.process(NO_FLOWS, NO_EVENTS, "s1", "test") == []
    assert detectors.close("s1", "test") == []


@EVERY
def test_time_going_backwards_is_survived(detector, rows):
    reports, events = rows[0].copy(), rows[1].copy()
    rng = np.random.default_rng(1)
    for times in (reports["time"], events["time"]):
        jumps = rng.random(len(times)) < 0.05
        times[jumps] -= rng.integers(0, 10**12, jumps.sum())
        times[rng.integers(0, len(times), 3)] = (-(2**63), 0, -1)
    found = run(build(only(detector.id), PRIVATE), reports, events)
    assert found
    again = run(build(only(detector.id), PRIVATE), reports, events, size=977)
    assert sorted(f.id for f in found) == sorted(f.id for f in again)


def test_memory_of_all_at_their_usual_sizes():
    assert build({}, PRIVATE).nbytes < 360e6


@EVERY
def test_memory_is_bounded(detector):
    tiny = {FEATURES: dict.fromkeys(("contacts", "groups", "targets", "logins"), 64), RELATIONS: TINY}
    tiny |= {SIGHTINGS: {"subjects": 64}, BASELINES: FEW}
    small = build(only(detector.id) | tiny, PRIVATE)
    reserved = small.nbytes
    for seed in range(3):
        scene = scenes.Scene()
        for i in range(1500):
            scene.tcp(
                seed * 300 + i * 0.01,
                scenes.address(i + seed * 1500, net=1),
                scenes.address(i, net=2),
                22,
                "silent",
            )
        small.process(scene.reports(), NO_EVENTS, "s1", "test")
    assert small.nbytes == reserved
    assert max(small.flows.used.values()) <= 64
    assert all(n <= TINY.get(name, 1 << 14) for name, n in small.relations.used.items())
    assert max(small.baselines.used.values()) <= 24
    assert sum(len(p) if isinstance(p, bytes) else p.nbytes for p in small.snapshot().values()) < 4 << 20


def test_sessions_are_strangers(rows):
    both = build(SMALL, PRIVATE)
    first = both.process(*rows, "s1", "test")
    second = both.process(*rows, "s2", "test")
    assert sorted((f.kind, f.entity, f.time, f.score) for f in first) == sorted(
        (f.kind, f.entity, f.time, f.score) for f in second
    )
    assert not {f.id for f in first} & {f.id for f in second}


@pytest.mark.parametrize(("detector", "kind"), HOSTILE, ids="-".join)
@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_hostile_scenes_are_seen(detector, kind, six):
    scene = HOSTILE[detector, kind](six)
    found = build(SMALL, PRIVATE).process(scene.reports(), scene.events(), "s1", "test")
    serious = [f for f in found if f.severity >= Severity.MEDIUM]
    assert {(f.detector, f.kind) for f in serious} == {(detector, kind)}
    assert len({f.entity for f in serious}) == 1


@pytest.mark.parametrize("name", BENIGN)
@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
@pytest.mark.parametrize("logged", [False, True], ids=["metered", "logged"])
def test_benign_scenes_are_passed_over(name, six, logged):
    scene = BENIGN[name](six)
    if logged:
        scene = scene.logged()
    found = build(SMALL, PRIVATE).process(scene.reports(), scene.events(), "s1", "test")
    assert [
        (f.detector, f.kind, f.entity, f.facts) for f in found if f.severity > Severity.INFORMATIONAL
    ] == []


@pytest.mark.parametrize(("detector", "kind"), SOFT, ids="-".join)
@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_soft_scenes_are_told_softly(detector, kind, six):
    scene = SOFT[detector, kind](six)
    found = build(SMALL, PRIVATE).process(scene.reports(), scene.events(), "s1", "test")
    assert (detector, kind) in {(f.detector, f.kind) for f in found}
    assert max(f.severity for f in found) < Severity.MEDIUM
