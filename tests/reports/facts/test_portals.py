from __future__ import annotations

from pathlib import Path

import pytest

from citywall.errors import DataFolderError
from citywall.portals import Portal
from ingest.portals.visits import Drift, Record
from posture.records import Register
from reports.day import day_of
from reports.facts import portals
from stream.probing import VISITS, write

DAY = day_of("2026-03-02", "Asia/Shanghai", 0)
HOUR = 3600 * 10**9
REGISTER = Register(portals=(Portal("www", "门户", ("http://a/", "http://b/"), "Portal"),))


def test_visits_of_the_day_in_the_days_own_zone(tmp_path: Path) -> None:
    def visit(hours: float, url: str = "http://a/", **more: object) -> Record:
        return Record("www", url, DAY.since + int(hours * HOUR), **more)  # type: ignore[arg-type]

    drifts = (Drift("script", "x"), Drift("script", "y"), Drift("hidden"))
    write(
        tmp_path,
        [visit(-0.1, drifts=drifts), visit(1), visit(2, error="timeout"), visit(23.9, drifts=drifts),
         visit(24), visit(3, "http://undeclared/")],
    )  # fmt: skip
    assert len(list((tmp_path / VISITS).iterdir())) == 2
    first, second = portals.read(tmp_path, REGISTER, DAY)
    assert (first.name, first.visits, first.failed, first.drifting) == (("门户", "Portal"), 3, 1, 1)
    assert first.last == ("script", "hidden")
    assert (second.url, second.visits, second.last) == ("http://b/", 0, ())


def test_nothing_is_known_without_portals_or_visits_and_damage_is_told(tmp_path: Path) -> None:
    assert portals.read(tmp_path, None, DAY) == portals.read(tmp_path, Register(), DAY) == ()
    assert [fact.visits for fact in portals.read(tmp_path, REGISTER, DAY)] == [0, 0]
    file = tmp_path / VISITS / "2026-03-02.jsonl"
    file.parent.mkdir(parents=True)
    file.write_bytes(b'{"portal": "cut off')
    assert len(portals.read(tmp_path, REGISTER, DAY)) == 2
    file.write_bytes(b"nonsense\n")
    with pytest.raises(DataFolderError, match=r"2026-03-02\.jsonl"):
        portals.read(tmp_path, REGISTER, DAY)
