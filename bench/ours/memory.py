"""What a million live flows weigh in the process that meters them, while a checkpoint is written."""

from __future__ import annotations

import gc
from pathlib import Path

KIB = 1024
IDLE_FLOWS = 1024


def report(path: str, folder: str) -> dict[str, float]:
    """Meter the capture at `path`, write a checkpoint into `folder` while its flows live; bytes of memory.

    `above_idle` is the peak of resident memory, mapped pages of the capture included, over that of the
    process with everything imported and compiled but no input yet.
    """
    from bench.ours.meter import feed
    from citywall.domains import Domains, DomainSettings
    from citywall.settings import MeterSettings
    from ingest.meter import FlowMeter
    from stream.checkpoints import save

    domains = Domains(DomainSettings())
    # The idle process has its kernels loaded and no flow table to speak of.
    feed(FlowMeter(MeterSettings(max_flows=IDLE_FLOWS), domains), path, 1)
    gc.collect()
    idle = _memory("VmRSS")
    # Forget the highest resident size so far (proc(5), clear_refs).
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    meter = FlowMeter(MeterSettings(), domains)
    packets = feed(meter, path)
    flows = meter.live
    checkpoint = save(Path(folder), "meter", 0, {}, meter.snapshot())
    peak = _memory("VmHWM")
    return {
        "flows": flows,
        "packets": packets,
        "above_idle": peak - idle,
        "idle": idle,
        "peak": peak,
        "checkpoint": checkpoint,
        "table": meter.memory,
    }


def _memory(name: str) -> int:
    """A line of this process's status, in bytes."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * KIB
    raise KeyError(name)
