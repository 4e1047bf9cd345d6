"""The same packets give the same alerts, however they are cut, stored or run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drills import packets
from drills.scene import synthesise

from .conftest import Citywall, busy_frames

SAME = ("packets", "bytes", "flows", "events", "findings", "alerts", "decode_errors")


def told(alerts: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """What the alerts say, without what names the file they were read from."""
    documents = []
    for document in alerts.values():
        kept = {k: v for k, v in document.items() if k not in {"event", "citywall", "related", "log", "file"}}
        kept["event"] = {k: v for k, v in document["event"].items() if k != "id"}
        own = dict(document["citywall"])
        own.pop("session")
        own["dedup"] = {k: v for k, v in own["dedup"].items() if k != "key"}
        own["evidence"] = [
            {k: v for k, v in e.items() if k not in {"path", "offset"}} for e in own.get("evidence", ())
        ]
        documents.append(kept | {"citywall": own})
    return sorted(documents, key=repr)


@pytest.fixture(scope="module")
def usual(busy: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    citywall = Citywall(tmp_path_factory.mktemp("usual"))
    citywall.run(busy)
    return citywall.alerts()


def test_the_busy_capture_has_something_to_say(usual: dict[str, dict[str, Any]]):
    assert {a["rule"]["id"] for a in usual.values()} >= {"scan", "flood", "bruteforce"}


@pytest.mark.parametrize("batch", [1, 7, 4096])
@pytest.mark.parametrize("block", [4096, 4 << 20])
def test_batch_and_block_sizes(
    citywall: Citywall, busy: Path, usual: dict[str, dict[str, Any]], batch: int, block: int
):
    if batch == 1 and block == 4096:
        pytest.skip("slow, and covered by the other pairs")
    citywall.run(busy, "--set", f"capture.batch_packets={batch}", "--set", f"capture.block_bytes={block}")
    assert citywall.alerts() == usual


@pytest.mark.parametrize("partitions", [2, 4])
def test_partitions(citywall: Citywall, busy: Path, usual: dict[str, dict[str, Any]], partitions: int):
    citywall.run(busy, "--set", f"partitions={partitions}", "--set", "capture.block_bytes=65536")
    assert citywall.alerts() == usual


@pytest.mark.slow
def test_partitions_of_the_scene(citywall: Citywall, tmp_path: Path):
    path = tmp_path / "scene.pcap"
    synthesise(path)
    plain = Citywall(tmp_path / "plain")
    expected = plain.run(path)
    report = citywall.run(path, "--set", "partitions=4")
    assert citywall.alerts() == plain.alerts() != {}
    assert [report[k] for k in SAME] == [expected[k] for k in SAME]


@pytest.mark.slow
def test_partitions_of_real_captures(citywall: Citywall, shared_data: Path, tmp_path: Path):
    folder = shared_data / "captures" / "pcap"
    classes = ("scan", "bruteforce", "dos", "arp-spoof", "benign")
    found = sorted(p for name in classes for p in (folder / name).glob("*.pcap*"))
    paths = [p for p in found if p.suffix in {".pcap", ".pcapng"} and p.stat().st_size < 1 << 20]
    plain = Citywall(tmp_path / "plain")
    expected = plain.run(*paths)
    report = citywall.run(*paths, "--set", "partitions=3")
    assert citywall.alerts() == plain.alerts() != {}
    assert [report[k] for k in SAME] == [expected[k] for k in SAME]


@pytest.mark.parametrize(("nanosecond", "big_endian"), [(False, False), (True, False), (False, True)])
def test_pcapng_says_what_pcap_says(
    citywall: Citywall, usual: dict[str, dict[str, Any]], tmp_path: Path, nanosecond: bool, big_endian: bool
):
    path = tmp_path / "busy.pcapng"
    packets.write_pcapng(path, busy_frames(), nanosecond=nanosecond, big_endian=big_endian)
    citywall.run(path)
    assert told(citywall.alerts()) == told(usual)


def test_a_finished_session_run_again_overwrites_itself(citywall: Citywall, busy: Path):
    citywall.run(busy)
    first = citywall.alerts()
    citywall.run(busy)
    assert citywall.alerts() == first


def test_what_changes_results_makes_another_session(citywall: Citywall, busy: Path):
    citywall.run(busy)
    first = citywall.alerts()
    citywall.run(busy, "--set", "meter.idle_timeout_s=60")
    assert not set(first) & (set(citywall.alerts()) - set(first))
    assert len(citywall.alerts()) > len(first)
