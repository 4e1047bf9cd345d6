from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from alerts.desk import Desk
from alerts.docfile import DocFile
from alerts.duties import notices, warnings
from alerts.duties.notices import Notice
from alerts.duties.office import Office, visible
from alerts.duties.warnings import Warning  # noqa: A004
from citywall.errors import Refused, StoreConflict, StoreError
from citywall.permissions import Identity
from trust.audit import AuditLog
from trust.guard import Guard

NOW = 1_800_000_000 * 10**9
LI, CHEN = Identity("li", ("analyst",)), Identity("chen", ("approver",))
WANG, SUN = Identity("wang", ("liaison",), unit="edu"), Identity("sun", ("liaison",), unit="tax")
NOTICE = Notice("live", "edu", "教育局", "弱口令", "weakness", "问题", "要求", NOW, NOW + 10, NOW + 20)
WARNING = Warning("live", "蠕虫", "yellow", "a", "b", "c", "d", "e", "f", NOW)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(DocFile(tmp_path), "14010000300001")


@pytest.fixture
def desk(office: Office, tmp_path: Path) -> Iterator[Desk]:
    with AuditLog(tmp_path / "audit") as log:
        yield Desk(office.documents, log, Guard(log, lambda _: True), lambda: NOW + 1)


def test_numbers_are_given_in_turn_each_year_anew(office: Office, desk: Desk) -> None:
    later = msgspec.structs.replace(
        NOTICE, issued=NOW + 10**18, receipt_due=NOW + 2 * 10**18, due=NOW + 2 * 10**18
    )
    told = [office.issue_notice(desk, LI, draft) for draft in (NOTICE, NOTICE, later)]
    assert [kept.body.letter for kept in told] == ["〔2027〕1号", "〔2027〕2号", "〔2058〕1号"]
    assert told[0].id == "14010000300001_20270115160000_1"
    assert told[0].body.issuer == "li"
    assert office.issue_warning(desk, CHEN, WARNING).body.letter == "〔2027〕1号"
    assert [kept.id for kept in office.notices()] == [told[2].id, told[1].id, told[0].id]
    assert office.notice("〔2027〕2号") == office.notice(told[1].id) == told[1]
    with pytest.raises(StoreError, match="there is no notice 9"):
        office.notice("9")


def test_a_number_taken_in_between_is_told(
    office: Office, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.issue_notice(desk, LI, NOTICE)
    monkeypatch.setattr(DocFile, "find", lambda *_, **__: [])  # as it was before the other was issued
    with pytest.raises(StoreConflict):
        office.issue_notice(desk, LI, msgspec.structs.replace(NOTICE, issued=NOW + 5))


def test_who_may(office: Office, desk: Desk) -> None:
    kept = office.issue_notice(desk, LI, NOTICE)

    def receive(by: Identity, action: str = "notices.answer") -> str:
        return office.change(
            desk, by, action, kept, lambda n, now: notices.received(n, by.user, now), what="receive"
        ).body.status  # fmt: skip

    for who, why in ((SUN, "other_unit"), (LI, "role"), (CHEN, "role")):
        with pytest.raises(Refused, match=why):
            receive(who)
    assert receive(WANG) == "received"
    with pytest.raises(StoreConflict):
        receive(WANG)
    with pytest.raises(Refused, match="role"):
        office.issue_warning(desk, LI, WARNING)
    with pytest.raises(Refused, match="role"):
        office.issue_notice(desk, WANG, NOTICE)


def test_a_liaison_sees_what_is_for_its_unit(office: Office, desk: Desk) -> None:
    notice = office.issue_notice(desk, LI, NOTICE).body
    everybody = office.issue_warning(desk, CHEN, WARNING)
    tax = msgspec.structs.replace(WARNING, units=("tax",))
    assert [visible(who, notice) for who in (None, LI, WANG, SUN)] == [True, True, True, False]
    assert [visible(who, tax) for who in (LI, WANG, SUN)] == [True, False, True]
    assert visible(WANG, everybody.body)
    lifted = office.change(
        desk, CHEN, "warnings.issue", everybody, lambda w, now: warnings.lifted(w, "chen", now, "over"),
        what="lift",
    )  # fmt: skip
    assert (lifted.body.lifted, office.warning(lifted.id), list(office.warnings())) == (
        NOW + 1,
        lifted,
        [lifted],
    )
