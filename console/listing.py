"""Columns of alerts and flows, the same in commands and in the application."""

from __future__ import annotations

from citywall.i18n import tr
from console import severity, units
from console.display.table import Cell, Column, Row
from console.documents import Alert, Document, number, side, value, words
from console.eventdocument import in_words

_NANO = 1_000_000_000


def alert_columns(
    language: str, *, unit: bool, status: bool = False, compact: bool = False, brief: bool = False
) -> list[Column]:
    """The columns of a list of alerts.

    `unit`: with the unit that answers; `status`: with what people made of it; `compact`: as the rows are;
    `brief`: the rows are, but the id, by which commands know an alert, stays.
    """
    return [
        Column(tr("table.time", language), least=0 if compact or brief else 8, drop=1 if compact else 4),
        Column(tr("table.severity", language)),
        *([Column(tr("app_alert.status", language), drop=3)] if status else ()),
        Column(tr("table.title", language), least=20 if compact else 12),
        Column(tr("table.source", language), least=15 if compact else 9),
        Column(tr("table.target", language), least=15 if compact else 9),
        *([Column(tr("table.unit", language), least=6, drop=2)] if unit else ()),
        Column(tr("table.count", language), right=True, drop=4 if compact else 3),
        Column(tr("table.id", language), least=8, drop=5 if compact else 1, code=True),
    ]


def alert_row(
    document: Document, language: str, *, unit: bool, status: str | None = None, compact: bool = False
) -> Row:
    """The cells of an alert; `compact`: without year, and of the id only its beginning."""
    alert = Alert.of(document, language)
    return [
        alert.time[5 if compact else 0 : 19].replace("T", " "),
        Cell(severity.mark(alert.severity, language), severity.style(alert.severity)),
        *([Cell(status, "green")] if status is not None else ()),
        Cell(alert.title, "bold"),
        alert.source,
        alert.target,
        *([alert.unit] if unit else ()),
        f"{alert.count:,}",
        Cell(alert.id[:8] if compact else alert.id, "dim"),
    ]


def flow_columns(language: str, *, compact: bool = False, brief: bool = False) -> list[Column]:
    """The columns of a list of flows; `compact` and `brief` as for alerts."""
    return [
        Column(tr("table.time", language), least=0 if compact or brief else 8, drop=4),
        Column(tr("table.source", language), least=21 if compact else 12),
        Column(tr("table.target", language), least=21 if compact else 12),
        Column(tr("table.protocol", language), least=3),
        Column(tr("table.packets", language), right=True, drop=2),
        Column(tr("table.bytes", language), right=True),
        Column(tr("table.duration", language), right=True, drop=3),
        Column(tr("table.ended", language), least=6, drop=5),
        Column(tr("table.community", language), drop=6),
    ]


def flow_row(document: Document, language: str, *, compact: bool = False) -> Row:
    """The cells of a flow; `compact` as for alerts."""
    return [
        words(document, "@timestamp")[5 if compact else 0 : 19].replace("T", " "),
        side(document, "source", language),
        side(document, "destination", language),
        words(document, "network.transport"),
        units.count(number(document, "network.packets")),
        units.size(number(document, "network.bytes")),
        units.duration((value(document, "event.duration") or 0) / _NANO),
        words(document, "citywall.flow.reason"),
        words(document, "network.community_id"),
    ]


def event_columns(language: str, *, brief: bool = False) -> list[Column]:
    """The columns of a list of events; `brief` as for alerts."""
    return [
        Column(tr("table.time", language), least=0 if brief else 8, drop=4),
        Column(tr("table.source", language), least=12),
        Column(tr("table.target", language), least=12),
        Column(tr("table.event_kind", language), least=8),
        Column(tr("table.event_says", language), least=20),
    ]


def event_row(document: Document, language: str, *, compact: bool = False) -> Row:
    """The cells of an event; `compact` as for alerts."""
    return [
        words(document, "@timestamp")[5 if compact else 0 : 19].replace("T", " "),
        side(document, "source", language),
        side(document, "destination", language),
        words(document, "event.action"),
        in_words(document),
    ]
