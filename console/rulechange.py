"""Who changes the rules of a data folder: asked for, and in the audit log before a change counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citywall.errors import CitywallError, DataFolderBusy, Refused, UsageError
from console import caller, options, signin

if TYPE_CHECKING:
    from console.terminal import Terminal
    from rules.sets.changing import Witness
    from rules.sets.folder import Version

_ACTION = "rules.change"


@contextmanager
def changing(data: Path, look: Terminal, actor: str, step: str, what: str) -> Iterator[Witness]:
    """Changes of rules by `actor`, or, where there are no accounts yet, by whoever has the data folder.

    Raises UsageError where somebody must be named, Refused where they may not.
    """
    from citywall.canonical import digest
    from citywall.permissions import Target
    from trust.audit import entry

    target = Target("rules")
    try:
        with caller.accounts_of(data, options.load(None, ())) as accounts:
            if not actor and accounts.any:
                raise UsageError(look.tr("error.rules_as"))
            identity = signin.log_in(accounts, look, actor) if actor else signin.local()
            accounts.guard.require(identity, _ACTION, target)

            def witness(before: Version | None, after: Version) -> int:
                told: dict[str, Any] = {"step": step, "what": what, "version": str(after.number)}
                return accounts.log.append(
                    entry(
                        identity, _ACTION, Target("rules", str(after.number)), detail=told,
                        before=digest(before) if before is not None else "", after=digest(after),
                    )
                ).n  # fmt: skip

            try:
                yield witness
            except Refused:
                raise
            except CitywallError as e:
                told = {"step": step, "what": what, "error": str(e)[:500]}
                accounts.log.append(
                    entry(identity, _ACTION, target, outcome="failed", reason="malformed", detail=told)
                )
                raise
    except DataFolderBusy as e:
        if not actor:
            raise UsageError(look.tr("error.rules_as")) from e
        raise


def missed() -> bool:
    """Whether the service that runs this was told to leave the data folder's rules alone."""
    at = caller.current()
    return at is not None and not at.office.settings.rules.folder


def readable(origin: str) -> Path:
    """A file or folder that who changes rules names, from where they are.

    Raises Refused where the service would read it for somebody whose rights it does not have.
    """
    at = caller.current()
    if at is None:
        return Path(origin)
    signin.local()
    return at.folder / origin
