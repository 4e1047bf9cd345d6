"""The benchmarks by name: one file, one line here. Each is loaded when it is asked for: some are heavy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.harness import Benchmark

_PLACES = {
    "decode": "decode:Decode",
    "meter": "meter:Meter",
    "end-to-end": "end_to_end:EndToEnd",
    "index": "index:Index",
    "backbone": "backbone:Backbone",
    "chaos": "chaos:Chaos",
    "story": "story:StoryBenchmark",
    "console": "console:ConsoleBenchmark",
    "netflow": "netflow:Netflow",
    "models": "models:Models",
    "detectors": "detectors:Detectors",
    "detection": "detection:Detection",
    "signatures": "signatures:Signatures",
    "applications": "applications:Applications",
    "live": "live:Live",
    "weeks": "weeks:WeeksBenchmark",
}


class _Benchmarks(Mapping[str, "type[Benchmark]"]):
    """Classes by name."""

    def __getitem__(self, name: str) -> type[Benchmark]:
        module, _, attribute = _PLACES[name].partition(":")
        found: type[Benchmark] = getattr(import_module(f"bench.benchmarks.{module}"), attribute)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(_PLACES)

    def __len__(self) -> int:
        return len(_PLACES)


BENCHMARKS: Mapping[str, type[Benchmark]] = _Benchmarks()
