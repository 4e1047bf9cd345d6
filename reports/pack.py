"""A report as files: JSON, and HTML and PDF by language, with a manifest of their hashes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from citywall import canonical
from citywall.errors import DataFolderError
from citywall.permissions import Identity, Target
from reports.html import page
from reports.nightly import Report, encode
from reports.paper import paper
from reports.view import view
from trust.audit import entry
from trust.records import Entry

MANIFEST = "manifest.json"


def files(report: Report, languages: Sequence[str]) -> dict[str, bytes]:
    """The files by name, the manifest last; the same report gives the same bytes."""
    stem = f"nightly-{report.inputs.day.date}"
    made = {f"{stem}.json": encode(report)}
    for language in languages:
        shown = view(report, language)
        made[f"{stem}.{language}.html"] = page(shown)
        made[f"{stem}.{language}.pdf"] = paper(shown, report.inputs.day.until)
    made[MANIFEST] = manifest(report.inputs.day.date, made)
    return made


def manifest(date: str, made: Mapping[str, bytes]) -> bytes:
    """Name, size, SM3 (GB/T 32905-2016) and SHA-256 of each file, in canonical form."""
    told = []
    for name, data in sorted(made.items()):
        sm3, sha256 = canonical.hashes(data)
        told.append({"name": name, "bytes": len(data), "sm3": sm3, "sha256": sha256})
    return canonical.encode({"report": "nightly", "date": date, "version": 1, "files": told}) + b"\n"


def recorded(date: str, made: Mapping[str, bytes], by: Identity) -> Entry:
    """The audit record of a report that `by` makes, with the hashes of its manifest."""
    sm3, sha256 = canonical.hashes(made[MANIFEST])
    return entry(
        by, "reports.make", Target("report", f"nightly-{date}"), after=f"sm3:{sm3}",
        detail={"sha256": sha256, "files": len(made)},
    )  # fmt: skip


def write(folder: Path, made: Mapping[str, bytes]) -> None:
    """Put the files into `folder`, each whole or not at all, the manifest last. Raises DataFolderError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in made.items():
            unfinished = folder / f".{name}.tmp"
            with unfinished.open("wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
            unfinished.replace(folder / name)
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as e:
        raise DataFolderError(f"{folder}: {e.strerror or e}") from e
