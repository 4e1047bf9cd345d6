"""What the kernel of sightings is told of the parameters."""

from __future__ import annotations

from detectors.account import AccountParameters
from detectors.dga import DgaParameters
from detectors.registry import DETECTORS
from detectors.sightings import records
from detectors.sightings.limits import told_of

PARAMETERS = {name: d.Parameters() for name, d in DETECTORS.items()}


def test_parameters_reach_the_kernel():
    changed = PARAMETERS | {
        "account": AccountParameters(night=(2, 4), utc_offset_h=-3, window_s=60),
        "dga": DgaParameters(made=4, window_s=77),
    }
    told = told_of(changed, (1, 3))
    assert told.night.tolist() == [2, 4]
    assert told.zone_ns == -3 * 3600 * 10**9
    assert told.windows[records.ACCOUNT] == 60 * 10**9
    assert (told.windows[records.FAILING], told.gates[records.FAILING]) == (77 * 10**9, 2)
    assert (told.partition, told.partitions) == (1, 3)


def test_every_kind_has_a_window():
    assert (told_of(PARAMETERS).windows > 0).all()
