"""Facts of one day to report on: 1 May 2024 in Shanghai."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from posture.facts import AlertFact, Touched
from posture.index import SensorFacts, posture
from posture.records import Asset, Person, Register, System, Unit
from reports.day import Day, day_of
from reports.inputs import Audit, DetectorFact, Inputs, Run, Sensor, Stream

DAY = day_of("2024-05-01", "Asia/Shanghai", 0)
HOUR = 3_600_000_000_000
REGISTER = Register(
    units=(Unit("civil", "民政局", "Civil Bureau", persons=(Person("钱"),)),
           Unit("data", "大数据局", "Data Bureau", persons=(Person("赵"),))),
    systems=(System("oa", "协同办公", "data", 3, "Office", mlps_level=2),
             System("portal", "门户", "data", 5, "Portal", mlps_level=3)),
    assets=(Asset("mail", "邮件", ("10.0.0.6/32",), system="oa"),
            Asset("web", "门户服务器", ("10.0.0.5/32",), system="portal")),
)  # fmt: skip
DETECTORS = (
    DetectorFact("flood", 1, "Flood", "洪泛", "paralysis", "attack"),
    DetectorFact("scan", 1, "Scan", "扫描", "attack", "attack"),
)
SEEN = frozenset({("portal", "data"), ("oa", "data")})


def fact_(number: int = 1, hour: float = 9.5, **changes: Any) -> AlertFact:
    """A scan by an outside host on the portal, at `hour` of the day."""
    time = DAY.since + int(hour * HOUR)
    usual: dict[str, Any] = {
        "id": f"{number:032x}", "time": time, "last": time + 60_000_000_000, "received": time, "severity": 4,
        "rule": "scan", "name": "Scan", "name_zh": "扫描", "axis": "attack", "gb_class": "attack",
        "gb_subclass": "网络扫描探测", "source": "192.0.2.1", "target": "10.0.0.5", "inside": False,
        "unit": "data", "unit_name": "大数据局", "touched": (Touched("target", "portal", "data", 5),),
    }  # fmt: skip
    return AlertFact(**usual | changes)


def inputs_(*alerts: AlertFact, **changes: Any) -> Inputs:
    """Facts of a day on which everything was seen; `changes` replace facts."""
    usual: dict[str, Any] = {
        "register": REGISTER, "detectors": DETECTORS, "flows": 100, "flow_files": 1, "hosts": 7, "seen": SEEN,
        "streams": (Stream("alerts", ("2024-04-30", "2024-05-01"), 2048, 5, 190, "2024-05-01"),),
        "run": Run("running", DAY.since, DAY.until, 10, 0, (Sensor("eth0", 10, 0, 1, ended=False),)),
        "audit": Audit(sound=True, records=2, head="7:ab", actions={"accounts.add": 2}),
        "accounts": (("administrator",), ("approver",), ("auditor",), ("analyst",)),
    }  # fmt: skip
    usual |= changes
    if usual["register"] is not None and "posture" not in usual:
        axes = frozenset(d.axis for d in usual["detectors"])
        usual["posture"] = posture(
            usual["register"], alerts, SensorFacts(axes, usual["seen"]), DAY.since, DAY.until
        )
    return Inputs(DAY, alerts=tuple(sorted(alerts, key=lambda a: a.order)), **usual)


@pytest.fixture
def day() -> Day:
    return DAY


@pytest.fixture
def fact() -> Callable[..., AlertFact]:
    return fact_


@pytest.fixture
def inputs() -> Callable[..., Inputs]:
    return inputs_


@pytest.fixture
def blind() -> Inputs:
    """A day of which nothing is known."""
    return inputs_(
        register=None, detectors=(), flows=0, streams=(), run=None, audit=None, accounts=None,
        seen=frozenset(),
    )  # fmt: skip
