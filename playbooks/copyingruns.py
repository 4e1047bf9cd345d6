"""Copying runs of playbooks, their journals and the playbooks that they are bound to into another store."""

from __future__ import annotations

import msgspec

from alerts.copyingwork import carry_audited
from citywall.errors import StoreError
from playbooks.runs import Runs, Stored


def copy_runs(source: Runs, target: Runs) -> tuple[int, list[str]]:
    """Copy all runs, oldest first; returns how many are there now, and names (`run id`) of others.

    Those are what the target had otherwise, and stay as they are there. Raises StoreError where one did not
    arrive as it was.
    """
    copied, kept = 0, list[str]()
    if not source.there:
        return copied, kept
    for stored in reversed(source.everything()):
        if target.get(stored.run.id) is None:
            _copy(source, target, stored)
        if _same(source, target, stored):
            copied += 1
        else:
            kept.append(f"run {stored.run.id}")
    carry_audited(source, target)
    return copied, kept


def _copy(source: Runs, target: Runs, stored: Stored) -> None:
    """One run in one transaction: its last state is written with each event, and so stands at the last."""
    run = stored.run
    with target.writing() as writing:
        for digest, book in source.books(run).items():
            writing.keep_book(digest, msgspec.to_builtins(book))
        for version, (time, event) in enumerate(source.journal(run.id)):
            writing.put(run, event, time, version)
    if not _same(source, target, stored):
        raise StoreError(f"run {run.id} did not arrive as it was")


def _same(source: Runs, target: Runs, stored: Stored) -> bool:
    run = stored.run
    return (
        target.get(run.id) == stored
        and target.journal(run.id) == source.journal(run.id)
        and target.books(run) == source.books(run)
    )
