"""What a flow-log parser offers, and what it gives."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from ingest.flowlogs.lines import Errors, Lines
from ingest.flowlogs.rows import Logged, Resolutions
from ingest.flowlogs.said import Said


@dataclass
class Parsed:
    """The rows that lines gave, in line order, and the lines that gave none."""

    logged: Logged
    resolutions: Resolutions = field(default_factory=Resolutions)
    errors: Errors = field(default_factory=Errors)
    #: Lines that are whole and tell of something else than a flow, by what it is.
    others: dict[str, int] = field(default_factory=dict)
    #: Which rows of `logged` are one direction of a flow; empty where none is.
    oneway: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    #: What applications say.
    said: Said = field(default_factory=Said)


class Parser(ABC):
    """One format. Parsers hold no state: what a chunk needs from before it comes as `header`."""

    name: str
    #: The header in force before the first line.
    initial: str = ""

    @abstractmethod
    def sniff(self, head: bytes) -> bool:
        """Whether a file that begins with `head` is in this format."""

    @abstractmethod
    def header(self, lines: bytes, header: str) -> str:
        """The header in force behind `lines` when `header` was in force before them ("" at the start)."""

    @abstractmethod
    def parse(self, lines: Lines, header: str) -> Parsed:
        """Understand lines; none of them can make this raise."""


def names_in(line: bytes) -> set[str]:
    """Names of a JSON object's fields in lower case, dots as underscores; empty for anything else."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return set()
    if not isinstance(value, dict):
        return set()
    return {name.lower().replace(".", "_") for name in value}


def together(parts: Sequence[Parsed]) -> Parsed:
    """Results of consecutive lines of a log of flows in both directions as one."""
    errors = Errors()
    for part in parts:
        errors.merge(part.errors)
    logged, asked = (
        kind(*(np.concatenate([getattr(part, f.name) for part in rows]) for f in fields(kind)))
        for kind, rows in (
            (Logged, [part.logged for part in parts]),
            (Resolutions, [part.resolutions for part in parts]),
        )
    )
    assert isinstance(logged, Logged)
    assert isinstance(asked, Resolutions)
    return Parsed(logged, asked, errors)
