"""What an evidence query answers: a figure, free of any language, with where it comes from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from reports.inputs import Inputs

State = Literal["observed", "partial", "not_observable"]
#: How the cells of a column are written: most kinds are sections of the catalogue.
Kind = Literal[
    "text", "count", "name", "index", "bytes", "permille", "day", "time", "seconds",
    "class", "subclass", "axis", "severity", "status", "observation", "side", "stream", "role",
    "level", "clock", "backup",
]  # fmt: skip
Section = Literal["posture", "incidents", "foremost", "response", "logs", "watch", "trust"]
SECTIONS: tuple[Section, ...] = ("posture", "incidents", "foremost", "response", "logs", "watch", "trust")


class Said(msgspec.Struct, frozen=True):
    """A sentence of the catalogue: `report_reason.<code>`, filled in."""

    code: str
    values: dict[str, str | int] = {}


class Column(msgspec.Struct, frozen=True):
    """A column: its id is a key of `report_column`."""

    id: str
    kind: Kind = "text"


class Chart(msgspec.Struct, frozen=True):
    """Drawn from two columns: `bars` lie, `columns` stand in order of time, `axes` are indices."""

    kind: Literal["bars", "columns", "axes"]
    label: str
    value: str


class Figure(msgspec.Struct, frozen=True):
    """The answer of the evidence query `query`. `rows` has a cell for each column.

    Cells are texts, whole numbers or None; of kind `name` `[Chinese, English]`; of kind `index` tenths, of
    kind `permille` thousandths, of kind `time` ns. `inputs` says what went in, `values` what verdicts rest
    on.
    """

    query: str
    state: State
    reasons: tuple[Said, ...] = ()
    inputs: dict[str, Any] = {}
    values: dict[str, Any] = {}
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    chart: Chart | None = None


class Query(msgspec.Struct, frozen=True):
    """A named evidence query: a pure function of the facts, and the section its figure stands in."""

    id: str
    section: Section
    answer: Callable[[Inputs], Figure]


def absent(query: str, code: str, **values: str | int) -> Figure:
    """The figure of a query that nothing can be said to, and why."""
    return Figure(query, "not_observable", (Said(code, values),))
