"""The record pack of a drill: everything that shows how it went, hashed, in both languages.

Chapters follow GB/T 38645-2020 (演练计划, 工作方案, 记录, 评估与总结, 成果运用). Nothing in the pack
is of the moment at which it was made: the same drill in the same state gives the same bytes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from citywall import __version__, canonical
from citywall.errors import DataFolderError, DrillError
from citywall.i18n import LANGUAGES, tr
from drills import folder as drills
from drills.briefing import attacks, brief, general
from drills.document import Document
from drills.folder import Part, Planned
from drills.running import Observed
from drills.scoring import FOUND, DetectionScore, ResponseScore, Score, encode
from drills.scoring import score as score_of
from drills.timeline import EVENT, WALL, Moment, timeline
from drills.truth import truth_path

REPORT = "report"
MANIFEST = "manifest.json"
#: Rows of a timeline that a document shows; all of them are in `timeline.jsonl`.
MOST_ROWS = 400


class Pack(NamedTuple):
    """A pack that was written. `sm3` and `sha256` are of its manifest."""

    folder: Path
    files: tuple[Part, ...]
    sm3: str
    sha256: str


def write(planned: Planned, observed: Observed, target: Path) -> Pack:
    """Write the pack to the folder `target`, in place of one that is there; raises DrillError.

    Raises DataFolderError where it cannot be written, or `target` holds something that is no pack.
    """
    if observed.run is None:
        raise DrillError("not_run", name=planned.drill.name)
    drills.check(planned.folder, planned.drill)
    part, old = (target.with_name(f".{target.name}.{suffix}") for suffix in ("part", "old"))
    try:
        if target.exists() and not (target / MANIFEST).is_file():
            raise DataFolderError(f"{target}: is there and is no record pack")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for name, data in contents(planned, observed).items():
            _put(part / name, data)
        for name in ("plan.json", "scenario.json", "scenario.yaml", truth_path(Path(drills.CAPTURE)).name):
            if (planned.folder / name).is_file():
                _put(part / name, (planned.folder / name).read_bytes())
        files = tuple(drills.part_of(part, file) for file in sorted(part.iterdir()))
        data = _manifest(planned, files)
        _put(part / MANIFEST, data)
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            target.rename(old)
        part.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as e:
        raise DataFolderError(f"{e.filename or target}: cannot be written: {e.strerror or e}") from e
    return Pack(target, files, *canonical.hashes(data))


def _put(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _manifest(planned: Planned, files: tuple[Part, ...]) -> bytes:
    drill = planned.drill
    listed = [msgspec.to_builtins(file) for file in files]
    return canonical.encode({
        "version": 1, "made_by": f"citywall {__version__}", "drill": drill.name, "id": drill.id,
        "digest": drill.digest, "capture": msgspec.to_builtins(drill.part(drills.CAPTURE)), "files": listed,
    })  # fmt: skip


def contents(planned: Planned, observed: Observed) -> dict[str, bytes]:
    """The files of a pack that are made for it, by name."""
    scored = score_of(planned.drill.name, planned.drill.digest, planned.scenario, planned.truth, observed)
    moments = timeline(planned.truth, observed)
    made = {
        "score.json": encode(scored),
        "timeline.jsonl": _lines(moments),
        "alerts.jsonl": _lines(observed.alerts),
        "workflows.jsonl": _lines([
            {"alert": alert, **msgspec.to_builtins(work)}
            for alert, work in sorted(observed.workflows.items())
        ]),
        "run.json": msgspec.json.encode(observed.run, order="deterministic") + b"\n",
    }  # fmt: skip
    for language in LANGUAGES:
        told = document(planned, observed, scored, moments, language)
        title = tr("drill_doc.record_of", language, title=planned.drill.title.text(language))
        made[f"record.{language}.md"] = told.markdown().encode()
        made[f"record.{language}.html"] = told.page(title).encode()
        made[f"brief.{language}.md"] = brief(planned, language).markdown().encode()
    return made


def _lines(items: Iterable[object]) -> bytes:
    return b"".join(msgspec.json.encode(item, order="deterministic") + b"\n" for item in items)


def document(
    planned: Planned, observed: Observed, scored: Score, moments: list[Moment], language: str
) -> Document:
    """The record in one language."""
    made = Document(language)
    made.heading(1, tr("drill_doc.record_of", language, title=planned.drill.title.text(language)))
    made.text(tr("drill_doc.after_standards", language))
    made.heading(2, tr("drill_doc.chapter_plan", language))
    made.pairs(general(planned, language))
    made.heading(2, tr("drill_doc.chapter_scheme", language))
    scenario = planned.scenario
    for key, words in (("purpose", scenario.purpose), ("situation", scenario.briefing),
                       ("storyline", scenario.storyline)):  # fmt: skip
        made.heading(3, tr(f"drill_doc.{key}", language))
        made.text(words.text(language))
    made.heading(3, tr("drill_doc.attacks", language))
    columns = ("attack", "kind", "begins", "ends", "from_whom", "to_whom", "frames")
    made.table([tr(f"drill_doc.{c}", language) for c in columns], attacks(planned, language))
    made.heading(2, tr("drill_doc.chapter_score", language))
    show_score(made, scored)
    made.heading(2, tr("drill_doc.chapter_record", language))
    for clock in (EVENT, WALL):
        _moments(made, [m for m in moments if m.clock == clock], clock)
    made.heading(2, tr("drill_doc.chapter_improve", language))
    improve(made, scored)
    made.heading(2, tr("drill_doc.chapter_evidence", language))
    made.text(tr("drill_doc.evidence_text", language))
    part = planned.drill.part(drills.CAPTURE)
    run = observed.run
    made.pairs([
        (tr("drill_doc.session", language), run.session if run else ""),
        (tr("drill_doc.version", language), run.version if run else ""),
        (tr("drill_doc.capture", language), f"{part.path} ({part.bytes} B)"),
        ("SM3", part.sm3), ("SHA-256", part.sha256),
    ])  # fmt: skip
    return made


def show_score(made: Document, scored: Score) -> None:
    """A score as tables."""
    language = made.language
    made.pairs([(tr("drill_doc.state", language), tr(f"drill_doc.state_{scored.state}", language))])
    values = (
        ("coverage", _share(scored.coverage)), ("precision", _share(scored.precision)),
        ("time_to_detect", _took(scored.time_to_detect)),
        ("time_to_acknowledge", _took(scored.time_to_acknowledge)),
        ("time_to_respond", _took(scored.time_to_respond)),
    )  # fmt: skip
    made.table(
        [tr(f"drill_doc.{c}", language) for c in ("indicator", "value", "why_none")],
        [(tr(f"drill_doc.{k}", language), v, reason(scored.reasons.get(k), language)) for k, v in values],
    )
    counts = scored.alerts
    made.text(tr("drill_doc.alert_counts", language, **counts))
    made.heading(3, tr("drill_doc.detections", language))
    made.table(
        [tr(f"drill_doc.{c}", language) for c in ("attack", "class", "result", "time_to_detect", "within",
                                                  "why", "alert_count")],
        [_detection_row(d, language) for d in scored.detections],
    )  # fmt: skip
    made.heading(3, tr("drill_doc.responses", language))
    made.table(
        [tr(f"drill_doc.{c}", language) for c in ("attack", "acknowledged_by", "time_to_acknowledge",
                                                  "time_to_respond", "limits", "why")],
        [_response_row(r, language) for r in scored.responses],
    )  # fmt: skip


def _detection_row(found: DetectionScore, language: str) -> tuple[str, ...]:
    return (
        found.attack, found.class_, tr(f"drill_doc.result_{found.status}", language),
        _took(found.time_to_detect), _took(found.within), reason(found.reason, language),
        str(len(found.alerts)),
    )  # fmt: skip


def _response_row(done: ResponseScore, language: str) -> tuple[str, ...]:
    marks = {True: "drill_doc.kept", False: "drill_doc.exceeded", None: "drill_doc.unknown"}
    limits = [
        f"{tr(f'drill_doc.{key}', language)} {most:g} s: {tr(marks[done.met[key]], language)}"
        for key, most in done.limits.items()
    ]
    why = dict.fromkeys(reason(code, language) for code in done.reasons.values())
    return (
        done.attack, done.acknowledged_by or "-", _took(done.time_to_acknowledge),
        _took(done.time_to_respond), "; ".join(limits) or "-", "; ".join(why),
    )  # fmt: skip


def improve(made: Document, scored: Score) -> None:
    """What is to be done after the drill: one line for all that did not go as it should."""
    language = made.language
    rows = [
        (d.attack, reason(d.reason, language), tr(f"drill_advice.{d.reason}", language))
        for d in scored.detections
        if d.status != FOUND and d.reason
    ]
    for done in scored.responses:
        for key, kept in done.met.items():
            if kept is False:
                what = tr("drill_doc.limit_exceeded", language, what=tr(f"drill_doc.{key}", language))
                rows.append((done.attack, what, tr("drill_advice.limit", language)))
        rows += [
            (done.attack, reason(code, language), tr(f"drill_advice.{code}", language))
            for code in dict.fromkeys(done.reasons.values())
            if code in _ADVISED
        ]
    if scored.false_alerts:
        what = tr("drill_doc.false_alerts", language, count=len(scored.false_alerts))
        rows.append(("-", what, tr("drill_advice.false_alerts", language)))
    if not rows:
        made.text(tr("drill_doc.nothing_to_improve", language))
        return
    made.table([tr(f"drill_doc.{c}", language) for c in ("attack", "finding", "advice")], rows)


#: Why nothing is known of what people did, where that is theirs to mend.
_ADVISED = frozenset({"not_acknowledged", "playbook_not_started", "open", "dismissed"})


def _moments(made: Document, moments: list[Moment], clock: str) -> None:
    language = made.language
    made.heading(3, tr(f"drill_doc.clock_{clock}", language))
    made.table(
        [tr(f"drill_doc.{c}", language) for c in ("time", "what", "of", "by", "note")],
        [
            (m.at[:23] + "Z", tr(f"drill_moment.{m.what}", language), m.of, m.by, m.note)
            for m in moments[:MOST_ROWS]
        ],
    )
    if len(moments) > MOST_ROWS:
        made.text(tr("drill_doc.more_rows", language, count=len(moments) - MOST_ROWS))


def reason(code: str | None, language: str) -> str:
    """Why something has no value, in words."""
    return tr(f"drill_reason.{code}", language) if code else ""


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _took(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f} s"
