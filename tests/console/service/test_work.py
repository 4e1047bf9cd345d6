from __future__ import annotations

from typing import Any

import pytest

from alerts.store import open_store
from citywall.errors import Refused, StoreConflict, StoreError
from console.caller import Office
from console.service.client import Session
from console.service.server import Server
from console.service.work import change
from console.workdesk import Desk


@pytest.fixture
def served(office: Office, real_alerts: Any) -> Any:
    store = open_store("sqlite://", office.data)
    store.upsert(real_alerts(1))
    store.close()
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
