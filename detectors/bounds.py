"""What the kernel of identities must know of the detectors' parameters, and of whom it judges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from detectors.directory_copy import DirectoryCopy, DirectoryCopyParameters
from detectors.identities import records
from detectors.identities.kernels import Bounds
from detectors.lease_pool import LeasePool, LeasePoolParameters
from detectors.pass_the_hash import PassTheHash, PassTheHashParameters
from detectors.two_homes import TwoHomes, TwoHomesParameters

_SECOND = 1_000_000_000
_HOUR_S = 3600
_EVER_S = 10 * 365 * 86400


def bounds_of(parameters: Mapping[str, msgspec.Struct], share: tuple[int, int] = (0, 1)) -> Bounds:
    """The kernel's limits. `share`: the partition judged, and of how many."""
    passed = _of(parameters, PassTheHash.id, PassTheHashParameters)
    copied = _of(parameters, DirectoryCopy.id, DirectoryCopyParameters)
    pool = _of(parameters, LeasePool.id, LeasePoolParameters)
    homes = _of(parameters, TwoHomes.id, TwoHomesParameters)
    windows = np.zeros(records.KINDS, np.int64)
    gates = np.ones(records.KINDS, np.int64)
    for kind, window_s, gate in (
        (records.ENTRY, passed.window_s, 1),
        (records.HOLDER, passed.host_h * _HOUR_S, 1),
        (records.BEARER, passed.window_s, passed.machines),
        (records.PROOF, passed.habit_h * _HOUR_S, passed.aes),
        (records.ROAST, passed.window_s, min(passed.tickets, passed.old_tickets)),
        (records.CONTROLLER, _EVER_S, 1),
        (records.CALLS, copied.window_s, 1),
        (records.MAPPED, copied.window_s, 1),
        (records.POOL, pool.window_s, min(pool.clients, pool.forged) // 2),
        (records.LEASER, _EVER_S, pool.learned),
        (records.HOME, homes.window_h * _HOUR_S, homes.times),
    ):
        windows[kind], gates[kind] = window_s * _SECOND, gate
    return Bounds(windows=windows, gates=gates, partition=share[0], partitions=share[1])


def _of(parameters: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    found = parameters[name]
    assert isinstance(found, kind)
    return found
