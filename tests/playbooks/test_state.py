from __future__ import annotations

from playbooks.actions.base import Plan, Result, Told
from playbooks.state import Run, Unit, asked


def test_what_an_approver_sees_is_all_of_it() -> None:
    run = Run("r", "p", "n", "li", 1, True, "live", ["sm3:1"])
    unit = Unit("k", 1, 0, "s", 0, "approval", "block", {"address": "a"}, Plan(Told("block"), "script"))
    seen = asked(run, unit)
    unit.command = {"address": "b"}
    assert asked(run, unit) != seen
    unit.command = {"address": "a"}
    unit.plan = Plan(Told("block"), "another")
    assert asked(run, unit) != seen
    unit.plan = Plan(Told("block"), "script")
    run.books = ["sm3:2"]
    assert asked(run, unit) != seen


def test_what_is_held_and_what_waits() -> None:
    unit = Unit("k", 1, 0, "s", 0, "done", "block", result=Result(undo={"a": "b"}))
    assert unit.held
    unit.stage = "expired"
    assert not unit.held
    unit.stage = "approval"
    run = Run("r", "p", "n", "li", 1, True, "live", [], units={"k": unit})
    assert run.waiting == [unit]
    run.status = "aborted"
    assert (run.waiting, run.over) == ([], True)
