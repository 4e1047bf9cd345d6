"""Numbers and flags of packets against what rules demand of them, all packets at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rules.language.model import Flags, Number

Mask = NDArray[np.bool_]
#: A field of all packets by name, and which packets have it.
Field = Callable[[str], tuple[NDArray[np.int64], Mask]]


def number(field: Field, wanted: Number) -> Mask:
    """Packets whose number agrees; one of either direction is asked for in both."""
    name, dot, side = wanted.name.rpartition(".")
    if dot and side == "either":
        there, back = (replace(wanted, name=f"{name}.{way}") for way in ("toserver", "toclient"))
        return number(field, there) | number(field, back)
    values, has = field(wanted.name)
    if wanted.mask:
        values = values & wanted.mask
    inside = values >= wanted.low
    if wanted.high < 1 << 62:
        inside &= values <= wanted.high
    agree: Mask = inside != wanted.negated
    return has & agree


def flags(field: Field, wanted: Flags) -> Mask:
    """Packets whose flags agree."""
    raw, has = field(wanted.name)
    values = raw & ~wanted.ignored
    agree: Mask = {
        "+": values & wanted.wanted == wanted.wanted,
        "*": values & wanted.wanted != 0,
        "!": values & wanted.wanted != wanted.wanted,
        "=": values == wanted.wanted,
    }[wanted.mode]
    if not wanted.wanted:  # none is none, also of those that are ignored
        agree = np.where(raw != 0, wanted.mode == "!", agree)
    return has & agree
