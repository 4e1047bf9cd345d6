"""What the commands about cases, mutes, warnings and notices share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from console import caller, options, signin, terminal
from console.framework import option

if TYPE_CHECKING:
    from alerts.desk import Desk
    from citywall.permissions import Identity
    from citywall.settings import Settings
    from console.terminal import Terminal

F = TypeVar("F", bound=Callable[..., Any])

as_ = option("--as", "actor", key="as", required=True, metavar="USER")
seen_by = option("--as", "actor", key="seen_by", default="", metavar="USER")
text = option("--text", "-m", "words", key="words", default="", metavar="TEXT")


def usual(function: F) -> F:
    """The options that every command here has."""
    for add in (options.looks, options.plain, options.as_json, options.settings, options.data):
        function = add(function)
    return function


def begin(context: click.Context, given: dict[str, Any]) -> tuple[Settings, Terminal]:
    """Settings and terminal of an invocation."""
    settings = options.load(given["config"], given["assignments"])
    return settings, terminal.of(context, settings.language)


@contextmanager
def acting(
    context: click.Context, given: dict[str, Any], actor: str
) -> Iterator[tuple[Desk, Identity, Settings, Terminal]]:
    """The desk, open for changes by `actor`, whose password is asked for."""
    from alerts.desk import Desk
    from alerts.documents import documents_of

    settings, look = begin(context, given)
    with caller.accounts_of(given["data"], settings) as accounts:
        desk = Desk(documents_of(given["data"], settings), accounts.log, accounts.guard)
        yield desk, signin.log_in(accounts, look, actor), settings, look


def reader(
    given: dict[str, Any], settings: Settings, look: Terminal, actor: str, *, action: str, kind: str
) -> Identity | None:
    """Who reads: None has the data folder's files anyway; `actor` logs in, and must be allowed `action`.

    What a liaison may not see is left out of what is listed, so the right is asked for their own unit.
    """
    if not actor:
        return None
    from citywall.permissions import Target

    with caller.accounts_of(given["data"], settings) as accounts:
        identity = signin.log_in(accounts, look, actor)
        accounts.guard.require(identity, action, Target(kind, unit=identity.unit))
        return identity
