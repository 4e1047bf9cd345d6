"""The nightly report: every figure and every verdict of a day, free of any language."""

from __future__ import annotations

from typing import Any

import msgspec

from citywall import canonical
from reports.clauses import STANDARD, catalogue
from reports.figures import SECTIONS, Figure
from reports.inputs import Inputs
from reports.queries.registry import QUERIES
from reports.verdicts import VERDICTS, Judgement, judge

#: Of the form of the JSON.
VERSION = 1


class Report(msgspec.Struct, frozen=True):
    """Figures by query in the order of the report, judgements by clause, and the facts they rest on."""

    inputs: Inputs
    figures: dict[str, Figure]
    judgements: dict[str, Judgement]

    @property
    def verdicts(self) -> dict[str, int]:
        """How many clauses have each verdict."""
        return {v: sum(j.verdict == v for j in self.judgements.values()) for v in VERDICTS}


def build(inputs: Inputs) -> Report:
    """Ask every query, judge every clause."""
    figures = {name: query.answer(inputs) for name, query in QUERIES.items()}
    judgements = {clause.id: judge(clause, figures, inputs.register) for clause in catalogue()}
    return Report(inputs, figures, judgements)


def document(report: Report) -> dict[str, Any]:
    """The report as an object for machines; it holds whole numbers and texts only."""
    inputs, day = report.inputs, report.inputs.day
    return {
        "report": "nightly",
        "version": VERSION,
        "citywall": inputs.version,
        "day": msgspec.to_builtins(day),
        "sections": {
            section: [name for name, query in QUERIES.items() if query.section == section]
            for section in SECTIONS
        },
        "figures": {name: _figure(figure) for name, figure in report.figures.items()},
        "standard": STANDARD,
        "verdicts": report.verdicts,
        "clauses": [
            {
                "id": clause.id, "levels": list(clause.levels), "control": clause.control,
                "text": clause.text,
                "checked": clause.checked, **msgspec.to_builtins(report.judgements[clause.id]),
            }
            for clause in catalogue()
        ],
    }  # fmt: skip


def encode(report: Report) -> bytes:
    """The document in canonical form: the same report, the same bytes."""
    return canonical.encode(document(report)) + b"\n"


def _figure(figure: Figure) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(figure)
    names = [column.id for column in figure.columns]
    told["rows"] = [dict(zip(names, row, strict=True)) for row in told["rows"]]
    return told
