"""A report as people read it in one language: texts, tables and drawings, for HTML and PDF alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from citywall.i18n import catalogue, tr
from reports import charts, clauses
from reports.figures import SECTIONS, Chart, Column, Figure, Said
from reports.nightly import Report
from reports.queries.registry import QUERIES
from reports.verdicts import VERDICTS

#: Kinds of cells whose texts are a section of the catalogue.
_WORDS = {
    "class": "alerts_class", "subclass": "report_subclass", "axis": "alerts_axis",
    "severity": "alerts_severity", "status": "report_status",
    "observation": "report_observation", "side": "report_side", "stream": "report_stream", "role": "role",
    "level": "report_level", "clock": "report_clock", "backup": "report_backup",
}  # fmt: skip
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def _size(count: int) -> str:
    """Bytes in the largest unit that leaves at least one."""
    tenths, unit = count * 10, 0
    while tenths >= 10_240 and unit < len(_UNITS) - 1:
        tenths, unit = tenths // 1024, unit + 1
    return f"{tenths // 10} {_UNITS[unit]}" if not unit else f"{tenths // 10}.{tenths % 10} {_UNITS[unit]}"


#: Kinds of cells that hold numbers, and how these are written.
_WRITTEN: dict[str, Callable[[Any], str]] = {
    "index": lambda tenths: f"{tenths // 10}.{tenths % 10}",
    "permille": lambda thousandths: f"{thousandths // 10}.{thousandths % 10} %",
    "count": lambda count: f"{count:,}",
    "bytes": _size,
    "seconds": lambda count: f"{count:,} s",
}


class Table(msgspec.Struct, frozen=True):
    """Titles, whether a column holds numbers, and texts."""

    titles: tuple[str, ...]
    numbers: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]


class Shown(msgspec.Struct, frozen=True):
    """A figure: `state` is its code, `told` its words; `source` names the query and what went in."""

    id: str
    title: str
    state: str
    told: str
    reasons: tuple[str, ...]
    source: str
    table: Table | None
    svg: str


class Part(msgspec.Struct, frozen=True):
    """A section."""

    title: str
    figures: tuple[Shown, ...]


class Row(msgspec.Struct, frozen=True):
    """A clause."""

    id: str
    control: str
    text: str
    verdict: str
    told: str
    reasons: tuple[str, ...]
    queries: tuple[str, ...]


class View(msgspec.Struct, frozen=True):
    """The whole page."""

    language: str
    title: str
    subtitle: str
    summary: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    clauses_title: str
    clauses_about: str
    clause_titles: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]


def view(report: Report, language: str) -> View:
    """The report in `zh` or `en`."""
    day = report.inputs.day
    words = _Words(language)
    return View(
        language,
        words("report.title", date=day.date),
        words("report.subtitle", since=day.local(day.since), until=day.local(day.until), zone=day.zone),
        _summary(report, words),
        tuple(
            Part(
                words(f"report_section.{section}"),
                tuple(
                    _shown(report.figures[name], words)
                    for name, query in QUERIES.items()
                    if query.section == section
                ),
            )
            for section in SECTIONS
        ),
        words("report.clauses", standard=clauses.STANDARD),
        words("report.clauses_about"),
        tuple(words(f"report.{name}") for name in ("clause", "asks", "verdict", "why")),
        _rows(report, words),
        tuple(words(f"report.note_{name}") for name in ("verdicts", "texts", "classes", "posture", "law")),
    )


class _Words:
    """Texts of the catalogue in one language."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, key: str, /, **values: object) -> str:
        return tr(key, self.language, **values)

    def name(self, name: list[str]) -> str:
        return name[0 if self.language == "zh" else 1]

    def said(self, said: Said) -> str:
        values: dict[str, Any] = dict(said.values)
        if "log" in values:
            values["log"] = self(f"report_stream.{values['log']}")
        if "room" in values:
            values["room"] = self(f"report_room.{values['room']}")
        return self(f"report_reason.{said.code}", **values)

    def cell(self, column: Column, value: Any) -> str:
        """A cell as text; `–` where there is nothing to say."""
        if value is None:
            return "–"
        if column.kind == "name":
            return self.name(value)
        if column.kind in _WORDS:
            key = f"{_WORDS[column.kind]}.{value}"
            return self(key) if key in catalogue() else str(value)
        return _WRITTEN.get(column.kind, str)(value)


def _summary(report: Report, words: _Words) -> tuple[tuple[str, str], ...]:
    begun = report.inputs.begun
    verdicts = words("report.comma").join(
        f"{words(f'report_verdict.{v}')} {n}" for v, n in report.verdicts.items()
    )
    watching = report.figures["alerts_by_class"].state != "not_observable"
    told = [("alerts", f"{len(begun):,}" if watching else words("report_state.not_observable"))]
    if watching:
        told.append(("high", f"{sum(a.severity >= 4 for a in begun):,}"))
    told.append(("flows", f"{report.inputs.flows:,}"))
    told.append(("verdicts", verdicts))
    return tuple((words(f"report.sum_{name}"), text) for name, text in told)


def _shown(figure: Figure, words: _Words) -> Shown:
    table = None
    if figure.rows and not (figure.chart and figure.chart.kind == "columns"):  # the drawing tells all of it
        table = Table(
            tuple(words(f"report_column.{c.id}") for c in figure.columns),
            tuple(c.kind in _WRITTEN for c in figure.columns),
            tuple(
                tuple(words.cell(c, v) for c, v in zip(figure.columns, row, strict=True))
                for row in figure.rows
            ),
        )
    inputs = "; ".join(f"{words(f'report_input.{k}')} {_told(v)}" for k, v in figure.inputs.items())
    title = words(f"report_query.{figure.query}")
    return Shown(
        figure.query,
        title,
        figure.state,
        words(f"report_state.{figure.state}"),
        tuple(words.said(reason) for reason in figure.reasons),
        words("report.source", query=figure.query, inputs=inputs) if inputs else
        words("report.source_only", query=figure.query),
        table,
        _drawn(figure, figure.chart, title, words) if figure.chart and figure.rows else "",
    )  # fmt: skip


def _drawn(figure: Figure, chart: Chart, title: str, words: _Words) -> str:
    ids = [c.id for c in figure.columns]
    label, value = ids.index(chart.label), ids.index(chart.value)
    data = []
    for row in figure.rows:
        written = words.cell(figure.columns[value], row[value])
        if row[value] is None:
            written = words("report_observation.not_observed")
        data.append((words.cell(figure.columns[label], row[label]), row[value], written))
    draw = {"bars": charts.bars, "columns": charts.columns, "axes": charts.axes}[chart.kind]
    return draw(data, title)


def _rows(report: Report, words: _Words) -> tuple[Row, ...]:
    found = []
    for clause in clauses.catalogue():
        judged = report.judgements[clause.id]
        found.append(
            Row(
                clause.id,
                clause.control[words.language],
                clause.text[words.language],
                judged.verdict,
                words(f"report_verdict.{judged.verdict}"),
                tuple(words.said(reason) for reason in judged.reasons),
                judged.queries,
            )
        )
    return tuple(sorted(found, key=lambda row: VERDICTS.index(row.verdict)))


def _told(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
