"""What a rule demands of packets beside their bytes, decided when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rules.match.compiled import Compiled
from rules.match.scene import SLOW

if TYPE_CHECKING:
    from rules.match.candidates import Packets

Mask = NDArray[np.bool_]


class Agreement:
    """A rule's header, flow and header fields against packets, each decided when it is asked for."""

    def __init__(self, packets: Packets, compiled: Compiled) -> None:
        self._packets = packets
        self._compiled = compiled
        self._rest: Mask | None = None

    def __getitem__(self, row: int) -> bool:
        packets = self._packets
        if not packets.head(self._compiled, row):
            return False
        if self._rest is None:
            key = conditions_of(self._compiled)
            if key not in packets.conditions:
                packets.conditions[key] = packets.rest(self._compiled, np.arange(len(packets.flow)))
            self._rest = packets.conditions[key]
        return bool(self._rest[row])


def conditions_of(compiled: Compiled) -> tuple[object, ...]:
    """What `Packets.rest` depends on."""
    rule, flow = compiled.rule, compiled.rule.flow
    return (
        flow.direction, flow.established, flow.fragment, compiled.applications, tuple(rule.applications),
        rule.hook == "flow_start",
        tuple((n.name, n.low, n.high, n.negated, n.mask) for n in rule.numbers if n.name not in SLOW),
        tuple((f.name, f.wanted, f.mode, f.ignored) for f in rule.flags),
    )  # fmt: skip
