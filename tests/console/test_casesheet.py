from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from alerts.cases import work
from alerts.cases.casebook import Casebook, View
from alerts.docfile import DocFile
from citywall.i18n import tr
from citywall.settings import load
from console import casesheet
from console.display.sheet import layout, plain

SETTINGS = load(None, environment={}, assignments=("reporting.operator=other",))


class Teller:
    def __init__(self, speech: str) -> None:
        self.speech = speech

    def tr(self, key: str, **values: object) -> str:
        return tr(key, self.speech, **values)


@pytest.fixture
def view(tmp_path: Any, real_alerts: Any) -> View:
    book = Casebook(DocFile(tmp_path), SETTINGS.cases)
    book.take(real_alerts(5))
    found = next(iter(book.views()))
    done = work.begun(work.fresh(found.case), "li", 10**18)
    done = work.graded(work.moved(done, "li", 10**18, "triage"), "li", 10**18, "major", "core\x1b[31m system")
    return View(found.case, done, 1, found.case.id)


def test_everything_is_told_in_both_languages(view: View):
    run = SimpleNamespace(
        name="contain-scan", status="running", live=True, id="run-1", requested=10**18, case=view.case.id
    )
    for speech, said in (
        (
            "en",
            ["major (II)", "triage", "Playbook runs", "contain-scan  running  live  run-1", "first report"],
        ),
        ("zh", ["重大", "研判中", "剧本运行", "首报", "处置记录"]),
    ):
        sections = casesheet.sections(view, Teller(speech), SETTINGS, [SimpleNamespace(run=run)])
        text = "\n".join(plain(layout(sections, 200)))
        for words in said:
            assert words in text
        assert "\x1b" not in text
    assert "\x1b[31m" in view.work.history[-1].text


def test_rows_fit_their_columns(view: View):
    teller = Teller("zh")
    row = casesheet.case_row(view, teller, SETTINGS)
    assert len(row) == len(casesheet.case_columns(teller))
    member = casesheet.member_row(view.case.members[0], teller)
    assert len(member) == len(casesheet.member_columns(teller))
