"""What detectors share: memory of what was said, parameters, levels."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from citywall.errors import SettingsError
from citywall.findings import Severity
from detectors import base
from detectors.base import Context, Draft, parameters_of, plain, read_parameters, shown
from detectors.places import Places
from detectors.scan import Scan, ScanParameters

CONTEXT = Context("s1", "test")


def draft(
    score=10.0, severity=Severity.MEDIUM, began=5, kind="horizontal", about="tcp/22", entity="10.0.0.1"
):
    return Draft(kind, about, entity, 9, began, severity, 0.9, score, 10.0, None, None, {}, ())


def said(*drafts, detector=None):
    detector = detector or Scan(ScanParameters(), Places(()))
    return [bool(detector.findings([d], CONTEXT)) for d in drafts]


@pytest.mark.parametrize(
    ("drafts", "told"),
    [
        ((draft(), draft(), draft(19.0)), [True, False, False]),
        ((draft(), draft(20.0), draft(39.0), draft(40.0)), [True, True, False, True]),
        ((draft(20.0), draft(10.0), draft(20.0)), [True, False, False]),
        ((draft(5.0, Severity.INFORMATIONAL), draft()), [True, True]),
        ((draft(), draft(severity=Severity.CRITICAL), draft()), [True, True, False]),
        ((draft(), draft(began=6)), [True, True]),
        ((draft(), draft(about="tcp/23"), draft(entity="10.0.0.2"), draft(kind="vertical")), [True] * 4),
    ],
)
def test_an_episode_is_told_once_and_at_each_doubling(drafts, told):
    assert said(*drafts) == told


def test_memory_of_what_was_said_is_bounded(monkeypatch):
    monkeypatch.setattr(base, "MAX_SAID", 3)
    detector = Scan(ScanParameters(), Places(()))
    for n in range(10):
        said(draft(entity=str(n)), detector=detector)
    assert said(draft(entity="9"), draft(entity="0"), detector=detector) == [False, True]


def test_what_was_said_survives_a_restart():
    one, two = (Scan(ScanParameters(), Places(())) for _ in range(2))
    said(draft(), detector=one)
    two.restore(one.snapshot())
    assert said(draft(), draft(20.0), detector=two) == [False, True]
    with pytest.raises(ValueError, match="cannot be read"):
        two.restore({"said": b"\xc1"})


def test_ids_come_from_what_is_said():
    def one(context=CONTEXT, **changes):
        return Scan(ScanParameters(), Places(())).findings([draft(**changes)], context)[0].id

    assert one() == one() == one(score=11.0)
    different = [one(), one(score=20.0), one(began=6), one(entity="x"), one(about="x"),
                 one(Context("s2", "test")), one(Context("s1", "live"))]  # fmt: skip
    assert len(set(different)) == len(different)


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"targets": "many"}, "detectors.scan.targets"),
        ({"targets": 0}, "detectors.scan.targets"),
        ({"benign_success": 1.5}, "detectors.scan.benign_success"),
        ({"tragets": 5}, "detectors.scan.tragets"),
    ],
)
def test_wrong_parameters_name_their_key(given, key):
    with pytest.raises(SettingsError) as error:
        read_parameters(ScanParameters, "scan", given)
    assert error.value.key == key


def test_parameters_say_what_they_are():
    listed = {p.name: p for p in parameters_of(ScanParameters)}
    assert listed["targets"].unit == "hosts"
    assert (listed["targets"].kind, listed["targets"].low, listed["targets"].high) == ("int", 3, 65535)
    assert listed["failing_share"].kind == "float"
    assert set(listed) == {f.name for f in msgspec.structs.fields(ScanParameters)}


def test_plain_values_are_those_of_the_rows():
    dtype = np.dtype(
        [("a", "u1"), ("b", "i8"), ("c", "u2"), ("d", "u4"), ("e", "V5"), ("f", "u8")], align=True
    )
    rows = np.frombuffer(np.random.default_rng(3).bytes(4 * dtype.itemsize), dtype)
    expected = [dict(zip(dtype.names, row, strict=True)) for row in rows[[2, 0]].tolist()]
    assert plain(rows, np.array([2, 0])) == expected
    assert plain(rows, np.zeros(4, bool)) == []


def test_records_are_shown_beside_the_rows_they_are_of():
    records, reports = np.array([(1,), (2,), (3,)], [("n", "u4")]), np.array([(7,), (8,)], [("time", "i8")])
    rows = np.array([1, 0, 1])
    expected = [({"n": 1}, {"time": 8}), ({"n": 3}, {"time": 8})]
    assert list(shown(records, rows, reports, np.array([True, False, True]))) == expected
    assert list(shown(records, rows, reports, np.array([0, 2]))) == expected
    assert list(shown(records, rows, reports, np.zeros(3, bool))) == []
    assert list(shown(records, rows, reports, np.zeros(0, np.int64))) == []
