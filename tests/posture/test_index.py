from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from posture.facts import AlertFact, Touched
from posture.index import AXES, SensorFacts, index_of, posture, shares
from posture.records import Register, System, Unit

REGISTER = Register(
    units=(Unit("civil", "民政局"), Unit("data", "大数据局")),
    systems=(System("oa", "协同办公", "data", 3), System("portal", "门户", "data", 5)),
)
SEEN = frozenset({("oa", "data"), ("portal", "data")})
ALL = SensorFacts(frozenset(AXES), SEEN)
PORTAL = (Touched("target", "portal", "data", 5),)


def alert(number: int = 1, time: int = 10, **changes: Any) -> AlertFact:
    usual: dict[str, Any] = {
        "id": str(number), "time": time, "last": time, "received": time, "severity": 4, "rule": "scan",
        "name": "", "name_zh": "", "axis": "attack", "gb_class": "attack", "gb_subclass": "",
        "touched": PORTAL,
    }  # fmt: skip
    return AlertFact(**usual | changes)


def system(found: Any, name: str) -> Any:
    return next(row for row in found.systems if row.id == name)


def test_the_formula_by_hand():
    found = posture(REGISTER, [alert(), alert(2, severity=5, status="resolved")], ALL, 0, 100)
    axis = system(found, "portal").axis("attack")
    assert (axis.points, axis.index) == (150 + 100, 800)  # 100 * 100 / 125
    assert [(t.alert, t.points, t.loss) for t in axis.taken] == [("1", 150, 120), ("2", 100, 80)]
    assert found.city.axis("attack").index == (800 * 5 + 1000 * 3) // 8
    assert found.city.axis("attack").worst == ("portal", "data")
    assert system(found, "portal").axis("leak").index == 1000


def test_side_and_status():
    origin = (Touched("origin", "portal", "data", 5), Touched("target", "portal", "data", 5))
    found = posture(REGISTER, [alert(touched=origin), alert(2, status="false_alarm")], ALL, 0, 100)
    axis = system(found, "portal").axis("attack")
    assert [(t.side, t.points) for t in axis.taken] == [("origin", 225), ("target", 0)]
    assert axis.alerts == 2


def test_the_window_takes_what_reaches_into_it():
    alerts = [alert(1, 5, last=9), alert(2, 5, last=10), alert(3, 20), alert(4, 19, last=50)]
    axis = system(posture(REGISTER, alerts, ALL, 10, 20), "portal").axis("attack")
    assert {t.alert for t in axis.taken} == {"2", "4"}


def test_where_nothing_is_observed_there_is_no_index():
    found = posture(REGISTER, [], SensorFacts(frozenset({"attack"}), frozenset({("oa", "data")})), 0, 100)
    assert system(found, "portal").axis("attack").reasons == ("not_seen",)
    assert system(found, "oa").axis("attack").observation == "observed"
    assert system(found, "oa").axis("leak").reasons == ("no_detector",)
    attack, leak = found.city.axis("attack"), found.city.axis("leak")
    assert (attack.observation, attack.index, attack.observed, attack.systems) == ("partial", 1000, 1, 2)
    assert (leak.observation, leak.index) == ("not_observed", None)
    (civil,) = [row for row in found.units if row.id == "civil"]
    assert {axis.index for axis in civil.axes} == {None}


def test_an_alert_speaks_where_nobody_looked():
    axis = system(posture(REGISTER, [alert(axis="leak")], SensorFacts(), 0, 100), "portal").axis("leak")
    assert (axis.observation, axis.reasons, axis.index) == ("partial", ("alert_only",), 870)


def test_faults_of_sensors_make_it_partial():
    for fault in ({"silent": ("eth0",)}, {"dropped": ("eth0",)}):
        axis = system(posture(REGISTER, [], SensorFacts(frozenset(AXES), SEEN, **fault), 0, 9), "oa").axis(
            "leak"
        )
        assert axis.observation == "partial"


def test_hosts_of_no_system_and_systems_nobody_entered():
    touched = (Touched("origin", "", "civil"), Touched("target", "ghost", "data", 2))
    found = posture(REGISTER, [alert(touched=touched)], ALL, 0, 100)
    assert {(row.id, row.unit) for row in found.systems} == {("", "civil"), ("ghost", "data"), *SEEN}
    (civil,) = [row for row in found.units if row.id == "civil"]
    assert civil.axis("attack").index == 816


ALERTS = st.lists(
    st.builds(
        lambda number, time, severity, status, side, axis: alert(
            number, time, severity=severity, status=status, axis=axis,
            touched=(Touched(side, "portal", "data", 5),)
        ),
        st.integers(0, 999), st.integers(0, 99), st.integers(1, 5),
        st.sampled_from(["new", "acknowledged", "resolved", "false_alarm"]),
        st.sampled_from(["target", "origin"]), st.sampled_from(AXES),
    ),
    max_size=20, unique_by=lambda a: a.id,
)  # fmt: skip


@given(ALERTS, st.randoms())
def test_order_means_nothing_and_losses_add_up(alerts: list[AlertFact], chance: random.Random):
    found = posture(REGISTER, alerts, ALL, 0, 100)
    shuffled = alerts[:]
    chance.shuffle(shuffled)
    assert posture(REGISTER, shuffled, ALL, 0, 100) == found
    for axis in system(found, "portal").axes:
        assert sum(t.loss for t in axis.taken) == 1000 - axis.index
        assert sum(t.points for t in axis.taken) == axis.points
    worse = posture(REGISTER, [*alerts, alert(1000)], ALL, 0, 100)
    assert worse.city.axis("attack").index <= found.city.axis("attack").index


@given(st.lists(st.integers(0, 10_000)), st.integers(0, 1000))
def test_shares_add_up(points: list[int], loss: int):
    found = shares(points, loss)
    assert sum(found) == (loss if sum(points) else 0)
    assert all(
        abs(f * sum(points) - loss * p) < sum(points)
        for f, p in zip(found, points, strict=True)
        if sum(points)
    )


@given(st.integers(0, 10**9))
def test_the_index_falls_and_never_leaves_its_range(points: int):
    assert 0 <= index_of(points + 1) <= index_of(points) <= 1000
