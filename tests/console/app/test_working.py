"""Work on alerts: log in, change, be too late, be refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alerts.embedded import EmbeddedStore
from alerts.workflow import Step
from console.app.working import flows_of, host_of

PASSWORD = "Correct-Horse-9x"


async def log_in(it: Any, name: str) -> None:
    await it.until("Log in")
    await it.type(name)
    await it.type(PASSWORD)


def test_log_in_change_and_be_too_late(drive: Any, house: Path, analyst: str):
    store = EmbeddedStore(house / "alerts")

    async def story(it: Any) -> None:
        await it.until("1-12 of 12")
        await it.press("a")
        await log_in(it, analyst)
        await it.until("li (analyst)", "acknowledged")
        ((alert_id, workflow),) = store.workflows()
        assert (workflow.status, workflow.history[0].by) == ("acknowledged", "li")
        await it.press("enter")
        await it.until("Why it fired", "acknowledged")
        await it.press("n")
        await it.until("Work on this alert")
        store.change(alert_id, Step(1, "wang", note="quicker"), "1")
        await it.type("slower")
        await it.until("changed this alert meanwhile", "quicker")
        assert "slower" not in it.text()
        await it.press("o")
        await it.reached(lambda: store.workflow(alert_id).workflow.owner == "li")
        await it.press("escape")
        await it.until("in progress li")  # the list shows it

    drive(story, begin=("alerts", ""))


def test_a_viewer_may_look_only(drive: Any, house: Path, analyst: str):
    async def story(it: Any) -> None:
        await it.until("1-12 of 12")
        await it.press("a")
        await it.until("Log in")
        await it.type("wang")
        await it.type("Wrong-Password-7")
        await it.until("user name or password is wrong")
        await it.press("w")
        await log_in(it, "wang")
        await it.until("Work on this alert")
        await it.press("down", "enter")
        await it.until("the role does not allow it")
        assert not list(EmbeddedStore(house / "alerts").workflows())

    drive(story, begin=("alerts", ""))


def test_hosts_and_flows_of_an_alert(real_alerts: Any):
    document = real_alerts(1)[0]
    assert (host_of(document, "source"), host_of(document, "destination")) == ("192.0.2.1", "10.20.1.10")
    assert flows_of(document) == 'community:"1:000000000000000000000000000="'
    del document["network"]["community_id"], document["source"]
    document["citywall"]["sources"] = {"count": 2, "sample": ["192.0.2.1", "192.0.2.2"]}
    assert host_of(document, "source") == ""
    assert flows_of(document) == "ip:10.20.1.10 last>=2024-05-01T11:58:59 first<=2024-05-01T12:01:00"
    assert flows_of({}) == ""
