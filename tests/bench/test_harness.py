"""Comparing: order of runs, the shape of what comes out, peers that are absent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import harness
from bench.captures import Capture
from bench.harness import Context, compare
from bench.subjects import Run, Subject

RUNS: list[tuple[str, int]] = []
PREPARED: list[str] = []


class Fake(Subject):
    """Costs what it is told, a little more each time unless it is steady."""

    does = "nothing"

    def __init__(
        self,
        name: str,
        cost: float,
        cap: int | None = None,
        version: str | None = "1.0",
        steady: bool = False,
    ) -> None:
        self.name, self.cost, self.cap, self._version = name, cost, cap, version
        self.obtain = f"get {name}"
        self.calls = 0
        self.growth = 0 if steady else 0.1

    def version(self) -> str | None:
        return self._version

    def sizes(self, packets: int) -> tuple[int, ...]:
        return (self.share(packets),)

    def prepare(self, captures: tuple[Capture, ...]) -> None:
        PREPARED.append(self.name)

    def measure(self, captures: tuple[Capture, ...]) -> Run:
        (capture,) = captures
        RUNS.append((self.name, capture.packets))
        self.calls += 1
        cost = capture.packets * self.cost * (1 + self.growth * (self.calls - 1))
        return Run(capture.packets, cost, 2 * cost, 0.25, 0.5)


class FakeCaptures:
    """Empty files that claim to hold packets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, packets: int, profile: str = "extranet") -> Capture:
        path = self.folder / f"{profile}-{packets}"
        path.touch()
        return Capture(path, packets, {"packets": packets})


@pytest.fixture
def context(tmp_path):
    RUNS.clear()
    PREPARED.clear()
    said: list[str] = []
    return Context((2_000, 20_000), 3, FakeCaptures(tmp_path), said.append)


def test_the_result_has_the_documented_shape(context):
    ours = Fake("citywall", 1e-8, steady=True)
    result = compare("decode", context, ours, [Fake("slow", 1e-6, cap=2_000), Fake("fast", 2e-8)])
    assert json.loads(json.dumps(result)) == result
    assert result["name"] == "decode"
    assert result["unit"] == "CPU seconds per packet"
    assert result["repeats"] == 3
    assert result["ours"] == {"2k": 1e-8, "20k": 1e-8}
    assert set(result["peers"]) == set(result["ratios"]) == {"slow", "fast"}
    assert result["ratios"]["slow"]["2k"] == pytest.approx(100)
    assert result["ratios"]["fast"]["2k"] == pytest.approx(2)
    assert result["wall"]["ours"]["2k"] == pytest.approx(2e-8)
    assert result["wall"]["ratios"]["slow"]["2k"] == pytest.approx(100)
    assert result["startup"]["peers"]["fast"]["2k"] == {"wall": 0.5, "cpu": 0.25}
    assert result["spread"]["ours"]["2k"]["cpu"] == {"least": 1e-8, "most": 1e-8, "relative": 0}
    assert result["spread"]["peers"]["fast"]["2k"]["cpu"] == {"least": 2e-8, "most": 2.4e-8, "relative": 0.2}
    assert result["packets"]["peers"]["slow"] == {"2k": 2_000, "20k": 2_000}
    assert result["captures"]["20k"] == {"packets": 20_000}
    assert result["machine"]["cpu"]
    assert result["absent"] == {}


def test_runs_are_interleaved_and_a_share_is_measured_once(context):
    compare("decode", context, Fake("citywall", 1e-8), [Fake("slow", 1e-6, cap=2_000), Fake("fast", 1e-8)])
    assert PREPARED == ["citywall", "slow", "fast", "citywall", "fast"]
    small = [("citywall", 2_000), ("slow", 2_000), ("citywall", 2_000), ("fast", 2_000)]
    assert small * 3 + [("citywall", 20_000), ("fast", 20_000)] * 3 == RUNS


def test_an_absent_peer_is_reported_and_nothing_fails(context):
    said: list[str] = []
    context = Context(context.sizes, 1, context.captures, said.append)
    result = compare("decode", context, Fake("citywall", 1e-8), [Fake("missing", 1, version=None)])
    assert result["peers"] == result["ratios"] == {}
    assert result["absent"] == {"missing": "get missing"}
    assert "missing" not in result["versions"]
    assert said[0] == "decode: missing is absent: get missing"
    assert all(name == "citywall" for name, _ in RUNS)


@pytest.mark.parametrize(
    ("packets", "name"),
    [(2_000_000, "2M"), (20_000_000, "20M"), (200_000, "200k"), (1_500_000, "1500k"), (1234, "1234")],
)
def test_cases_are_named_by_size(packets, name):
    assert harness.case_name(packets) == name
