from __future__ import annotations

from typing import Any

from citywall.permissions import Identity
from playbooks import events as e
from playbooks.actions.base import Told
from playbooks.record import recorded


def test_who_what_and_why(house: Any) -> None:
    house.write("  ask:\n    commands: [{type: manual, command: x}]\n    on_completion: end\n")
    run = house.desk.request(house.li, "test", {}, live=True).run
    (key,) = run.units
    by = Identity("wang", ("approver",), via="test")
    told = recorded(e.Answered(key=key, by="wang", outcome="done", note="n" * 900), run, 7, by)
    assert (told.who, told.action, told.object) == ("wang", "playbooks.answer", f"playbook_run:{run.id}")
    assert told.detail["unit"] == key
    assert len(told.detail["note"]) == 400
    refused = recorded(e.Vetted(key=key, reason=Told("protected", {"a": "b"}, refused=True)), run, 8, None)
    assert (refused.who, refused.outcome, refused.reason) == ("citywall", "refused", "protected")
    failed = recorded(e.Acted(key=key, outcome="failed", reason=Told("x")), run, 9, None)
    assert failed.outcome == "failed"
    assert recorded(e.Aborted(by="li", reason="why"), run, 9, by).reason == "why"
