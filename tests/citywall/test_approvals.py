from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citywall.approvals import Approval, Request, approval_refusal, approve, approved, changed, standing
from citywall.i18n import LANGUAGES, tr
from citywall.permissions import Identity, Target

REQUEST = Request("r1", Target("playbook_run", "7"), "sm3:a", requester="li")


def approver(name: str) -> Identity:
    return Identity(name, ("approver",))


def test_requester_may_not_approve() -> None:
    assert approval_refusal(REQUEST, approver("li"), "sm3:a") == "own_request"
    assert approval_refusal(REQUEST, approver("wang"), "sm3:a") is None
    # not even where it stands in the record
    assert not approved(msgspec.structs.replace(REQUEST, approvals=(Approval("li", 1, "sm3:a"),)))


def test_role_is_asked_first() -> None:
    assert approval_refusal(REQUEST, Identity("wang", ("analyst",)), "sm3:a") == "role"


def test_two_different_approvers_where_two_are_asked() -> None:
    request = msgspec.structs.replace(REQUEST, needed=2)
    once = approve(request, approver("wang"), "sm3:a", 1)
    assert not approved(once)
    assert approval_refusal(once, approver("wang"), "sm3:a") == "approved_before"
    twice = approve(once, approver("zhao"), "sm3:a", 2)
    assert approved(twice)
    assert approval_refusal(twice, approver("sun"), "sm3:a") == "approved_already"
    with pytest.raises(ValueError, match="approved_already"):
        approve(twice, approver("sun"), "sm3:a", 3)


def test_a_changed_object_invalidates_earlier_approvals() -> None:
    once = approve(REQUEST, approver("wang"), "sm3:a", 1)
    assert approved(once)
    other = changed(once, "sm3:b")
    assert not approved(other)
    assert standing(other) == ()
    assert approval_refusal(other, approver("zhao"), "sm3:a") == "object_changed"  # saw what it was
    assert not approved(changed(other, "sm3:a"))  # not even where it becomes again what it was
    again = approve(other, approver("wang"), "sm3:b", 2)
    assert [a.by for a in standing(again)] == ["wang"]
    assert len(again.approvals) == 2


def test_nothing_is_approved_by_nobody() -> None:
    assert not approved(msgspec.structs.replace(REQUEST, needed=0))


@given(
    needed=st.integers(1, 3),
    steps=st.lists(
        st.tuples(st.sampled_from(["li", "wang", "zhao", "sun"]), st.sampled_from("ab"), st.booleans()),
        max_size=12,
    ),
)
def test_whatever_happens_approved_means_that_many_others_saw_what_it_is(
    needed: int, steps: list[tuple[str, str, bool]]
) -> None:
    request = msgspec.structs.replace(REQUEST, needed=needed)
    saw: set[str] = set()
    for at, (who, digest, changes) in enumerate(steps):
        if changes:
            saw = set()
            request = changed(request, f"sm3:{digest}")
        elif approval_refusal(request, approver(who), f"sm3:{digest}") is None:
            request = approve(request, approver(who), f"sm3:{digest}", at)
            saw.add(who)
        assert approved(request) == (len(saw) >= needed)
        assert "li" not in {a.by for a in request.approvals}


def test_every_refusal_has_its_words() -> None:
    for code in ("own_request", "object_changed", "approved_before", "approved_already"):
        assert all(tr(f"refused.{code}", language) for language in LANGUAGES)
