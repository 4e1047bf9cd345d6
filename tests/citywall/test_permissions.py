from __future__ import annotations

import itertools

import pytest

from citywall.i18n import LANGUAGES, tr
from citywall.permissions import (
    LOCAL,
    PERMISSIONS,
    ROLES,
    SERVICE,
    Identity,
    Target,
    conflict,
    ordered,
    refusal,
)

SOMETHING = Target("case", "7")


def identity(*roles: str, unit: str = "") -> Identity:
    return Identity("li", roles, unit)


@pytest.mark.parametrize(
    ("role", "action", "reason"),
    [
        ("analyst", "cases.close", None),
        ("analyst", "playbooks.approve", "role"),
        ("approver", "playbooks.approve", None),
        ("administrator", "accounts.add", None),
        ("administrator", "cases.read", "role"),
        ("administrator", "audit.list", "role"),
        ("auditor", "audit.list", None),
        ("auditor", "accounts.add", "role"),
        ("viewer", "cases.read", None),
        ("viewer", "cases.work", "role"),
        (LOCAL, "accounts.init", None),
        (LOCAL, "accounts.add", "role"),
        ("analyst", "cases.invent", "unknown_action"),
        ("nobody", "cases.read", "role"),
    ],
)
def test_roles(role: str, action: str, reason: str | None) -> None:
    assert refusal(identity(role), action, SOMETHING) == reason


def test_a_liaison_sees_its_own_unit_only() -> None:
    ours, theirs, nobodys = (
        Target("notice", "1", "education"),
        Target("notice", "2", "health"),
        Target("notice"),
    )
    me = identity("liaison", unit="education")
    assert refusal(me, "notices.answer", ours) is None
    assert refusal(me, "notices.answer", theirs) == "other_unit"
    assert refusal(me, "notices.read", nobodys) == "other_unit"
    assert refusal(identity("liaison"), "notices.read", nobodys) == "other_unit"
    assert refusal(me, "notices.issue", ours) == "role"
    assert refusal(me, "accounts.passwd", Target("account", "li")) is None


def test_ones_own_account() -> None:
    own, other = Target("account", "li"), Target("account", "wang")
    for action in ("accounts.roles", "accounts.disable", "accounts.reset", "accounts.enable"):
        assert refusal(identity("administrator"), action, own) == "own_account"
        assert refusal(identity("administrator"), action, other) is None
    for role in ROLES:
        assert refusal(identity(role, unit="u"), "accounts.passwd", own) is None
        assert refusal(identity(role, unit="u"), "accounts.passwd", other) == "others_account"


def test_no_action_without_a_role_and_no_role_that_is_none() -> None:
    assert all(roles and roles <= {*ROLES, LOCAL, SERVICE} for roles in PERMISSIONS.values())
    assert all(refusal(identity(), action, SOMETHING) == "role" for action in PERMISSIONS)


def test_duties_are_kept_apart() -> None:
    for pair in itertools.combinations(ROLES, 2):
        fits = set(pair) <= {"analyst", "approver", "viewer"} or ("viewer" in pair and "liaison" not in pair)
        assert (conflict(pair, "") is None) == fits, pair
    assert conflict((), "") == "no_role"
    assert conflict(("root",), "") == "unknown_role"
    assert conflict((LOCAL,), "") == "unknown_role"
    assert conflict(("viewer", "viewer"), "") == "unknown_role"
    assert conflict(("administrator", "auditor"), "") == "separate_duties"
    assert conflict(("liaison", "analyst"), "health") == "liaison_alone"
    assert conflict(("liaison",), "") == "unit"
    assert conflict(("analyst",), "health") == "unit"
    assert conflict(("liaison",), "health") is None


def test_order_and_words() -> None:
    assert ordered({"viewer", "approver", "analyst"}) == ("analyst", "approver", "viewer")
    assert identity("analyst", "approver").role == "analyst+approver"
    assert (str(Target("case", "7")), str(Target("settings"))) == ("case:7", "settings")


def test_every_role_and_refusal_has_its_words() -> None:
    for language in LANGUAGES:
        for role in (*ROLES, LOCAL):
            assert tr(f"role.{role}", language)
        for code in ("unknown_action", "role", "other_unit", "own_account", "others_account", "no_role",
                     "unknown_role", "separate_duties", "liaison_alone", "unit"):  # fmt: skip
            assert tr(f"refused.{code}", language)
