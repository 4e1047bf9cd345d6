"""What holds for every action."""

from __future__ import annotations

import msgspec
import pytest

from citywall.i18n import catalogue
from playbooks.actions.foreign import Bash
from playbooks.actions.registry import ACTIONS, FOREIGN, action_of, named


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_every_action(action: object) -> None:
    assert named(action.name) is action  # type: ignore[attr-defined]
    assert f"playbook_does.{action.name}" in catalogue()  # type: ignore[attr-defined]
    assert action.__doc__
    assert action.command.__doc__  # type: ignore[attr-defined]
    assert not (action.containment and action.waits)  # type: ignore[attr-defined]


def test_names_and_types_are_taken_once() -> None:
    assert len({action.name for action in ACTIONS}) == len(ACTIONS)
    tags = [c.__struct_config__.tag for c in (*(a.command for a in ACTIONS), *FOREIGN)]
    assert len(set(tags)) == len(tags)


def test_what_nothing_here_runs() -> None:
    assert action_of(Bash(command="ls")) is None
    assert msgspec.to_builtins(Bash(command="ls"))["type"] == "bash"
