"""Who a command runs for: whoever typed it, or somebody at the other end of the service's socket.

There it speaks to that end, with what the service has open; everywhere else there is no caller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from citywall.permissions import Identity
    from citywall.settings import Settings
    from playbooks.desk import Desk
    from trust.accounts import Accounts


@dataclass(frozen=True)
class Office:
    """What the service has open for as long as it runs."""

    data: Path
    settings: Settings
    accounts: Accounts
    playbooks: Desk


@dataclass(frozen=True)
class Caller:
    """One who runs a command in the service.

    `ask(prompt)` asks for a password at the other end, where `interactive` says whether people type there.
    `identity`: who logged in before. `trusted`: has the rights of the operating system that the service has.
    """

    office: Office
    out: TextIO
    err: TextIO
    ask: Callable[[str], str]
    via: str
    folder: Path
    interactive: bool = False
    trusted: bool = False
    identity: Identity | None = None


_caller: ContextVar[Caller | None] = ContextVar("citywall_caller", default=None)


def current() -> Caller | None:
    """The caller of the command that this thread runs; None for a command of this process's own."""
    return _caller.get()


@contextmanager
def serving(caller: Caller) -> Iterator[None]:
    """Run what is inside for `caller`."""
    token = _caller.set(caller)
    try:
        yield
    finally:
        _caller.reset(token)


@contextmanager
def accounts_of(data: Path, settings: Settings) -> Iterator[Accounts]:
    """The accounts: the service's own, or those of the data folder. Raises DataFolderBusy."""
    caller = current()
    if caller is not None:
        yield caller.office.accounts
        return
    from trust.accounts import opened

    with opened(data, settings) as accounts:
        yield accounts
