"""What stands is added to, and gives what making everything anew gives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests_cases import DAY0, alert  # type: ignore[import-not-found]

from alerts.cases import mutes, standing
from alerts.cases.casebook import Casebook
from alerts.docfile import DocFile
from alerts.documents import ABSENT
from citywall.casesettings import CaseSettings

#: Small enough that window, cap and size matter.
RULES = CaseSettings(cap_s=2 * 86400, max_alerts=10)
HOSTS = [f"10.0.0.{n}" for n in range(1, 6)]
DRAWN = st.lists(
    st.tuples(
        st.sampled_from(HOSTS), st.sampled_from(HOSTS), st.sampled_from(["scan", "guess", "c2"]),
        st.integers(1, 5), st.integers(0, 7200), st.sampled_from([0, 60, 40_000]), st.booleans(),
    ),
    min_size=4, max_size=40,
)  # fmt: skip


def stored(book: Casebook) -> list[Any]:
    """Every case as it is in the store, with what it is found by."""
    return sorted((d.id, d.at, d.refs, d.body) for d in book.documents.page("case", limit=1000))


def in_order(drawn: list[Any]) -> list[dict[str, Any]]:
    """Alerts in order of time; after each some say more of one before it."""
    at, said = 0, []
    for n, (source, target, rule, severity, later, lasts, rises) in enumerate(drawn):
        at += later
        usual: dict[str, Any] = {"rule": rule, "severity": severity, "at": at}
        said.append(alert(n, source, target, **usual))
        if lasts:
            grown = ((at + lasts, severity, severity + 1),) if rises and severity < 5 else ()
            usual["severity"] += len(grown)
            said.append(alert(n, source, target, **usual, lasts=lasts, count=2, rises=grown))
    return said


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(DRAWN, st.integers(1, 9), st.booleans())
def test_adding_gives_what_making_anew_gives(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[Any], size: int, muted: bool
) -> None:
    folder = tmp_path_factory.mktemp("books")
    standing_one, anew = Casebook(DocFile(folder / "1"), RULES), DocFile(folder / "2")
    if muted:
        mute = mutes.Mute("m", "mute", "x", "li", DAY0, DAY0, DAY0 + 86400 * 10**9, rule="scan", severity=3)
        for documents in (standing_one.documents, anew):
            with documents.writing() as writing:
                writing.put(mutes.FORM.doc("m", mute), ABSENT)
    said = in_order(drawn)
    for at in range(0, len(said), size):
        one = standing_one.take(said[at : at + size])
        assert one == Casebook(anew, RULES).take(said[at : at + size])  # a book that remembers nothing
    assert stored(standing_one) == stored(Casebook(anew, RULES))


def counting(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many alerts were made cases of anew, each time that was done."""
    made: list[int] = []
    taken_anew = Casebook._taken_anew

    def counted(self: Casebook, writing: Any, fresh: Any, muted: Any) -> Any:
        made.append(len(fresh))
        return taken_anew(self, writing, fresh, muted)

    monkeypatch.setattr(Casebook, "_taken_anew", counted)
    return made


def test_in_order_nothing_is_made_anew(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = counting(monkeypatch)
    book = Casebook(DocFile(tmp_path), CaseSettings(max_alerts=50))
    for n in range(200):
        book.take([alert(n, "10.0.0.5", f"10.0.0.{n % 7}", rule="guess", at=n)])
        book.take([alert(n, "10.0.0.5", f"10.0.0.{n % 7}", rule="guess", at=n, lasts=1, count=2)])
    assert made == []
    assert [len(view.case.members) for view in book.views(every=True)] == [50] * 4


def test_what_is_not_certain_is_made_anew(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = counting(monkeypatch)
    book = Casebook(DocFile(tmp_path), RULES)
    book.take([alert(1, "10.0.0.5", at=100)])
    book.take([alert(2, "10.0.0.5", at=50)])  # older than what is there
    assert made == [1]
    Casebook(book.documents, RULES).take([alert(3, "10.0.0.5", at=150)])  # remembers nothing
    book.take([alert(4, "10.0.0.5", at=160)])  # not as it was stored
    assert made == [1, 1, 1]
    book.take([alert(5, "10.0.0.5", at=170)])
    assert made == [1, 1, 1]


def test_what_is_remembered_is_bounded(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of full cases the ends are kept; what is forgotten is made anew."""
    monkeypatch.setattr(standing, "MOST", 25)
    monkeypatch.setattr(standing, "MOST_ENDS", 2)
    made = counting(monkeypatch)
    book, other = Casebook(DocFile(tmp_path / "1"), RULES), DocFile(tmp_path / "2")
    for n in range(60):
        said = [alert(n, "10.0.0.5", f"10.0.0.{n % 3}", rule="guess", at=n)]
        assert book.take(said) == Casebook(other, RULES).take(said)
    others = 59  # all but the first
    assert 0 < len(made) - others < 20  # two full cases are remembered by their ends, others forgotten
    assert len(book._standing._cases) <= 6
    assert stored(book) == stored(Casebook(other, RULES))


def test_a_transaction_that_comes_to_nothing_is_not_remembered(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = Casebook(DocFile(tmp_path), RULES)
    book.take([alert(1, "10.0.0.5")])
    with monkeypatch.context() as patched:
        patched.setattr(standing.Standing, "store", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            book.take([alert(2, "10.0.0.5", at=10)])
    book.take([alert(3, "10.0.0.5", at=20)])
    (view,) = book.views(every=True)
    assert [int(m.id, 16) for m in view.case.members] == [1, 3]


def test_a_new_mute_takes_alerts_out_of_what_stands(tmp_path: Any) -> None:
    book, other = Casebook(DocFile(tmp_path / "1"), RULES), DocFile(tmp_path / "2")
    mute = mutes.Mute("m", "mute", "x", "li", DAY0, DAY0, DAY0 + 86400 * 10**9, rule="scan", severity=3)
    for said in (
        [alert(1, "10.0.0.5"), alert(2, "10.0.0.5", rule="guess", at=9)],
        [alert(3, "10.0.0.5", at=20)],
    ):
        assert book.take(said) == Casebook(other, RULES).take(said)
        for documents in (book.documents, other):
            with documents.writing() as writing:
                writing.put(mutes.FORM.doc("m", mute), 0) if writing.get("mute", "m") is None else None
    assert stored(book) == stored(Casebook(other, RULES))
    (view,) = book.views(every=True)
    assert [m.rule for m in view.case.members] == ["guess"]
