from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from citywall.settings import Settings
from console.responding import Responding
from console.workdesk import Desk
from playbooks.nftables import table
from playbooks.runfile import RunFile

PASSWORD = "Correct-Horse-9x"


def desk_of(house: Path, settings: Settings, name: str) -> Responding:
    desk = Desk(house, settings)
    desk.log_in(name, PASSWORD, "test")
    return Responding(desk, house, settings)


@pytest.fixture
def run_id(house: Path, settings: Settings, staff: dict[str, str], real_alerts: Any) -> str:
    """A live run that waits for an analyst's verdict, asked for by the analyst."""
    alert = str(real_alerts(1)[0]["event"]["id"])
    return desk_of(house, settings, "li").request("contain-scan", live=True, alert=alert).run.id


def give_verdict(house: Path, settings: Settings, run_id: str) -> None:
    """Answer what waits; the run then waits for approval."""
    file = RunFile(house)
    stored = file.get(run_id)
    assert stored is not None
    (unit,) = stored.run.waiting
    desk_of(house, settings, "li").answer(run_id, "done", unit.key, "", {"verdict": "malicious"})


def test_answer_then_one_of_two_approvers_wins(
    drive: Any, house: Path, settings: Settings, run_id: str, monkeypatch: pytest.MonkeyPatch
):
    blocked: list[str] = []
    monkeypatch.setattr(table, "remaining_ms", lambda _: None)
    monkeypatch.setattr(table, "block", lambda network, _: blocked.append(str(network)))
    file = RunFile(house)

    async def story(it: Any) -> None:
        await it.until("waits for people", "live")
        await it.press("a")
        await it.until("nothing waits for that")
        await it.press("d")
        await it.log_in("li")
        await it.until("What became of it")
        await it.press("tab")
        await it.type("malicious")
        await it.until("waits for approval", "Block 192.0.2.1/32", "0 of 1", "sm3:")
        await it.press("a")  # one's own request
        await it.until("Approve this step?")
        await it.press("enter")
        await it.until("the role does not allow it")
        it.app.action_log_out()
        await it.press("a")
        await it.log_in("chen")
        await it.until("Approve this step?")
        stored = file.get(run_id)
        assert stored is not None
        (unit,) = stored.run.waiting
        assert unit.request is not None
        desk_of(house, settings, "zhao").approve(run_id, unit.request.digest, unit.key)  # is quicker
        assert blocked == ["192.0.2.1/32"]
        await it.press("enter")
        await it.until("approved already")
        await it.until("zhao")
        assert blocked == ["192.0.2.1/32"]

    drive(story, begin=("run", run_id), size=(120, 60))


def test_refuse_and_take_back_with_reasons(drive: Any, house: Path, settings: Settings, run_id: str):
    give_verdict(house, settings, run_id)
    file = RunFile(house)

    async def story(it: Any) -> None:
        await it.until("waits for approval")
        await it.press("a")
        await it.log_in("chen")
        await it.until("Approve this step?")
        await it.press("down", "enter")
        await it.until("reason: is needed")
        await it.type("a camera of ours")
        await it.until("Changed: not approved")
        await it.press("X")
        await it.until("End the run")
        await it.type("enough")
        await it.until("aborted")
        await it.press("b")
        await it.until("Take back what the run did")
        await it.type("enough")
        await it.until("rolled back")
        stored = file.get(run_id)
        assert stored is not None
        assert stored.run.status == "rolled_back"
        await it.press("L")
        await it.until("已回滚", "步骤经过")
        await it.press("v")
        await it.until("为何触发")

    drive(story, begin=("run", run_id), size=(120, 60))


def test_one_that_is_not_there(drive: Any):
    async def story(it: Any) -> None:
        await it.until("run-0")
        await it.press("a", "d", "b", "X", "v", "y")
        assert it.app.view.kind == "run"

    drive(story, begin=("run", "run-0"))
