from __future__ import annotations

from pathlib import Path

from playbooks.authoring import playbook_id
from playbooks.cacao import TEXTS, Action, Start
from playbooks.library import examine

from .conftest import HEAD


def entry(tmp_path: Path, workflow: str):
    path = tmp_path / "x.yaml"
    path.write_text(HEAD.format(id="x") + workflow, "utf-8")
    report = examine(path)
    assert report.faults == []
    assert report.entry is not None
    return report.entry


def test_short_names_become_ids_that_stay(tmp_path: Path) -> None:
    text = "  go:\n    commands: [{type: manual, command: {en: look, zh: 看}}]\n    timeout: 90m\n"
    text += "    on_completion: end\n"
    one, two = entry(tmp_path, text), entry(tmp_path, text)
    assert one.document == two.document
    book = one.playbook
    assert (book.id, one.short) == (playbook_id("x"), "x")
    start = book.workflow[book.workflow_start]
    assert isinstance(start, Start)
    assert start.on_completion is not None
    step = book.workflow[start.on_completion]
    assert isinstance(step, Action)
    assert step.timeout == 90 * 60_000
    assert book.agent_definitions[step.agent].name == "analysts"
    place = f"workflow/{start.on_completion}/commands/0/command"
    assert one.document["playbook_extensions"][TEXTS]["zh"] == {"name": "测试", place: "看"}
    assert step.commands[0].command == "look"


def test_agents_and_targets_have_short_names(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    head = HEAD.format(id="x").replace(
        "workflow:",
        "target_definitions:\n  hook: {type: http-api, name: hook, address: {url: [https://x.example]}}\nworkflow:",
    )
    step = "  go:\n    commands: [{type: http-api, command: GET /}]\n    targets: [hook]\n"
    path.write_text(head + step + "    on_completion: end\n", "utf-8")
    report = examine(path)
    assert report.entry is not None, [f.text("en") for f in report.faults]
    (id_,) = report.entry.playbook.target_definitions
    assert id_.startswith("http-api--")
