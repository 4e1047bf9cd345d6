"""What the kernel of what is usual must know of the detectors' parameters, and of whom it judges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.base import milli
from detectors.baselines.kernels import STEPS, Norms
from detectors.flood import Flood, FloodParameters
from detectors.jobs import Jobs, JobsParameters
from detectors.request_flood import RequestFlood, RequestFloodParameters
from detectors.silence import Silence, SilenceParameters
from detectors.slow_scan import SlowScan, SlowScanParameters
from detectors.volume import Volume, VolumeParameters

_SECOND = 1_000_000_000
_HOUR = 3600 * _SECOND


def norms_of(
    parameters: Mapping[str, msgspec.Struct], home: NDArray[np.uint64], share: tuple[int, int] = (0, 1)
) -> Norms:
    """`home` is u8[n, 4]: our networks as bases and masks. `share`: the partition judged, and of how many."""
    slow = _of(parameters, SlowScan.id, SlowScanParameters)
    requests = _of(parameters, RequestFlood.id, RequestFloodParameters)
    volume = _of(parameters, Volume.id, VolumeParameters)
    jobs = _of(parameters, Jobs.id, JobsParameters)
    silence = _of(parameters, Silence.id, SilenceParameters)
    flood = _of(parameters, Flood.id, FloodParameters)
    return Norms(
        scan_window=round(slow.window_h * _HOUR),
        scan_gate=min(slow.targets, slow.ports, slow.prefixes) * 3 // 4,
        aim_window=round(slow.shared_window_h * _HOUR),
        aim_gate=slow.contacts,
        request_allowed=requests.allowed,
        request_alarm=requests.alarm,
        stray_allowed=requests.stray_allowed,
        stray_alarm=requests.stray_alarm,
        request_factor=milli(requests.factor),
        volume_floor=volume.megabytes * 1_000_000,
        volume_spread=milli(volume.deviations),
        volume_octaves=round(STEPS * np.log2(volume.times)),
        volume_days=volume.days,
        zone_ns=round(volume.zone_h * _HOUR),
        job_bytes=jobs.megabytes * 1_000_000,
        job_gap=round(jobs.pause_h * _HOUR),
        job_runs=jobs.runs,
        job_grace=round(jobs.late_h * _HOUR),
        job_share=milli(jobs.share),
        silence_least=round(silence.silence_min * 60 * _SECOND),
        silence_factor=milli(silence.factor),
        silence_learn=round(silence.learn_h * _HOUR),
        silence_rows=silence.flows,
        loss_flows=silence.half_flows,
        loss_share=milli(silence.half_share),
        home=home,
        prefix_v4=flood.prefix_v4,
        prefix_v6=flood.prefix_v6,
        partition=share[0],
        partitions=share[1],
    )


def _of(parameters: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    found = parameters[name]
    assert isinstance(found, kind)
    return found
