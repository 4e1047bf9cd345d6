"""What the kernel of identities is told of the parameters."""

from __future__ import annotations

from detectors.bounds import bounds_of
from detectors.identities import records
from detectors.lease_pool import LeasePoolParameters
from detectors.pass_the_hash import PassTheHashParameters
from detectors.registry import DETECTORS

PARAMETERS = {name: d.Parameters() for name, d in DETECTORS.items()}


def test_parameters_reach_the_kernel():
    changed = PARAMETERS | {
        "passhash": PassTheHashParameters(machines=12, window_s=77, host_h=2),
        "leasepool": LeasePoolParameters(forged=10, window_s=9),
    }
    bounds = bounds_of(changed, (1, 3))
    assert (bounds.partition, bounds.partitions) == (1, 3)
    assert bounds.windows[records.BEARER] == 77 * 10**9
    assert bounds.windows[records.HOLDER] == 7200 * 10**9
    assert bounds.windows[records.POOL] == 9 * 10**9
    assert (bounds.gates[records.BEARER], bounds.gates[records.POOL]) == (12, 5)
    assert all(bounds.windows[16:] > 0)
