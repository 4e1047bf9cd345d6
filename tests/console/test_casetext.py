from __future__ import annotations

from pathlib import Path

import pytest

from alerts.cases.facts import Breakout, Case
from alerts.cases.work import Step, Work
from citywall.settings import Settings
from console import casetext
from console.terminal import Terminal

EN, ZH = Terminal("en"), Terminal("zh")


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (Step(1, "li", "status", value="handling"), "to handling."),
        (Step(1, "li", "close", value="false_positive", text="ours"), "closed, false positive: ours"),
        (Step(1, "li", "known", time=10**9, text="a call"), "known since 1970-01-01 00:00:01: a call"),
        (Step(1, "li", "assign", value="wang"), "owner: wang"),
    ],
)
def test_steps(step: Step, said: str) -> None:
    assert casetext.step_text(step, EN) == said


def test_what_rose() -> None:
    assert casetext.breakout_text(Breakout(1, "stage", 1, 2, "a"), ZH) == "攻击阶段：侦察 → 入侵"
    assert casetext.breakout_text(Breakout(1, "severity", 3, 5, "a"), EN) == "severity: medium to critical"
    assert casetext.breakout_text(Breakout(1, "importance", 0, 5, "a"), EN).endswith("0 to 5")


def test_evidence_that_is_no_file_is_a_reference(tmp_path: Path) -> None:
    assert casetext.evidence_of("flow:018d3f4c").sha256 == ""
    (tmp_path / "a").write_bytes(b"")
    assert casetext.evidence_of(str(tmp_path / "a")).sm3.startswith("1ab21d83")


def test_an_object_for_machines() -> None:
    from alerts.cases.casebook import View

    view = View(Case("c", "live", 1, 2, 0, None, 4, 2, 0, 0, "a", "b", "", ()), Work("c", "s"), 0, "c")
    told = casetext.plain(view, Settings(), now=5)
    assert (told["first"], told["known_at"], told["level"]) == ("1970-01-01T00:00:00.000000001Z", None, None)
    assert "history" not in told
    assert casetext.plain(view, Settings(), whole=True)["history"] == []
