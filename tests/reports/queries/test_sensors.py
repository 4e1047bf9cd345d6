from __future__ import annotations

from typing import Any

from reports.inputs import Run, Sensor
from reports.queries.sensors import QUERY


def test_drops_and_silence_are_told(inputs: Any, day: Any):
    seen = (Sensor("eth0", 10, 3, 1, ended=False), Sensor("eth1", 5, 0, 99, ended=False))
    figure = QUERY.answer(inputs(run=Run("running", day.since, day.until, 15, 0, seen, ("eth1",))))
    assert figure.rows == (("eth0", 10, 3, 1), ("eth1", 5, 0, 99))
    assert [(r.code, r.values["sensor"]) for r in figure.reasons] == [
        ("sensor_dropped", "eth0"),
        ("sensor_silent", "eth1"),
    ]
    assert figure.state == "partial"


def test_nothing_to_say(inputs: Any, blind: Any, day: Any):
    assert QUERY.answer(blind).reasons[0].code == "no_status"
    assert (
        QUERY.answer(inputs(run=Run("finished", day.since, day.until, 1, 0))).reasons[0].code == "no_sensors"
    )
    later = Run("running", day.until, day.until + 1, 1, 0, (Sensor("eth0", 1, 0, 0, ended=False),))
    assert QUERY.answer(inputs(run=later)).reasons[0].code == "status_elsewhere"
