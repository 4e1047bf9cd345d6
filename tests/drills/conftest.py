"""A stage to play on, and one short scene for all tests that only read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drills import folder, reading
from drills.folder import Planned
from drills.forge import Forge
from drills.register import example
from drills.scenario import Scenario
from drills.scene import START, Scene, synthesise
from drills.stage import Stage


@pytest.fixture(scope="session")
def forge() -> Forge:
    return Forge()


@pytest.fixture
def make_stage(forge: Forge) -> Callable[..., Stage]:
    def make(span: float = 600.0, scale: float = 1.0, seed: int = 1) -> Stage:
        stage = Stage(example(), forge, START, span, scale)
        stage.roll(seed)
        return stage

    return make


@pytest.fixture(scope="session")
def short_scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return synthesise(tmp_path_factory.mktemp("scene") / "scene.pcap", minutes=1)


@pytest.fixture
def conversations() -> Callable[[Stage], dict[tuple, list]]:
    """Frames read by Scapy, by (addresses, protocol, ports) of the one who began, in order of time."""

    def read(stage: Stage) -> dict[tuple, list]:
        found: dict[tuple, list] = {}
        for put, packet in packets(stage):
            key = key_of(packet)
            other = (key[1], key[0], key[2], key[4], key[3])
            found.setdefault(other if other in found else key, []).append((put, packet))
        return found

    return read


def packets(stage: Stage) -> Iterator[tuple]:
    from scapy.layers.l2 import Ether

    for put in sorted(stage.frames, key=lambda put: put.time):
        yield put, Ether(put.frame)


def key_of(packet) -> tuple:
    for name in ("IP", "IPv6"):
        if name in packet:
            layer = packet[name]
            above = next((packet[n] for n in ("TCP", "UDP") if n in packet), None)
            ports = (above.sport, above.dport) if above is not None else (0, 0)
            return (layer.src, layer.dst, above.name if above is not None else "other", *ports)
    return (packet["ARP"].psrc, packet["ARP"].pdst, "ARP", 0, 0)


SMALL = """\
version: 1
id: small
title: 小演练
title_en: Small drill
purpose: 检验
briefing: 值守
briefing_en: Keep watch
storyline: 先扫描后窃取
participants: [big-data]
seed: 4
seconds: 24
background: [clocks, mail]
attacks:
  - {id: ports, kind: vertical-scan, at: 4, options: {source: 192.0.2.9, ports: 60, seconds: 5}}
  - {id: theft, kind: data-theft, at: 14, options: {target: 192.0.2.9, kilobytes: 128, seconds: 4}}
detections:
  - {attack: ports, class: scan, techniques: [T1046], within: 30}
responses:
  - {attack: ports, acknowledge: 60, playbook: scan, start_playbook: 120, close: 600}
  - {attack: theft, acknowledge: 60}
"""


@pytest.fixture(scope="session")
def small_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scenario") / "small.yaml"
    path.write_text(SMALL, "utf-8")
    return path


@pytest.fixture(scope="session")
def small_scenario(small_file: Path) -> Scenario:
    return reading.read(small_file)


@pytest.fixture(scope="session")
def small_drill(
    tmp_path_factory: pytest.TempPathFactory, small_file: Path, small_scenario: Scenario
) -> Planned:
    """A drill that nobody has run."""
    root = tmp_path_factory.mktemp("drills")
    return folder.plan(small_scenario, root, "small-1", 10**18, source=small_file)
