"""What the kernel of what is usual is told of the parameters."""

from __future__ import annotations

from citywall.settings import PRIVATE
from detectors.norms import norms_of
from detectors.prefixes import Prefixes
from detectors.registry import DETECTORS
from detectors.slow_scan import SlowScanParameters
from detectors.volume import VolumeParameters

PARAMETERS = {name: d.Parameters() for name, d in DETECTORS.items()}


def test_parameters_reach_the_kernel():
    changed = PARAMETERS | {
        "slowscan": SlowScanParameters(ports=8, window_h=2.0),
        "volume": VolumeParameters(times=16.0, zone_h=1.0)
    }  # fmt: skip
    norms = norms_of(changed, Prefixes(PRIVATE).words, (1, 3))
    assert (norms.scan_gate, norms.scan_window) == (6, 2 * 3600 * 10**9)
    assert (norms.volume_octaves, norms.zone_ns) == (32, 3600 * 10**9)
    assert (norms.partition, norms.partitions) == (1, 3)
    assert norms.home.shape == (len(PRIVATE), 4)


def test_partitions_agree_with_the_other_kernels_on_prefixes():
    norms = norms_of(PARAMETERS, Prefixes(()).words)
    assert (norms.prefix_v4, norms.prefix_v6) == (24, 64)
    assert norms.home.shape == (0, 4)
