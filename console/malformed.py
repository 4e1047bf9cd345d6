"""What people wrote with faults, and a command therefore refused: recorded where there is an audit log."""

from __future__ import annotations

from pathlib import Path

import click

from citywall.errors import DataFolderBusy, FaultyInput

ACTION = "input.use"


def record(context: click.Context, command: str, error: FaultyInput) -> None:
    """Record what a command refused; one that acts for an account has recorded it in that name.

    Nothing is recorded in a folder that has no audit log, nor where the service holds it: it records itself.
    """
    from console import signin
    from trust import chain

    data = context.params.get("data")
    if not isinstance(data, Path) or context.params.get("actor") or not (data / chain.FOLDER).is_dir():
        return
    from citywall.faults import audited
    from citywall.permissions import Target
    from trust.audit import AuditLog, entry

    detail = {"command": command, **audited(error.faults)}
    target = Target("file", error.place[:200])
    refused = entry(signin.local(), ACTION, target, outcome="refused", reason="malformed", detail=detail)
    try:
        with AuditLog(data / chain.FOLDER) as log:
            log.append(refused)
    except DataFolderBusy:
        return
