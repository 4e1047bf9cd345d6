"""Keeps the evidence of an alert: its packets, its flows, the alert, and digests of all.

`<data>/evidence/<key>/` holds `alert.json`, `flows.jsonl`, `packets-<n>.pcap`, one a capture file, and
`manifest.json` with SM3 and SHA-256 of each. The folder appears whole or not at all.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from citywall import canonical
from citywall.errors import InputError
from playbooks import slicing
from playbooks.actions.base import Action, CommandBase, Failed, Long, Plan, Result, Told, Unit, World
from playbooks.slicing import Span

FOLDER = "evidence"
MANIFEST = "manifest.json"
_PAGE = 1000
MAX_FLOWS = 100_000


class Command(CommandBase, frozen=True, kw_only=True, tag="x-citywall-evidence"):
    """`alert`: its id; empty for the run's own. `margin_s`: seconds kept before and after what it saw."""

    alert: Long = ""
    margin_s: int = 60


class Evidence(Action):
    """What is there is kept; what is missing (a capture that was moved) is said in the manifest."""

    name = "evidence"
    command = Command
    outputs = ("evidence", "evidence_sm3")

    def plan(self, unit: Unit, world: World) -> Plan:
        """Which alert, which captures."""
        document = _alert(unit, world)
        span = slicing.span_of(document, unit.command.margin_s)
        paths = "\n".join(span.paths)
        return Plan(Told("evidence", {"alert": str(document["event"]["id"])}), paths)

    def seen(self, unit: Unit, world: World) -> Result | None:
        """The folder is there, or is not."""
        folder = _folder(unit, world)
        return _result(folder) if (folder / MANIFEST).is_file() else None

    def act(self, unit: Unit, world: World) -> Result:
        """Write it aside, then give it its name."""
        if (found := self.seen(unit, world)) is not None:
            return found
        folder = _folder(unit, world)
        aside = folder.with_name(f".{folder.name}.part")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True, mode=0o700)
        document = _alert(unit, world)
        span = slicing.span_of(document, unit.command.margin_s)
        missing = _fill(aside, document, span, world)
        _manifest(aside, unit, document, missing)
        _sync(aside)
        aside.rename(folder)
        _sync(folder.parent)
        return _result(folder)


def _alert(unit: Unit, world: World) -> dict[str, Any]:
    id_ = unit.command.alert.strip() or unit.trigger
    document = world.alert(id_) if id_ else None
    if document is None:
        raise Failed("no_alert", id=id_)
    return document


def _folder(unit: Unit, world: World) -> Path:
    return world.data / FOLDER / unit.key


def _fill(folder: Path, document: dict[str, Any], span: Span, world: World) -> list[dict[str, str]]:
    """Everything but the manifest; returns what could not be had, and why."""
    missing = []
    _write(folder / "alert.json", [msgspec.json.format(msgspec.json.encode(document), indent=1)])
    _write(folder / "flows.jsonl", _flows(span, world))
    for at, path in enumerate(span.paths, start=1):
        try:
            pieces = slicing.joined(slicing.captures(path, world.data, span), span)
            _write(folder / f"packets-{at}.pcap", pieces)
        except InputError as e:
            (folder / f"packets-{at}.pcap").unlink(missing_ok=True)
            missing.append({"what": path, "reason": str(e)})
    return missing


def _flows(span: Span, world: World) -> Iterator[bytes]:
    from alerts.archive import FlowArchive
    from alerts.query import FLOWS, parse

    query = parse(slicing.query_of(span), FLOWS)
    archive = FlowArchive(world.data, read_only=True)
    after, left = None, MAX_FLOWS
    while left > 0:
        page = archive.query(query, since=span.since, until=span.until, limit=min(left, _PAGE), after=after)
        for row in page.flows:
            yield msgspec.json.encode(row) + b"\n"
        left -= len(page.flows)
        after = page.after
        if after is None:
            return


def _manifest(folder: Path, unit: Unit, document: dict[str, Any], missing: list[dict[str, str]]) -> None:
    files = []
    for path in sorted(folder.iterdir()):
        sm3, sha256 = canonical.hashes(path.read_bytes())
        files.append({"file": path.name, "bytes": path.stat().st_size, "sm3": sm3, "sha256": sha256})
    told = {
        "version": 1, "key": unit.key, "run": unit.run, "alert": document["event"]["id"], "lane": unit.lane,
        "files": files, "missing": missing,
    }  # fmt: skip
    _write(folder / MANIFEST, [canonical.encode(told)])


def _result(folder: Path) -> Result:
    sm3, _ = canonical.hashes((folder / MANIFEST).read_bytes())
    return Result({"evidence": str(folder), "evidence_sm3": sm3})


def _write(path: Path, pieces: Any) -> None:
    with path.open("wb") as out:
        for piece in pieces:
            out.write(piece)
        out.flush()
        os.fsync(out.fileno())


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
