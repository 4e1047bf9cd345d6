from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.desk import Unfit
from alerts.duties import notices
from alerts.duties.notices import Notice

NOW = 1_800_000_000 * 10**9
DRAFT = Notice(
    "live", "edu", "教育局", "弱口令", "weakness", "10.0.0.9 存在弱口令", "修改口令", NOW, NOW + 10, NOW + 20
)


def refused(code: str, step: Callable[[], Notice]) -> None:
    with pytest.raises(Unfit) as caught:
        step()
    assert caught.value.code == code


def test_the_loop() -> None:
    notice = notices.checked(DRAFT)
    refused("no_such_move", lambda: notices.rectified(notice, "wang", NOW + 1, "done"))
    notice = notices.received(notice, "wang", NOW + 2)
    notice = notices.rectified(notice, "wang", NOW + 3, "changed")
    refused("no_such_move", lambda: notices.closed(notice, "li", NOW + 4, "done"))
    notice = notices.retested(notice, "li", NOW + 4, "still weak", passed=False)
    refused("bad_text", lambda: notices.rectified(notice, "wang", NOW + 5, " "))
    notice = notices.rectified(notice, "wang", NOW + 5, "changed again")
    notice = notices.retested(notice, "li", NOW + 6, "strong", passed=True)
    notice = notices.closed(notice, "li", NOW + 7, "ok")
    assert [(s.what, s.value) for s in notice.history] == [
        ("issue", str(NOW + 20)), ("receive", ""), ("rectify", ""), ("retest", "failed"), ("rectify", ""),
        ("retest", "passed"), ("close", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "after", "late"),
    [
        ("issued", 10, ""), ("issued", 11, "receipt"), ("issued", 21, "receipt"), ("received", 20, ""),
        ("received", 21, "rectify"), ("failed", 21, "rectify"), ("rectified", 21, ""), ("closed", 99, ""),
    ],
)  # fmt: skip
def test_what_is_owed(status: str, after: int, late: str) -> None:
    assert msgspec.structs.replace(DRAFT, status=status).overdue(NOW + after) == late


def test_another_term() -> None:
    notice = notices.extended(notices.checked(DRAFT), "li", NOW + 5, NOW + 50, "holidays")
    assert (notice.due, notice.status, notice.overdue(NOW + 21)) == (NOW + 50, "issued", "receipt")
    refused("in_the_past", lambda: notices.extended(notice, "li", NOW + 60, NOW + 60, "x"))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"title": ""}, "bad_text"),
        ({"findings": "x" * 8193}, "bad_text"),
        ({"unit": ""}, "no_unit"),
        ({"receipt_due": NOW}, "due_in_disorder"),
        ({"due": NOW + 9}, "due_in_disorder"),
    ],
)
def test_what_cannot_go_out(changes: dict[str, object], code: str) -> None:
    refused(code, lambda: notices.checked(msgspec.structs.replace(DRAFT, **changes)))


@given(st.lists(st.sampled_from(["receive", "rectify", "passed", "failed", "close"]), max_size=10))
def test_none_is_struck_off_but_by_the_whole_loop(steps: list[str]) -> None:
    notice = notices.checked(DRAFT)
    for step in steps:
        try:
            if step == "receive":
                notice = notices.received(notice, "wang", NOW)
            elif step == "rectify":
                notice = notices.rectified(notice, "wang", NOW, "x")
            elif step == "close":
                notice = notices.closed(notice, "li", NOW, "x")
            else:
                notice = notices.retested(notice, "li", NOW, "x", passed=step == "passed")
        except Unfit:
            continue
    done = [s.value if s.what == "retest" else s.what for s in notice.history]
    if notice.status == "closed":
        assert done[:2] == ["issue", "receive"]
        assert done[-3:] == ["rectify", "passed", "close"]
