from __future__ import annotations

import msgspec

from playbooks.cacao import Playbook, next_steps
from playbooks.library import SHIPPED, examine


def test_every_kind_of_step_says_where_it_leads() -> None:
    entry = examine(SHIPPED / "mitigate-ddos.yaml").entry
    assert entry is not None
    kinds = {type(step).__name__ for step in entry.playbook.workflow.values()}
    assert kinds >= {"Start", "End", "Action", "Parallel", "IfCondition", "WhileCondition"}
    reached = {to for step in entry.playbook.workflow.values() for _, to in next_steps(step)}
    assert reached | {entry.playbook.workflow_start} == set(entry.playbook.workflow)


def test_a_playbook_is_written_as_it_was_read() -> None:
    entry = examine(SHIPPED / "contain-scan.yaml").entry
    assert entry is not None
    again = msgspec.json.decode(msgspec.json.encode(entry.playbook), type=Playbook, strict=False)
    assert again == entry.playbook
    assert entry.document["type"] == "playbook"
    assert entry.document["spec_version"] == "cacao-2.0"
