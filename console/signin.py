"""Passwords of commands: asked for on a terminal, else read from standard input; never on a command line."""

from __future__ import annotations

import getpass
import os
import socket
import sys
from typing import TYPE_CHECKING

from citywall.errors import Refused, UsageError
from citywall.permissions import LOCAL, Identity
from console import caller

if TYPE_CHECKING:
    from console.terminal import Terminal
    from trust.accounts import Accounts


def ask(look: Terminal, prompt: str) -> str:
    """One password; raises UsageError where there is none."""
    if (at := caller.current()) is not None:
        given = at.ask(prompt)
    elif sys.stdin.isatty():
        given = getpass.getpass(prompt, stream=look.err)
    else:
        given = sys.stdin.readline().rstrip("\r\n")
    if not given:
        raise UsageError(look.tr("error.no_password"))
    return given


def _interactive() -> bool:
    at = caller.current()
    return sys.stdin.isatty() if at is None else at.interactive


def ask_new(look: Terminal, name: str) -> str:
    """A new password, on a terminal twice."""
    given = ask(look, look.tr("accounts.new_password_of", name=name))
    if _interactive() and ask(look, look.tr("accounts.again")) != given:
        raise UsageError(look.tr("error.passwords_differ"))
    return given


def place() -> str:
    """Where a command comes from, for the audit log: the operating system's user and the machine."""
    if (at := caller.current()) is not None:
        return at.via
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without an entry
        user = str(os.getuid())
    return f"command, {user}@{socket.gethostname()}"


def local() -> Identity:
    """Who runs this command, by the operating system: what the data folder's rights let them do.

    Raises Refused where the service runs it for somebody whose rights those are not.
    """
    at = caller.current()
    if at is not None and not at.trusted:
        raise Refused("role", place(), "service", "data")
    return Identity(place().partition(", ")[2], (LOCAL,), via="command")


def log_in(accounts: Accounts, look: Terminal, name: str) -> Identity:
    """The identity of `name`, whose password is asked for; raises Refused."""
    at = caller.current()
    known = None if at is None else at.identity
    if known is not None and known.user == name and accounts.is_current(known):
        return known
    return accounts.login(name, ask(look, look.tr("accounts.password_of", name=name)), place())
