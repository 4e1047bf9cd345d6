"""What the kernel of what is held is told of the parameters."""

from __future__ import annotations

from detectors.directory_copy import DirectoryCopyParameters
from detectors.holding.records import TICKETS, WATCHED
from detectors.holds import holds_of
from detectors.registry import DETECTORS
from detectors.slow_flood import SlowFloodParameters

PARAMETERS = {name: d.Parameters() for name, d in DETECTORS.items()}


def test_parameters_reach_the_kernel():
    changed = PARAMETERS | {
        "slowflood": SlowFloodParameters(unfinished=8, age_s=9, held_open=(80,)),
        "dcsync": DirectoryCopyParameters(megabytes=3),
    }
    holds = holds_of(changed, (1, 3))
    assert (holds.partition, holds.partitions, holds.gate) == (1, 3, 4)
    assert (holds.age, holds.call_bytes) == (9 * 10**9, 3_000_000)
    assert (holds.ports[80], holds.ports[443], holds.ports[88]) == (0, WATCHED, TICKETS | WATCHED)
    assert (holds.ports[0], holds.ports[40_000]) == (0, 0)
