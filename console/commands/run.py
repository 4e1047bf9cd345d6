"""`citywall run`: files through the whole stream to the end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console import complaints, folders, options, rulefolder, terminal
from console.framework import Command, option

if TYPE_CHECKING:
    from citywall.settings import Settings
    from console.display.live import LiveDisplay
    from console.display.plain import PlainDisplay, QuietDisplay
    from console.display.state import RunState
    from console.terminal import Terminal
    from stream.reports import RunReport

_PATHS = click.Path(path_type=Path)


@click.command(cls=Command, name="run")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=_PATHS)
@options.data
@option("--rules", "rules", key="rules", metavar="FILE", multiple=True, type=_PATHS)
@option("--indicators", "indicators", key="indicators", metavar="FILE", multiple=True, type=_PATHS)
@option("--sigma", "sigma", key="sigma", metavar="PATH", multiple=True, type=_PATHS)
@option("--no-detectors", key="no_detectors", is_flag=True)
@option("--home", key="home", metavar="NET,...")
@options.settings
@options.as_json
@options.plain
@option("--quiet", "-q", key="quiet", is_flag=True)
@options.log_level
@options.looks
@click.pass_context
def command(
    context: click.Context,
    *,
    paths: tuple[Path, ...],
    data: Path,
    rules: tuple[Path, ...],
    indicators: tuple[Path, ...],
    sigma: tuple[Path, ...],
    no_detectors: bool,
    home: str | None,
    config: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    log_level: str,
) -> int:
    """Run capture and flow-log files through the stream."""
    from console.display.summary import summarise, warnings
    from console.display.write import Pen, width

    given = [*overrides(home, no_detectors, rules), *rulefolder.overrides(indicators, sigma)]
    settings = rulefolder.joined(options.load(config, assignments, *given), data)
    look = terminal.of(context, settings.language)
    folders.start_log(data, log_level)
    display = choose_display(look, as_json, quiet)
    report = stream(paths, data, settings, display, look)
    for warning in warnings(report, look.speech):
        look.note(f"citywall: {warning}")
    if as_json:
        look.say(json.dumps(as_object(report, data), ensure_ascii=False))
    if not quiet:
        grades, by_rule = count_alerts(report, display.state, settings, data)
        told = summarise(
            report,
            grades=grades,
            rules=by_rule,
            data=data,
            language=look.speech,
            width=width(look, look.err if as_json else look.out),
        )
        pen = Pen(look, look.err if as_json else look.out)
        for line in told.lines:
            pen.write(line.parts)
    return exit_code(report)


def overrides(home: str | None, no_detectors: bool, rules: Sequence[Path] = ()) -> list[str]:
    """Options that stand for a settings key, as `--set` would give them."""
    given = [] if home is None else [f"home={json.dumps([n.strip() for n in home.split(',') if n.strip()])}"]
    if rules:
        from rules.pack import found

        given.append(f"rules.files={json.dumps([str(found(path)) for path in rules])}")
    return [*given, "use_detectors=false"] if no_detectors else given


def choose_display(look: Terminal, as_json: bool, quiet: bool) -> LiveDisplay | PlainDisplay | QuietDisplay:
    """In place on a terminal, lines elsewhere; on stderr where stdout is for machines."""
    from console.display.plain import PlainDisplay, QuietDisplay

    if quiet:
        return QuietDisplay(look.speech)
    first = not folders.kernels_compiled()
    stream = look.err if as_json else look.out
    if look.is_rich(stream):
        from console.display.live import LiveDisplay

        return LiveDisplay(look.console(stream), look.speech, first=first)
    return PlainDisplay(look.err, None if as_json else look.out, look.speech, first=first)


def stream(
    paths: Sequence[Path],
    data: Path,
    settings: Settings,
    display: LiveDisplay | PlainDisplay | QuietDisplay,
    look: Terminal,
) -> RunReport:
    """Run `paths` to their end under a display; an interrupt says what was kept and leaves with 130."""
    with interruptible(look, data), display:
        from stream.runner import run_paths

        return run_paths(paths, data, settings, display)


@contextmanager
def interruptible(look: Terminal, data: Path) -> Iterator[None]:
    """Where a run is stopped inside, say what was kept; after an interrupt leave with 130."""
    try:
        yield
    except KeyboardInterrupt:
        look.note(look.tr("run.interrupted", path=data))
        raise click.exceptions.Exit(complaints.INTERRUPTED) from None
    except SystemExit:  # asked to end by a signal, with everything saved
        look.note(look.tr("run.interrupted", path=data))
        raise


def as_object(report: RunReport, data: Path) -> dict[str, Any]:
    """The report as the object that `--json` prints. `peak_memory` and `bytes` are in bytes."""
    from console.display.summary import damaged

    return {
        "packets": report.packets,
        "bytes": report.bytes,
        "flows": report.flows,
        "events": report.events,
        "findings": report.findings,
        "alerts": report.alerts,
        "decode_errors": dict(report.decode_errors),
        "seconds": dict(report.seconds),
        "peak_memory": report.peak_memory_bytes,
        "data": str(data),
        "sessions": [
            {
                "path": session.path,
                "id": session.id,
                "packets": session.packets,
                "bytes": session.bytes,
                "flows": session.flows,
                "alerts": session.alerts,
                "errors": dict(session.errors),
                "refused": session.refused,
                "same_as": session.same_as,
                "damaged": damaged(session),
                "places": session.places,
            }
            for session in report.sessions
        ],
    }


def exit_code(report: RunReport) -> int:
    """0 when every input was read whole; 1 when one was refused, or cut short or corrupt."""
    from console.display.summary import damaged

    return int(any(session.refused or damaged(session) for session in report.sessions))


def count_alerts(
    report: RunReport, state: RunState, settings: Settings, data: Path
) -> tuple[Mapping[int, int], Mapping[str, int]]:
    """The run's alerts by severity and by detector.

    As seen while they came; from the store where that was not all of them: a run that was resumed had
    indexed some before.
    """
    if len(state.grades) == report.alerts:
        return state.by_severity(), state.by_rule()
    from alerts.query import parse
    from alerts.store import open_store
    from console.documents import number, words

    grades: Counter[int] = Counter()
    rules: Counter[str] = Counter()
    opened = open_store(settings.store, data, read_only=True, elasticsearch=settings.elasticsearch)
    try:
        for session in sorted({session.id for session in report.sessions if session.alerts}):
            for document in opened.scan(parse(f'session:"{session}"')):
                grades[number(document, "event.severity")] += 1
                rules[words(document, "rule.id")] += 1
    finally:
        opened.close()
    return grades, rules
