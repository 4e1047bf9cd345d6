from __future__ import annotations

from typing import Any

import pytest

from citywall.i18n import catalogue
from reports.nightly import build, encode
from reports.rooms import CaseFact, ClockFact, DrillFact, NoticeFact, RunFact
from reports.view import view


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_report_with_every_room(inputs: Any, fact: Any, day: Any, language: str):
    name, at = ("扫描", "Scan"), day.since + 1
    report = build(
        inputs(
            fact(), cases=(CaseFact("c", name, "data", 4, "", at),),
            clocks=(ClockFact("c", "first", at, at + 1),),
            notices=(NoticeFact("n", "data", at, at + 1, at + 2),),
            playbooks=(RunFact("r", name, "failed", at),),
            drills=(DrillFact("d", name, at, 875, 1000, 4),),
        )
    )  # fmt: skip
    assert encode(report)
    tables = {f.id: f.table for part in view(report, language).parts for f in part.figures}
    assert tables["drills"].rows[0][2:5] == ("87.5 %", "100.0 %", "4 s")
    assert tables["cases"].rows[0][0] == {"zh": "未定级", "en": "not graded"}[language]
    for query in ("cases", "reporting_clocks", "notices", "playbooks", "drills"):
        said = [f"report_column.{c.id}" for c in report.figures[query].columns]
        said += [f"report_input.{k}" for k in report.figures[query].inputs]
        assert [key for key in said if key not in catalogue()] == []
