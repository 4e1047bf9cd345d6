"""Fields of objects inside of JSON lines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ingest.flowlogs.fields import Fields, read_json
from ingest.flowlogs.lines import Lines


def inside(fields: Fields, name: str, names: Sequence[str]) -> Fields:
    """The fields of the object that `name` is in each line; absent where it is none."""
    spans = fields.span_of(name)
    lines = fields.lines
    begins, ends = (np.ascontiguousarray(spans[:, side]) for side in (0, 1))
    inner = Fields(Lines(lines.buffer, begins, ends, lines.numbers), names)
    there = spans[:, 1] > spans[:, 0]
    read_json(inner)
    inner.status[~there] = 0
    inner.spans[~there | (inner.status != 0)] = 0
    return inner


def complain(fields: Fields, inner: Fields) -> None:
    """What was wrong inside is wrong with the line."""
    fields.status[:] = np.where(fields.status == 0, inner.status, fields.status)
