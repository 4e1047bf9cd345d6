"""Counts over time as bars of block characters."""

from __future__ import annotations

from collections.abc import Sequence

_BLOCKS = " ▁▂▃▄▅▆▇█"


def bars(values: Sequence[int], height: int) -> list[str]:
    """`height` lines, top first, with a character for each value; the greatest fills the height.

    Whatever is not 0 shows at least the lowest block.
    """
    most = max(values, default=0)
    steps = len(_BLOCKS) - 1
    lines = []
    for level in range(height - 1, -1, -1):
        line = ""
        for value in values:
            filled = 0 if value <= 0 else max(round(value * height * steps / most), 1)
            line += _BLOCKS[min(max(filled - level * steps, 0), steps)]
        lines.append(line)
    return lines


def buckets(counts: Sequence[tuple[int, int]], start: int, stop: int, number: int) -> list[int]:
    """Counts at times added up in `number` equal parts of `[start, stop)`; those outside are left out."""
    found = [0] * number
    for time, count in counts:
        if start <= time < stop:
            found[(time - start) * number // (stop - start)] += count
    return found
