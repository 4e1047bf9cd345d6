"""The benchmarks by name: one file, one line here."""

from __future__ import annotations

from bench.benchmarks.backbone import Backbone
from bench.benchmarks.chaos import Chaos
from bench.benchmarks.console import ConsoleBenchmark
from bench.benchmarks.decode import Decode
from bench.benchmarks.end_to_end import EndToEnd
from bench.benchmarks.index import Index
from bench.benchmarks.meter import Meter
from bench.benchmarks.models import Models
from bench.benchmarks.netflow import Netflow
from bench.harness import Benchmark

BENCHMARKS: dict[str, type[Benchmark]] = {
    b.name: b for b in (Decode, Meter, EndToEnd, Index, Backbone, Chaos, ConsoleBenchmark, Netflow, Models)
}
