"""The register of benchmarks."""

from __future__ import annotations

from bench.registry import BENCHMARKS


def test_every_benchmark_is_registered_under_its_name():
    assert list(BENCHMARKS) == [
        "decode",
        "meter",
        "end-to-end",
        "index",
        "backbone",
        "chaos",
        "story",
        "console",
        "netflow",
        "models",
        "detectors",
        "detection",
        "signatures",
        "applications",
        "live",
        "weeks",
    ]
    for name, benchmark in BENCHMARKS.items():
        assert benchmark.name == name
