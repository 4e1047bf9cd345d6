from __future__ import annotations

import pytest

from alerts.workflow import MAX_STEPS, Step, Workflow, newer
from citywall.errors import StoreError


def test_steps_add_up() -> None:
    begun = Workflow().after(Step(1, "li", status="acknowledged", owner="li"))
    noted = begun.after(Step(2, "wang", note="查过"))
    done = noted.after(Step(3, "li", status="resolved", owner=""))
    assert (done.status, done.owner, [s.note for s in done.notes]) == ("resolved", "", ["查过"])
    assert [s.at for s in done.history] == [1, 2, 3]
    assert newer(done, begun)
    assert not newer(begun, done)
    assert not newer(done, done)
    assert not newer(done, Workflow().after(Step(1, "zhao", note="other")))


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (Step(1, "li", status="lost"), "no status"),  # type: ignore[arg-type]
        (Step(1, "li"), "must change something"),
        (Step(1, " ", note="x"), "who makes it"),
        (Step(1, "l" * 201, note="x"), "who makes it"),
        (Step(1, "li", owner="o" * 201), "at most 200"),
        (Step(1, "li", note="n" * 8193), "at most 8192"),
    ],
)
def test_what_is_no_step(step: Step, reason: str) -> None:
    with pytest.raises(StoreError, match=reason):
        Workflow().after(step)


def test_a_history_is_bounded() -> None:
    full = Workflow(history=tuple(Step(n, "li", note="x") for n in range(MAX_STEPS)))
    with pytest.raises(StoreError, match="at most 1000 changes"):
        full.after(Step(1, "li", note="x"))
