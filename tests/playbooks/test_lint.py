from __future__ import annotations

from pathlib import Path

import pytest

from playbooks.library import examine

from .conftest import HEAD

ASK = "commands: [{type: manual, command: x}]"
GO = f"  go:\n    {ASK}\n"
END = "    on_completion: end\n"
NOBODY = "group--4f0c38c5-7f3f-5d57-9d07-6a2e1c5f1a01"


def told(tmp_path: Path, workflow: str) -> list[str]:
    path = tmp_path / "x.yaml"
    path.write_text(HEAD.format(id="x") + workflow, "utf-8")
    report = examine(path)
    return [f.key.partition(".")[2] for f in [*report.faults, *report.warnings]]


@pytest.mark.parametrize(
    ("workflow", "key"),
    [
        (GO, "no_end"),
        ("  go: {type: end}\n", "no_action"),
        (GO + END + "    on_failure: end\n", "both_ways"),
        (GO + "    on_completion: go\n  end: {type: end}\n", "circle"),
        (GO + END + "  end: {type: end, on_completion: go}\n", "end_goes_on"),
        (GO + END + f"  more:\n    {ASK}\n", "unreached"),
        (GO + "    out_args: [__x__]\n" + END, "no_variable"),
        ("  go:\n    commands: [{type: manual, command: '__x__:value'}]\n" + END, "no_variable"),
        ("  go:\n    commands: [{type: x-citywall-note, text: x}]\n    out_args: [__answer__]\n" + END,
         "no_output"),
        ("  go:\n    commands: [{type: ssh, command: x}]\n" + END, "foreign"),
        (GO + "    step_variables: {__y__: {type: integer, value: x}}\n" + END, "not_of_type"),
        ("  if:\n    type: if-condition\n    condition: 'x'\n    on_true: go\n" + END + GO,
         "condition_token"),
        ("  sw:\n    type: switch-condition\n    switch: x\n    cases: {default: go}\n" + END + GO,
         "switch_constant"),
        (GO + f"    agent: {NOBODY}\n" + END, "no_agent"),
        (GO + f"    targets: [{NOBODY}]\n" + END, "no_target"),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, workflow: str, key: str) -> None:
    assert key in told(tmp_path, workflow)


def test_only_the_plan_is_missing(tmp_path: Path) -> None:
    assert told(tmp_path, f"  go:\n    {ASK}\n    on_completion: end\n") == ["no_plan"]
