"""What the benchmarks' tests share."""

from __future__ import annotations

import importlib.metadata

import pytest

from bench import subjects
from bench.captures import Capture
from bench.generator.capture import Profile, write_capture


@pytest.fixture(scope="session")
def captures(tmp_path_factory) -> tuple[Capture, Capture]:
    """Two small captures, the first a tenth of the second and its prefix."""
    folder = tmp_path_factory.mktemp("bench")
    made = []
    for packets in (300, 3_000):
        path = folder / f"{packets}.pcap"
        write_capture(path, packets, Profile(concurrent=100))
        made.append(Capture(path, packets))
    return made[0], made[1]


@pytest.fixture
def nothing_installed(monkeypatch):
    """A machine without any peer."""

    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", absent)
    monkeypatch.setattr(subjects.shutil, "which", lambda *_, **__: None)


@pytest.fixture
def reads_everything(captures):
    """Checks that a peer, where it is present, reads every packet of a capture."""

    def check(peer):
        if peer.version() is None:
            pytest.skip(f"{peer.name} is absent: {peer.obtain}")
        peer.prepare(captures)
        run = peer.measure(captures)
        assert run.packets == captures[1].packets
        assert run.cpu + run.startup_cpu > 0
        assert run.wall + run.startup_wall > 0

    return check


MACHINE = {
    "cpu": "Some Processor",
    "memory": 16 << 30,
    "kernel": "6.1",
    "python": "3.11.2",
    "numba": "0.68.1",
}


@pytest.fixture
def kept_result():
    """Makes a result as it is kept, with parts replaced."""

    def make(name: str, **more) -> dict:
        return {
            "name": name,
            "unit": "CPU seconds per packet",
            "ours": {"2M": 3e-8},
            "peers": {"dpkt": {"2M": 9.5e-6}},
            "ratios": {"dpkt": {"2M": 316.7}},
            "repeats": 3,
            "machine": MACHINE,
            "versions": {"citywall": "0.1.0", "dpkt": "1.9.8"},
            "packets": {"ours": {"2M": 2_000_000}, "peers": {"dpkt": {"2M": 2_000_000}}},
            "startup": {"ours": {"2M": {"wall": 1.5}}, "peers": {"dpkt": {"2M": {"wall": 0.4}}}},
            "spread": {
                "ours": {"2M": {"cpu": {"relative": 0.02}}},
                "peers": {"dpkt": {"2M": {"cpu": {"relative": 0.1}}}},
            },
            "wall": {"ours": {"2M": 3.1e-8}, "peers": {"dpkt": {"2M": 9.6e-6}}},
            "units": {},
            "absent": {},
            **more,
        }

    return make
