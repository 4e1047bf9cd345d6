"""What is kept in the data folder: whether it is whole, who works with it, whether it is backed up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from citywall.errors import CitywallError
from console.doctor.check import Found, World, broken, good, lacking


def databases(world: World) -> Iterator[Found]:
    """Each is sound, by SQLite's own check."""
    sound = 0
    for path in sorted(world.data.rglob("*.sqlite")):
        if reason := _damage(path):
            yield broken("database_damaged", path=path, reason=reason)
        else:
            sound += 1
    yield good("databases", count=sound)


def _damage(path: Path) -> str:
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)
        try:
            said = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        finally:
            connection.close()
    except sqlite3.Error as e:
        said = str(e)
    return "" if said == "ok" else said


def audit(world: World) -> Iterator[Found]:
    """The audit log is as it was written."""
    from trust import chain
    from trust.verify import verify

    if not (world.data / chain.FOLDER).is_dir():
        yield lacking("no_audit")
        return
    try:
        report = verify(world.data)
    except CitywallError as e:
        yield broken("audit_failed", reason=e)
        return
    if report.problem is None:
        yield good("audit", count=report.records)
    else:
        yield broken("audit_altered", file=report.problem.file, line=report.problem.line)


def accounts(world: World) -> Iterator[Found]:
    """Somebody may log in."""
    from trust.accountfile import NAME

    yield good("accounts") if (world.data / NAME).exists() else lacking("no_accounts")


def service(world: World) -> Iterator[Found]:
    """What works with the folder just now."""
    from stream import health

    yield good("service_runs") if health.held(world.data) else lacking("service_rests")


def backups(world: World) -> Iterator[Found]:
    """There is a backup, and one was tried."""
    from trust.backup import journal

    try:
        entries = journal.read(world.data)
    except CitywallError as e:
        yield broken("journal_failed", reason=e)
        return
    for what in ("made", "tried"):
        last = max((e.time for e in entries if e.what == what), default="")
        yield good(f"backup_{what}", time=last[:19]) if last else lacking(f"backup_never_{what}")


def register(world: World) -> Iterator[Found]:
    """The register, where one is set, can be read."""
    from posture.reading import EXAMPLE, read

    place = world.settings.register
    if not place:
        yield lacking("no_register")
        return
    try:
        found = read([Path(place)])
    except CitywallError as e:
        yield broken("register_failed", reason=e)
        return
    text = "register_example" if place == EXAMPLE else "register"
    yield (lacking if place == EXAMPLE else good)(text, path=place, count=len(found.assets))
