from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.cases import facts, members, work
from alerts.cases.facts import Case
from alerts.cases.work import Evidence, Work
from alerts.desk import Unfit
from citywall.casesettings import CaseSettings

NOW = 1_800_000_000 * 10**9


@pytest.fixture
def case(make: Any) -> Case:
    return facts.told((members.of(make(1, "10.0.0.5", severity=4, unit="edu")),), CaseSettings())


@pytest.fixture
def begun(case: Case) -> Work:
    return work.begun(work.fresh(case), "li", NOW)


def refused(code: str, step: Callable[[], Work]) -> None:
    with pytest.raises(Unfit) as caught:
        step()
    assert caught.value.code == code


def test_from_new_to_closed(case: Case, begun: Work) -> None:
    assert (begun.known_at, begun.status) == (NOW, "new")
    step = work.assigned(begun, "li", NOW + 1, "wang")
    step = work.moved(step, "wang", NOW + 2, "triage")
    step = work.moved(step, "wang", NOW + 3, "handling", "blocked at the border")
    refused("not_resolved", lambda: work.closed(step, "wang", NOW, outcome="handled", text="x", case=case))
    step = work.moved(step, "wang", NOW + 4, "resolved")
    done = work.closed(step, "zhao", NOW + 5, outcome="handled", text="source blocked", case=case)
    assert (done.status, done.outcome, done.handled_at) == ("closed", "handled", NOW + 4)
    assert [s.what for s in done.history] == ["begin", "assign", "status", "status", "status", "close"]
    refused("closed_already", lambda: work.assigned(done, "li", NOW, "li"))
    assert work.commented(done, "li", NOW + 6, "seen").history[-1].text == "seen"
    again = work.reopened(done, "li", NOW + 7, "it came back")
    assert (again.status, again.outcome, again.handled_at) == ("triage", "", 0)
    refused("not_closed", lambda: work.reopened(again, "li", NOW, "x"))


def test_a_false_positive_closes_at_once(case: Case, begun: Work) -> None:
    done = work.closed(begun, "li", NOW, outcome="false_positive", text="our scanner", case=case)
    assert done.outcome == "false_positive"
    assert not work.resurged(done, case)
    assert work.resurged(done, msgspec.structs.replace(case, severity=5))
    assert work.resurged(done, msgspec.structs.replace(case, stage=5))
    assert not work.resurged(begun, msgspec.structs.replace(case, severity=5))


def test_what_was_known_cannot_be_made_unknown(begun: Work) -> None:
    earlier = work.known(begun, "li", NOW + 1, NOW - 60, "a call at noon")
    assert earlier.known_at == NOW - 60
    refused("known_before", lambda: work.known(earlier, "li", NOW + 1, NOW - 59, "x"))
    refused("in_the_future", lambda: work.known(begun, "li", NOW, NOW + 1, "x"))


def test_reports_come_in_order(begun: Work) -> None:
    def report(body: Work, kind: str, made_at: int = NOW) -> Work:
        return work.reported(body, "li", NOW, report=kind, made_at=made_at, text="12387")

    refused("no_first_report", lambda: report(begun, "summary"))
    refused("in_the_future", lambda: report(begun, "first", NOW + 1))
    refused("no_such_report", lambda: report(begun, "second"))
    assert [s.value for s in report(report(begun, "first"), "summary").reports] == ["first", "summary"]


def test_bad_words_are_refused(begun: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    refused("bad_text", lambda: work.commented(begun, "li", NOW, " "))
    refused("bad_text", lambda: work.commented(begun, "li", NOW, "x" * 8193))
    refused("bad_name", lambda: work.assigned(begun, "li", NOW, "a\nb"))
    refused("no_such_level", lambda: work.graded(begun, "li", NOW, "bad", "x"))
    refused("bad_text", lambda: work.evidenced(begun, "li", NOW, Evidence("")))
    monkeypatch.setattr(work, "MAX_STEPS", 1)
    refused("too_many_steps", lambda: work.commented(begun, "li", NOW, "x"))


@given(st.lists(st.sampled_from([*work.STATUSES, "close", "reopen"]), max_size=12))
def test_no_walk_leads_astray(moves: list[str]) -> None:
    body = work.begun(Work("c", "a"), "li", NOW)
    case = Case("c", "live", 0, 0, 0, None, 4, 2, 0, 0, "", "", "", ())
    for at, move in enumerate(moves, NOW):
        before = body
        try:
            if move == "close":
                body = work.closed(body, "li", at, outcome="handled", text="x", case=case)
            elif move == "reopen":
                body = work.reopened(body, "li", at, "x")
            else:
                body = work.moved(body, "li", at, move)
        except Unfit:
            assert body is before
        assert (body.status == "closed") == (body.outcome != "") == (body.seen is not None)
        assert (body.status in ("resolved", "closed")) == (body.handled_at > 0)
        assert body.history[: len(before.history)] == before.history


def test_what_follows_is_what_may_be_moved_to(begun: Work) -> None:
    for status in work.STATUSES:
        at = msgspec.structs.replace(begun, status=status)
        for after in work.STATUSES:
            if after in work.following(at):
                assert work.moved(at, "li", 2, after).status == after
            else:
                with pytest.raises(Unfit):
                    work.moved(at, "li", 2, after)
