"""What the kernel of what is held must know of the detectors' parameters, and of whom it judges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from detectors.directory_copy import DirectoryCopy, DirectoryCopyParameters
from detectors.flood import Flood, FloodParameters
from detectors.holding.kernels import Holds
from detectors.holding.records import TICKETS, WATCHED
from detectors.slow_flood import SlowFlood, SlowFloodParameters

_SECOND = 1_000_000_000
_CLIENTS = 32768  # ports from here on are those of clients, and of procedures
_DIRECTORY = (88, 389)


def holds_of(parameters: Mapping[str, msgspec.Struct], share: tuple[int, int] = (0, 1)) -> Holds:
    """The kernel's limits. `share`: the partition judged, and of how many."""
    slow = _of(parameters, SlowFlood.id, SlowFloodParameters)
    copy = _of(parameters, DirectoryCopy.id, DirectoryCopyParameters)
    flood = _of(parameters, Flood.id, FloodParameters)
    ports = np.zeros(65536, np.uint8)
    ports[1:_CLIENTS] = WATCHED
    ports[list(slow.held_open)] = 0
    ports[list(_DIRECTORY)] |= TICKETS
    return Holds(
        window=slow.window_s * _SECOND,
        age=slow.age_s * _SECOND,
        few=slow.few_bytes,
        rate=slow.rate,
        gate=min(slow.unfinished, slow.held, slow.together) // 2,
        call_window=copy.window_s * _SECOND,
        call_bytes=copy.megabytes * 1_000_000,
        ports=ports,
        prefix_v4=flood.prefix_v4,
        prefix_v6=flood.prefix_v6,
        partition=share[0],
        partitions=share[1],
    )


def _of(parameters: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    found = parameters[name]
    assert isinstance(found, kind)
    return found
