"""Every action there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Union

from playbooks.actions import foreign
from playbooks.actions.base import Action, CommandBase
from playbooks.actions.block import Block
from playbooks.actions.evidence import Evidence
from playbooks.actions.http import Http
from playbooks.actions.mail import Mail
from playbooks.actions.manual import Manual
from playbooks.actions.note import Note
from playbooks.actions.notice import Notice
from playbooks.actions.syslog import Syslog

ACTIONS: tuple[Action, ...] = (
    Manual(),
    Http(),
    Mail(),
    Syslog(),
    Evidence(),
    Note(),
    Notice(),
    Block(),
)

#: Types that are valid and that nothing here runs.
FOREIGN: tuple[type[CommandBase], ...] = (
    foreign.Bash, foreign.Caldera, foreign.Elastic, foreign.Jupyter, foreign.Kestrel, foreign.OpenC2,
    foreign.PowerShell, foreign.Sigma, foreign.Ssh, foreign.Yara,
)  # fmt: skip

if TYPE_CHECKING:
    Command = CommandBase
else:
    Command = Union[tuple(action.command for action in ACTIONS) + FOREIGN]  # noqa: UP007

_BY_TYPE = {action.command: action for action in ACTIONS}
_BY_NAME = {action.name: action for action in ACTIONS}


def action_of(command: CommandBase) -> Action | None:
    """The action that does a command; None for one that nothing here runs."""
    return _BY_TYPE.get(type(command))


def named(name: str) -> Action:
    """The action of a name."""
    return _BY_NAME[name]
