"""`citywall evaluate`: captures with known contents, run as one, and what was found of them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from citywall.errors import UsageError
from console import folders, options, terminal
from console.commands import run
from console.framework import Command, option

if TYPE_CHECKING:
    from citywall.settings import Settings
    from console.display import table
    from console.judging.judge import Said, Score, Verdict
    from console.judging.manifest import Row
    from console.terminal import Terminal
    from stream.reports import SessionReport

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(cls=Command, name="evaluate")
@click.argument("manifest", type=_FILE)
@option("--rules", "rules", key="rules", metavar="FILE", multiple=True, type=click.Path(path_type=Path))
@option("--only", key="only", metavar="CLASS", multiple=True)
@option("--data", key="keep", type=_FOLDER)
@option("--home", key="home", metavar="NET,...")
@options.settings
@options.as_json
@options.plain
@option("--quiet", "-q", key="quiet_evaluate", is_flag=True)
@options.log_level
@options.looks
@click.pass_context
def command(
    context: click.Context,
    *,
    manifest: Path,
    rules: tuple[Path, ...],
    only: tuple[str, ...],
    data: Path | None,
    home: str | None,
    config: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    log_level: str,
) -> None:
    """Judge alerts against a manifest."""
    from console.judging import judge
    from console.judging.manifest import read
    from rules.pack import SHIPPED

    settings = options.load(config, assignments, *run.overrides(home, no_detectors=False, rules=rules))
    if not settings.rules.files:
        shipped = run.overrides(home, no_detectors=False, rules=(SHIPPED,))
        settings = options.load(config, assignments, *shipped)
    look = terminal.of(context, settings.language)
    rows = _chosen(read(manifest, look.speech), only, look)
    with tempfile.TemporaryDirectory(prefix="citywall-evaluate-") as scratch:
        folder = data or Path(scratch)
        folders.start_log(folder, log_level)
        verdicts = _evaluate(rows, manifest.parent, folder, settings, look, quiet=quiet)
    score = judge.Score(tuple(verdicts))
    if as_json:
        look.say(json.dumps(score.as_object(), ensure_ascii=False))
    else:
        _show(score, look)


def _chosen(rows: list[Row], only: tuple[str, ...], look: Terminal) -> list[Row]:
    if unknown := sorted(set(only) - {row.class_ for row in rows}):
        names = ", ".join(sorted({row.class_ for row in rows}))
        raise UsageError(look.tr("error.no_class", name=", ".join(unknown), names=names))
    return [row for row in rows if not only or row.class_ in only]


def _evaluate(
    rows: Sequence[Row],
    root: Path,
    data: Path,
    settings: Settings,
    look: Terminal,
    *,
    quiet: bool,
) -> list[Verdict]:
    """Run every row that can be run as a session of one run, then judge each."""
    from console.judging.judge import Verdict, judge
    from console.judging.manifest import source

    sources = [source(row, root, look.speech) for row in rows]
    paths = list(dict.fromkeys(path for path, _ in sources if path is not None))
    sessions: dict[str, SessionReport] = {}
    said: Mapping[str, list[Said]] = {}
    if paths:
        display = run.choose_display(look, as_json=True, quiet=quiet)  # stdout is for the judgement
        report = run.stream(paths, data, settings, display, look)
        sessions = {session.path: session for session in report.sessions}
        said = _alerts(settings, data, look.speech)
    verdicts = []
    for row, (path, why_not) in zip(rows, sources, strict=True):
        session = sessions.get(str(path))
        if session is None:
            verdicts.append(Verdict(row, found=None, reason=why_not or look.tr("evaluate.absent")))
        elif session.refused:
            reason = look.tr("evaluate.refused", reason=session.refused)
            verdicts.append(Verdict(row, found=None, reason=reason))
        else:
            verdicts.append(judge(row, said.get(session.id, []), look.speech))
    return verdicts


def _alerts(settings: Settings, data: Path, language: str) -> dict[str, list[Said]]:
    """Every alert of the data folder by session, oldest first."""
    from alerts.store import open_store
    from console.documents import words
    from console.judging.judge import Said

    by_session: dict[str, list[Said]] = {}
    opened = open_store(settings.store, data, read_only=True, elasticsearch=settings.elasticsearch)
    try:
        for document in opened.scan():
            by_session.setdefault(words(document, "citywall.session"), []).append(Said.of(document, language))
    finally:
        opened.close()
    return {session: said[::-1] for session, said in by_session.items()}


def _show(score: Score, look: Terminal) -> None:
    from console.display.table import Cell, Column
    from console.display.write import write_heading, write_table, write_text

    columns = [
        Column(look.tr("table.file"), least=16, middle=True),
        Column(look.tr("table.class"), drop=1),
        Column(look.tr("table.found")),
        Column(look.tr("table.reason"), least=14),
    ]
    rows: list[table.Row] = []
    for verdict in score.verdicts:
        if verdict.found is None:
            continue
        rows.append([verdict.row.file, verdict.row.class_, Cell(*_mark(verdict, look)), verdict.reason])
    write_table(look, columns, rows)
    if left_out := [v for v in score.verdicts if v.found is None]:
        look.say("")
        write_heading(look, look.tr("evaluate.not_evaluated"))
        write_table(look, [columns[0], columns[3]], [[v.row.file, v.reason] for v in left_out])
    counted: list[table.Row] = [
        [name, str(counts["captures"]), str(counts["found"])] for name, counts in score.by_class().items()
    ]
    if counted:
        look.say("")
        write_heading(look, look.tr("evaluate.by_class"))
    classes = [
        Column(look.tr("table.class")),
        Column(look.tr("table.captures"), right=True),
        Column(look.tr("table.found"), right=True),
    ]
    write_table(look, classes, counted)
    look.say("")
    recall = "-" if score.recall is None else f"{score.recall:.0%}"
    write_text(
        look,
        look.tr(
            "evaluate.recall",
            recall=recall,
            found=score.found,
            captures=len(score.attacks),
            benign=score.benign_alerts,
        ),
    )
    if score.unseen and score.recall_of_seen is not None:
        files = ", ".join(verdict.row.file for verdict in score.unseen)
        write_text(look, look.tr("evaluate.of_seen", recall=f"{score.recall_of_seen:.0%}", files=files))


def _mark(verdict: Verdict, look: Terminal) -> tuple[str, str]:
    if verdict.row.benign:
        return ("-", "green") if not verdict.false_alerts else ("!", "bold red")
    return (look.tr("evaluate.yes"), "green") if verdict.found else (look.tr("evaluate.no"), "red")
