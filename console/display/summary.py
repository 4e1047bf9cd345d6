"""The closing summary of a run: what was read, what was found, what could not be read and why."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from citywall.findings import Severity
from citywall.i18n import known, tr
from console import severity, text, units
from console.display import table
from console.display.table import Cell, Column

if TYPE_CHECKING:
    from stream.reports import RunReport, SessionReport

#: Sessions listed one by one; of the others only those that are not whole.
_LISTED = 20
#: Seconds of a report that are no stage's.
BY_THE_WALL = frozenset({"total", "checkpoints"})


@dataclass(frozen=True)
class Line:
    """A line of the summary, with the style of its parts when drawn on a terminal."""

    parts: tuple[tuple[str, str], ...] = ()

    @property
    def plain(self) -> str:
        """The line without style."""
        return "".join(part for part, _ in self.parts).rstrip()


@dataclass
class Summary:
    """A summary under construction: headed blocks of lines."""

    language: str
    width: int
    lines: list[Line] = field(default_factory=list)

    def heading(self, key: str) -> None:
        """Begin a block."""
        if self.lines:
            self.lines.append(Line())
        self.lines.append(Line(((tr(key, self.language), "bold"),)))

    def text(self, words: str, style: str = "", indent: int = 2) -> None:
        """A paragraph of a block."""
        for line in text.wrap(words, max(self.width - indent, 10)):
            self.lines.append(Line(((" " * indent, ""), (line, style))))

    def command(self, words: str) -> None:
        """A command to copy, therefore never broken."""
        self.lines.append(Line((("  ", ""), (words, "cyan"))))

    def items(self, items: list[str]) -> None:
        """Short items, several to a line."""
        for line in text.flow(items, max(self.width - 2, 10)):
            self.lines.append(Line((("  ", ""), (line, ""))))


def summarise(
    report: RunReport,
    *,
    grades: Mapping[int, int],
    rules: Mapping[str, int],
    data: Path,
    language: str,
    width: int,
) -> Summary:
    """Everything a reader wants to know when a run has ended.

    `grades` and `rules` count the run's alerts by severity and by detector; `width` is in cells.
    """
    summary = Summary(language, width)
    summary.heading("summary.read")
    summary.items(
        [f"{tr(f'run.{name}', language)} {units.count(getattr(report, name))}" for name in ("packets",)]
        + [f"{tr('summary.bytes', language)} {units.size(report.bytes)}"]
        + [
            f"{tr(f'run.{name}', language)} {units.count(getattr(report, name))}"
            for name in ("flows", "events", "findings", "alerts")
        ]
    )
    _sessions(summary, report)
    _alerts(summary, report, grades, rules)
    _errors(summary, report)
    _cost(summary, report)
    _next(summary, report, data)
    return summary


def damaged(session: SessionReport) -> bool:
    """Whether part of a session's input could not be read at all: cut short or corrupt."""
    return any(reason in PARTLY_READ and times for reason, times in session.errors.items())


#: Errors that mean bytes of the input were lost, not merely packets of a form that is not decoded.
PARTLY_READ = frozenset(
    {
        "corrupt_record_length", "record_truncated", "captured_length_wrong", "packet_block_short",
        "section_header_wrong", "interface_block_wrong", "compressed_stream_truncated",
        "compressed_stream_corrupt", "compressed_data_cut_short", "spool_limit_reached", "input_unreadable",
        "message_set_aside", "packets_dropped", "interface_down", "sensor_cut_off",
    }
)  # fmt: skip


def explain(reason: str, language: str) -> str:
    """A decode error's name in words; the name itself where there are none."""
    for section in ("reason", "input_reason"):
        if known(key := f"{section}.{reason}"):
            return tr(key, language)
    return reason.replace("_", " ")


def warnings(report: RunReport, language: str) -> list[str]:
    """A line for every input that was refused, or of which part could not be read."""
    lines = []
    for session in report.sessions:
        if session.refused:
            lines.append(session.refused)
        elif damaged(session):
            reasons = [
                f"{explain(reason, language)} ({units.count(times)}{_places(session, reason, language)})"
                for reason, times in session.errors.items()
                if reason in PARTLY_READ and times
            ]
            lines.append(tr("summary.partly", language, path=session.path, reasons="; ".join(reasons)))
    return [text.clean(line) for line in lines]


def _places(session: SessionReport, reason: str, language: str) -> str:
    places = session.places.get(reason, [])
    if not places:
        return ""
    key = "summary.at_line" if session.kind == "flowlog" else "summary.at_byte"
    return tr(key, language, places=", ".join(map(str, places)))


def _sessions(summary: Summary, report: RunReport) -> None:
    several = len(report.sessions) > 1
    unwell = [s for s in report.sessions if s.refused or damaged(s)]
    shown = report.sessions if several and len(report.sessions) <= _LISTED else unwell
    if not shown:
        return
    language = summary.language
    summary.heading("summary.sessions")
    columns = [
        Column(tr("summary.session", language), least=12, middle=True),
        Column(tr("run.packets", language), right=True),
        Column(tr("run.flows", language), right=True, drop=1),
        Column(tr("run.alerts", language), right=True),
        Column(tr("summary.state", language), least=10, drop=2),
    ]
    rows: list[table.Row] = []
    for session in shown:
        state, style = _state(session, language)
        counts = [units.count(n) for n in (session.packets, session.flows, session.alerts)]
        rows.append([text.clean(session.path), *counts, Cell(state, style)])
    cells = table.fit(columns, rows, max(summary.width - 2, 20))
    summary.lines.append(Line((("  " + table.heading(columns, cells), "dim"),)))
    summary.lines += [Line((("  ", ""), *table.parts(columns, row, cells))) for row in rows]
    if len(shown) < len(report.sessions) and several:
        summary.text(tr("summary.other_sessions", language, count=len(report.sessions) - len(shown)))


def _state(session: SessionReport, language: str) -> tuple[str, str]:
    if session.refused:
        return tr("summary.state_refused", language), "red"
    if session.same_as is not None:
        return tr("summary.state_same", language, path=text.clean(session.same_as)), "dim"
    if damaged(session):
        return tr("summary.state_damaged", language), "yellow"
    return tr("summary.state_whole", language), ""


def _alerts(summary: Summary, report: RunReport, grades: Mapping[int, int], rules: Mapping[str, int]) -> None:
    language = summary.language
    summary.heading("summary.alerts")
    if not report.alerts and not any(grades.values()):
        summary.text(tr("summary.no_alerts", language))
        return
    parts: list[tuple[str, str]] = [("  ", "")]
    for grade in sorted(Severity, reverse=True):
        if grades.get(grade):
            parts.append((severity.mark(grade, language), severity.style(grade)))
            parts.append((f" {units.count(grades[grade])}   ", ""))
    if len(parts) > 1:
        summary.lines.append(Line(tuple(parts)))
    named = sorted(rules.items(), key=lambda item: (-item[1], item[0]))
    summary.items([f"{rule} {units.count(number)}" for rule, number in named])


def _errors(summary: Summary, report: RunReport) -> None:
    found = {reason: times for reason, times in report.decode_errors.items() if times}
    if not found:
        return
    summary.heading("summary.errors")
    for reason, times in sorted(found.items(), key=lambda item: (-item[1], item[0])):
        summary.text(f"{units.count(times):>9}  {explain(reason, summary.language)}")


def _cost(summary: Summary, report: RunReport) -> None:
    language = summary.language
    summary.heading("summary.cost")
    total = report.seconds.get("total", 0.0)
    items = [f"{tr('summary.total', language)} {units.duration(total)}"]
    if total > 0 and report.packets:
        items.append(f"{units.short(report.packets / total)} {tr('run.packets_per_second', language)}")
    items.append(f"{tr('summary.peak_memory', language)} {units.size(report.peak_memory_bytes)}")
    summary.items(items)
    stages = [f"{name} {units.duration(s)}" for name, s in report.seconds.items() if name not in BY_THE_WALL]
    if stages:
        summary.items([tr("summary.by_stage", language), *stages])


def _next(summary: Summary, report: RunReport, data: Path) -> None:
    language = summary.language
    summary.heading("summary.next")
    summary.text(tr("summary.data", language, path=text.clean(str(data))))
    folder = text.clean(shlex.quote(str(data)))
    if report.alerts:
        summary.command(f"citywall alerts --data {folder} --where 'severity>=high'")
        summary.command(f"citywall cases list --data {folder}")
        summary.command(f"citywall console --data {folder}")
    summary.command(f"citywall flows --data {folder} --limit 20")
