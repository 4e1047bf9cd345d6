from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests_cases import DAY0, alert  # type: ignore[import-not-found]

from alerts.cases import facts, members, work
from alerts.cases.past import case_at, work_at
from alerts.cases.work import Evidence, Work
from alerts.desk import Unfit
from citywall.casesettings import CaseSettings

SECOND = 10**9
RULES = CaseSettings()


def case_of(*alerts: dict[str, Any]) -> facts.Case:
    return facts.told(tuple(members.of(a) for a in alerts), RULES)


CASE = case_of(alert(1, "10.0.0.1", severity=4))
STEPS = (
    lambda w, now: work.assigned(w, "li", now, "wang"),
    lambda w, now: work.commented(w, "li", now, "x"),
    lambda w, now: work.moved(w, "li", now, "triage"),
    lambda w, now: work.moved(w, "li", now, "handling"),
    lambda w, now: work.moved(w, "li", now, "resolved"),
    lambda w, now: work.graded(w, "li", now, "major", "x"),
    lambda w, now: work.known(w, "li", now, now - 3, "x"),
    lambda w, now: work.evidenced(w, "li", now, Evidence("a.pcap")),
    lambda w, now: work.reported(w, "li", now, report="first", made_at=now, text="x"),
    lambda w, now: work.closed(w, "li", now, outcome="duplicate", text="x", case=CASE),
    lambda w, now: work.reopened(w, "li", now, "x"),
)


@given(st.lists(st.sampled_from(STEPS), max_size=15))
def test_steps_tell_the_work_of_every_moment(steps: list[Any]) -> None:
    now, every = 1000, work.begun(work.fresh(CASE), "li", 1000)
    stages: list[tuple[int, Work]] = [(now, every)]
    for step in steps:
        now += 10
        try:
            every = step(every, now)
        except Unfit:
            continue
        stages.append((now, every))
    for at, then in stages:
        found = work_at(every, at + 1)
        assert msgspec.structs.replace(found, seen=None) == msgspec.structs.replace(then, seen=None)
        if found.seen is not None:
            assert found.seen == then.seen
    assert work_at(every, 1000) == work.fresh(CASE)
    assert work_at(every, now + 1) is every


def test_what_rose_later_had_not_risen() -> None:
    case = case_of(
        alert(1, "10.0.0.1", severity=5, at=10, rises=((20, 3, 4), (30, 4, 5))),
        alert(2, "10.0.0.1", severity=4, at=40),
    )
    assert case_at(case, DAY0, RULES) is None
    told = [case_at(case, DAY0 + at * SECOND, RULES) for at in (20, 25, 40, 41)]
    assert [(t.severity, len(t.members)) for t in told if t] == [(3, 1), (4, 1), (5, 1), (5, 2)]
    assert told[-1] == case
