from __future__ import annotations

from typing import Any

import pytest

from alerts.cases import work
from alerts.cases.casebook import Casebook
from alerts.docfile import DocFile
from alerts.store import open_store
from citywall.errors import Refused, StoreConflict, StoreError, UsageError
from citywall.permissions import Target
from console.caller import Office
from console.responding import Responding
from console.service.client import Session
from console.service.server import Server
from console.service.work import change
from console.workdesk import Desk


@pytest.fixture
def served(office: Office, real_alerts: Any) -> Any:
    store = open_store("sqlite://", office.data)
    store.upsert(real_alerts(1))
    store.close()
    Casebook(DocFile(office.data), office.settings.cases).take(real_alerts(1))
    with Server(office) as server:
        yield server


def test_the_consoles_desk_works_through_the_service(
    served: Server, office: Office, word: str, real_alerts: Any
):
    alert_id = real_alerts(1)[0]["event"]["id"]
    desk = Desk(office.data, office.settings)
    with pytest.raises(Refused, match="login"):
        desk.log_in("li", "wrong", "console")
    desk.log_in("li", word, "console")
    store = open_store("sqlite://", office.data, read_only=True)
    before = store.workflow(alert_id).version
    after = desk.change(alert_id, before, status="in_progress", owner="li", note="--note=x\n二")
    assert (after.workflow.status, after.workflow.owner) == ("in_progress", "li")
    assert after == store.workflow(alert_id)
    with pytest.raises(StoreConflict):
        desk.change(alert_id, before, status="resolved")
    assert desk.change(alert_id, after.version, owner="").workflow.owner == ""
    desk.log_out()
    assert served.sessions._known == {}
    with pytest.raises(Refused, match="not_logged_in"):
        desk.change(alert_id, after.version, status="resolved")


def test_a_session_that_is_over_and_an_alert_that_is_not_there(served: Server, office: Office, word: str):
    session = Session(office.data)
    session.log_in("li", word)
    with pytest.raises(StoreError, match="no alert"):
        change(session, "missing", "0", status="resolved", owner=None, note=None)
    served.sessions._known.clear()
    with pytest.raises(Refused, match="no_longer"):
        change(session, "missing", "0", status="resolved", owner=None, note=None)


def test_steps_on_cases_are_taken_there(served: Server, office: Office, word: str):
    desk = Desk(office.data, office.settings)
    desk.log_in("li", word, "console")
    doing = Responding(desk, office.data, office.settings)
    seen = next(iter(Casebook(DocFile(office.data), office.settings.cases).views(every=True)))
    after = doing.step(seen, "assign", lambda w, by, now: work.assigned(w, by, now, by))
    assert after.work.owner == "li"
    with pytest.raises(StoreConflict):
        doing.step(seen, "assign", lambda w, by, now: work.assigned(w, by, now, by))
    after = doing.step(after, "comment", lambda w, by, now: work.commented(w, by, now, "--as=root\n二"))
    assert after.work.history[-1].text == "--as=root\n二"
    after = doing.step(after, "status", lambda w, by, now: work.moved(w, by, now, "triage", "seen"))
    assert after.work.status == "triage"
    with pytest.raises(Refused):
        doing.step(after, "comment", lambda w, by, now: work.commented(w, by, now, ""))
    with pytest.raises(UsageError, match="citywall cases"):
        doing.step(after, "known", lambda w, by, now: work.known(w, by, now, 1, "so it was"))
    with pytest.raises(Refused, match="role"):
        desk.require("warnings.issue", Target("warning"))
    desk.require("alerts.read", Target("alert"))


def test_runs_are_asked_for_approved_and_taken_back_there(
    served: Server, office: Office, word: str, real_alerts: Any
):
    desks = {name: Desk(office.data, office.settings) for name in ("li", "wang")}
    for name, desk in desks.items():
        desk.log_in(name, word, "console")
    li, wang = (Responding(desk, office.data, office.settings) for desk in desks.values())
    alert_id = real_alerts(1)[0]["event"]["id"]
    run = li.request("contain-scan", live=False, alert=alert_id).run
    assert (run.requester, run.trigger) == ("li", alert_id)
    for act in (
        lambda: wang.approve(run.id, "sm3:" + "0" * 64, "k"), lambda: wang.reject(run.id, "no", "k"),
        lambda: li.answer(run.id, "done", "k", "", {"verdict": "malicious"}), lambda: li.abort(run.id, "so"),
    ):  # fmt: skip
        with pytest.raises(Refused):  # a dry run waits for nobody, and is over
            act()
    assert li.rollback(run.id, "all of it").run.id == run.id
