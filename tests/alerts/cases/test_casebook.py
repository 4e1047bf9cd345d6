from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests_cases import DAY0, alert  # type: ignore[import-not-found]

from alerts.cases import mutes, work
from alerts.cases.casebook import Casebook, target_for, visible
from alerts.desk import Desk
from alerts.docfile import DocFile
from alerts.documents import ABSENT
from citywall.casesettings import CaseSettings
from citywall.errors import Refused, StoreConflict, StoreError
from citywall.permissions import Identity
from trust.audit import AuditLog
from trust.guard import Guard

LI = Identity("li", ("analyst",))
WANG = Identity("wang", ("liaison",), unit="edu")
HOUR = 3600
#: Small enough that the cap and the size matter.
RULES = CaseSettings(cap_s=2 * 86400, max_alerts=10)


@pytest.fixture
def book(tmp_path: Path) -> Casebook:
    return Casebook(DocFile(tmp_path), RULES)


@pytest.fixture
def desk(book: Casebook, tmp_path: Path) -> Iterator[Desk]:
    with AuditLog(tmp_path / "audit") as log:
        yield Desk(book.documents, log, Guard(log, lambda _: True))


def comment(book: Casebook, desk: Desk, name: str, text: str, by: Identity = LI, **more: Any) -> Any:
    return book.change(desk, by, name, lambda w, user, now: work.commented(w, user, now, text), **more)


HOSTS = [f"10.0.0.{n}" for n in range(1, 5)]
ALERTS = st.lists(
    st.builds(
        lambda source, target, rule, severity, at, lasts: (source, target, rule, severity, at, lasts),
        st.sampled_from(HOSTS), st.sampled_from(HOSTS), st.sampled_from(["scan", "guess", "c2"]),
        st.integers(1, 5), st.integers(0, 120), st.integers(0, 6),
    ),
    min_size=1, max_size=14,
)  # fmt: skip


def everything(book: Casebook) -> list[Any]:
    return sorted((view.case for view in book.views(every=True)), key=lambda case: case.id)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ALERTS, st.randoms(use_true_random=False), st.integers(3, 9))
def test_the_same_alerts_give_the_same_cases(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[Any], random: Any, size: int
) -> None:
    """In one go; shuffled, in batches, with an earlier state of each and some said twice."""
    whole, early = [], []
    for n, (source, target, rule, severity, at, lasts) in enumerate(drawn):
        usual = {"rule": rule, "severity": severity, "at": at * HOUR}
        whole.append(alert(n, source, target, **usual, lasts=lasts * HOUR, count=2))
        early.append(alert(n, source, target, **usual))
    folder = tmp_path_factory.mktemp("books")
    one, other = Casebook(DocFile(folder / "1"), RULES), Casebook(DocFile(folder / "2"), RULES)
    one.take(whole)
    mixed = [*whole, *early, *whole[:3]]
    random.shuffle(mixed)
    for at in range(0, len(mixed), size):
        other.take(mixed[at : at + size])
    assert everything(one) == everything(other)
    assert sum(len(case.members) for case in everything(one)) == len(whole)
    assert one.take(whole) == []


def test_what_is_no_case_is_kept_but_not_listed(book: Casebook) -> None:
    assert len(book.take([alert(1, "10.0.0.5", severity=3)])) == 1
    assert list(book.views()) == []
    assert len(list(book.views(every=True))) == 1
    book.take([alert(2, "10.0.0.5", severity=4, at=60)])
    (view,) = book.views()
    assert (len(view.case.members), view.case.opened_by, view.open) == (2, "severity", True)
    assert book.about(["host:live:default/10.0.0.5"]) == [view]
    assert book.view(view.case.id[:6]) == view
    with pytest.raises(StoreError, match="there is no case zz"):
        book.view("zz")


def test_work_outlives_that_alerts_come_and_cases_grow(book: Casebook, desk: Desk) -> None:
    book.take([alert(2, "10.0.0.5", severity=4, at=HOUR)])
    (view,) = book.views()
    first = comment(book, desk, view.case.id, "looking")
    assert (first.work.known_at > 0, first.version) == (True, 1)
    book.take([alert(1, "10.0.0.5", severity=4)])  # an older one, late
    (view,) = book.views()
    assert view.case.id != first.case.id
    assert [s.text for s in view.timeline] == ["", "looking"]
    assert book.view(first.case.id) == view  # the old name still leads there
    again = comment(book, desk, first.case.id, "still")
    assert (again.version, again.case.id) == (2, view.case.id)


def test_two_cases_that_become_one_keep_what_was_written_on_both(book: Casebook, desk: Desk) -> None:
    book.take([alert(1, "10.0.0.5", severity=4), alert(2, "10.0.0.9", severity=4, at=60)])
    one, other = sorted(view.case.id for view in book.views())
    comment(book, desk, one, "one")
    comment(book, desk, other, "other")
    book.take([alert(3, "10.0.0.5", "10.0.0.9", rule="guess", at=120)])
    (view,) = book.views()
    assert [s.text for s in view.timeline if s.text] == ["one", "other"]
    assert (len(view.joined), view.work_id) == (1, one)
    assert book.view(other) == book.view(one) == view


def test_of_two_who_write_one_is_told(book: Casebook, desk: Desk) -> None:
    book.take([alert(1, "10.0.0.5", severity=4)])
    (view,) = book.views()
    comment(book, desk, view.case.id, "a", version=view.version)
    with pytest.raises(StoreConflict):
        comment(book, desk, view.case.id, "b", version=view.version)


def test_a_closed_case_that_becomes_worse_is_open_again(book: Casebook, desk: Desk) -> None:
    book.take([alert(1, "10.0.0.5", severity=4)])
    (view,) = book.views()
    done = book.change(
        desk, LI, view.case.id, action="cases.close",
        step=lambda w, by, now: work.closed(w, by, now, outcome="no_effect", text="x", case=view.case),
    )  # fmt: skip
    assert not done.open
    book.take([alert(2, "10.0.0.5", severity=4, at=60)])
    assert not book.view(view.case.id).open
    book.take([alert(3, "10.0.0.5", severity=5, at=90)])
    assert book.view(view.case.id).resurged


def test_a_liaison_sees_its_own_unit_and_works_on_none(book: Casebook, desk: Desk) -> None:
    book.take([alert(1, "10.0.0.5", severity=4, unit="edu"), alert(2, "10.0.0.6", severity=4, unit="tax")])
    mine, others = sorted(book.views(), key=lambda v: v.case.units)
    assert [visible(WANG, v.case) for v in (mine, others)] == [True, False]
    assert target_for(WANG, mine.case).unit == "edu"
    with pytest.raises(Refused, match="role"):
        comment(book, desk, mine.case.id, "a", WANG)


def test_what_is_muted_makes_no_case_and_what_is_worse_does(book: Casebook) -> None:
    mute = mutes.Mute("m", "mute", "our scanner", "li", DAY0, DAY0, DAY0 + 86400 * 10**9, source="10.0.0.5")
    with book.documents.writing() as writing:
        writing.put(mutes.FORM.doc("m", mute), ABSENT)
    book.take([alert(1, "10.0.0.5", severity=3), alert(2, "10.0.0.6", severity=3)])
    assert [case.host for case in everything(book)] == ["default/10.0.0.6"]
    book.take([alert(1, "10.0.0.5", severity=4, count=2, lasts=9)])
    assert [case.host for case in everything(book) if case.opened_by] == ["default/10.0.0.5"]


def test_pages_follow_each_other_without_gap(book: Casebook) -> None:
    book.take(alert(n, f"10.9.{n}.1", severity=5 if n % 2 else 1, at=n * HOUR) for n in range(7))
    found, after = [], None
    while True:
        views, after = book.page(limit=2, after=after)
        found += [view.case.id for view in views]
        if after is None:
            break
    assert found == [view.case.id for view in book.views()]
    assert len(found) == 3  # the others are no cases yet
