from __future__ import annotations

from pathlib import Path

import pytest

from citywall.errors import Refused
from citywall.permissions import Identity, Target
from trust import chain
from trust.audit import AuditLog
from trust.guard import Guard

LI = Identity("li", ("analyst",), via="console")
CASE = Target("case", "7")


def test_what_is_allowed_leaves_no_record_and_what_is_not_does(folder: Path) -> None:
    with AuditLog(folder) as log:
        guard = Guard(log, lambda _: True)
        guard.require(LI, "cases.close", CASE)
        assert log.head.n == 0
        with pytest.raises(Refused, match="on case:7 by li: role"):
            guard.require(LI, "warnings.issue", CASE)
        with pytest.raises(Refused) as told:
            guard.refuse(LI, "playbooks.approve", CASE, "object_changed", minutes=3)
    assert told.value.values == {"minutes": 3}
    first, second = chain.search(chain.files_in(folder), lambda r: r.outcome == "refused", 0).records
    assert (first.who, first.role, first.via) == ("li", "analyst", "console")
    assert (first.action, first.object, first.reason) == ("warnings.issue", "case:7", "role")
    assert (second.reason, second.outcome) == ("object_changed", "refused")


def test_an_identity_whose_rights_are_gone(folder: Path) -> None:
    with AuditLog(folder) as log, pytest.raises(Refused, match="no_longer"):
        Guard(log, lambda _: False).require(LI, "cases.close", CASE)
