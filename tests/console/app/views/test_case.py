from __future__ import annotations

from pathlib import Path
from typing import Any

from alerts.cases import work
from alerts.cases.casebook import Casebook, View
from alerts.docfile import DocFile
from citywall.settings import Settings
from console.responding import Responding
from console.workdesk import Desk

PASSWORD = "Correct-Horse-9x"


def test_from_taking_to_closing(
    drive: Any, house: Path, settings: Settings, staff: dict[str, str], case_id: str
):
    book = Casebook(DocFile(house), settings.cases)

    def seen() -> View:
        return book.view(case_id)

    async def story(it: Any) -> None:
        await it.until("12 alerts", "status", "new")
        await it.press("o")
        await it.log_in("li")
        await it.until("Changed: owner", "owner")
        assert (seen().work.owner, seen().work.history[0].by) == ("li", "li")
        await it.press("n")
        await it.until("Comment")
        await it.type("looks real")
        await it.until("li: comment: looks real")
        await it.press("w")
        await it.until("Next status")
        await it.press("down", "enter")  # handling
        await it.reached(lambda: seen().work.status == "handling")
        await it.until("to handling")
        await it.press("x")
        await it.until("Close the case")
        await it.press("tab")
        await it.type("blocked")  # handled, but it is not resolved yet
        await it.until("it is not resolved yet")
        await it.press("w")
        await it.until("Next status", "triage")
        await it.press("enter")
        await it.until("to resolved")
        await it.press("x")
        await it.until("Close the case")
        await it.press("enter")
        await it.until("conclusion: is needed")
        await it.type("blocked")
        await it.until("closed, handled: blocked")
        assert seen().work.outcome == "handled"
        await it.press("w")
        await it.until("Open the case again")
        await it.type("it goes on")
        await it.until("opened again: it goes on")
        assert it.app.view.document()["status"] == "triage"

    drive(story, begin=("case", case_id), size=(120, 50))


def test_who_was_quicker_wins_and_the_other_is_told(
    drive: Any, house: Path, settings: Settings, staff: dict[str, str], case_id: str
):
    other = Desk(house, settings)
    other.log_in("chen", PASSWORD, "test")
    book = Casebook(DocFile(house), settings.cases)

    async def story(it: Any) -> None:
        await it.until("12 alerts")
        await it.press("n")
        await it.log_in("li")
        await it.until("Comment")
        Responding(other, house, settings).step(
            book.view(case_id), "comment", lambda w, by, now: work.commented(w, by, now, "quicker")
        )
        await it.type("slower")
        await it.until("Somebody changed this meanwhile", "chen: comment: quicker")
        assert "slower" not in it.text()

    drive(story, begin=("case", case_id), size=(120, 50))


def test_its_alerts_are_explained_and_a_playbook_is_started(
    drive: Any, house: Path, staff: dict[str, str], case_id: str
):
    async def story(it: Any) -> None:
        await it.until("12 alerts", "Network scan")
        await it.press("v")
        await it.until("No playbook was run for this case")
        await it.press("tab", "enter")
        await it.until("Why it fired")
        await it.press("escape", "p")
        await it.log_in("li")
        await it.until("Start a playbook", "dry run")
        names = [option.id for option in it.app.screen.query_one("#playbook").options]
        it.app.screen.query_one("#playbook").highlighted = names.index("contain-scan")
        await it.press("enter")
        await it.until("Run", "dry run", "asked by", "li")
        await it.press("escape")
        await it.until("Playbook runs", "contain-scan")
        await it.press("L")
        await it.until("剧本运行", "条告警")
        await it.press("v")
        await it.until("网络扫描探测处置")

    drive(story, begin=("case", case_id), size=(120, 50))


def test_a_case_that_is_not_there(drive: Any):
    async def story(it: Any) -> None:
        await it.until("there is no case ffff")
        await it.press("o", "x", "p", "v", "y")
        assert it.app.view.kind == "case"

    drive(story, begin=("case", "ffff"))
