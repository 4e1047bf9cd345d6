"""The service as people meet it: alerts from a wire and a folder, commands through its socket, kills.

The whole story is in `test_story.py`.
"""

from __future__ import annotations

import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bench.story.hands import waiting
from bench.story.house import House, Said, wait
from drills import packets
from ingest.capture import open_capture
from stream.letters import LetterBox

from .conftest import ROOT, SECOND, START, Citywall, session, syn_scan

TRIGGER = ("--set", 'service.triggers={contain-scan="rule.id:scan"}')


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "house")
    yield made
    made.close()


def put(house: House, name: str, frames: list[packets.Frame]) -> Path:
    """A file into the watched folder, whole at once."""
    path = house.folder / name
    packets.write_pcap(path, frames)
    return path.rename(house.watch / name)


def files(house: House) -> dict[str, int]:
    """Files of the watched folder, by what became of them."""
    assert house.answers()
    found = (house.status().get("service") or {}).get("files", {})
    assert isinstance(found, dict)
    return found


def timeless(alerts: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Alerts without the one field that is of the wall clock."""
    for alert in alerts.values():
        alert["event"].pop("ingested", None)
    return alerts


def scan(number: int) -> list[packets.Frame]:
    """A scan by a host of its own, and ordinary traffic around it."""
    frames: list[packets.Frame] = []
    for i in range(40):
        frames += session(
            START + i * SECOND // 4, f"10.1.{number}.{i + 2}", "10.9.0.3", 20_000 + i, 443, [300]
        )
    targets = [f"10.9.{number}.{i}" for i in range(2, 90)]
    frames += syn_scan(START + SECOND, f"10.66.0.{number + 1}", targets, 445)
    return sorted(frames, key=lambda frame: frame[0])


def test_from_the_wire_to_a_block_that_is_taken_back(house: House, wire: Any, tmp_path: Path):
    """The service runs in the far namespace: what it blocks, it blocks there."""
    capture = tmp_path / "scan.pcap"
    packets.write_pcap(capture, scan(0))
    inside = ("ip", "netns", "exec", wire.space)
    house.start("--interface", wire.far, *TRIGGER, inside=inside)
    wait(house.listens, house.told)
    script = str(ROOT / "bench" / "live" / "wire.py")
    subprocess.run([sys.executable, "-S", script, wire.interface, str(capture), "1", "paced"], check=True)
    [(name, alert)] = wait(lambda: house.alerts().items(), house.told)
    assert alert["source"]["ip"] == "10.66.0.1"
    assert alert["citywall"]["evidence"][0]["path"] == f"interface:{wire.far}"

    # What the service begins by itself is a dry run, once an alert.
    [begun] = wait(lambda: house.read("playbooks", "status"), house.told)
    assert (begun["alert"], begun["live"], begun["requester"]) == (name, False, "citywall")

    run = house.act("ann", "playbooks", "run", "contain-scan", "--alert", name, "--live")["id"]
    house.act("ann", "playbooks", "answer", run, "done", "--out", "verdict=malicious")
    [kept] = [a for a in house.run(run)["actions"] if a["action"] == "evidence"]
    with open_capture(Path(kept["outputs"]["evidence"]) / "packets-1.pcap") as sliced:
        assert sum(ref.packets for ref in sliced.blocks(1 << 20)) > 5  # those the alert knew of by then
    [waits] = [a for a in house.run(run)["actions"] if a["state"] == "approval"]
    house.act("wang", "playbooks", "approve", run, "--seen", waits["digest"])
    assert blocked(wire) in {None, True}
    assert [state for _, state in waiting(house, run)] == ["manual"]
    house.act("wang", "playbooks", "rollback", run, "--reason", "it is over")
    assert blocked(wire) in {None, False}
    assert house.end() == 0
    assert [s["ended"] for s in house.status()["sensors"]] == [True]
    assert house.read("audit", "verify")[0]["ok"]


def test_two_interfaces_are_two_networks(house: House, wires: Any, tmp_path: Path):
    """The same addresses on both are two hosts; each has its filter, its counts, and its packets kept."""
    capture = tmp_path / "scan.pcap"
    packets.write_pcap(capture, scan(0))
    with closing(wires.Wire()) as one, closing(wires.Wire()) as two:
        house.start(
            "--interface", one.interface, "--interface", two.interface,
            "--set", 'domains.names=["police","health"]',
            "--set", f"sensor.interfaces.{one.interface}.domain=police",
            "--set", f"sensor.interfaces.{two.interface}.domain=health",
            "--set", f"sensor.interfaces.{two.interface}.filter=dst port 445",
        )  # fmt: skip
        wait(lambda: len(house.status().get("sensors", ())) == 2, house.told)
        sending = [wire.sending(capture, paced=True) for wire in (one, two)]
        assert [process.wait() for process in sending] == [0, 0]
        alerts = wait(lambda: len(found := house.alerts()) == 2 and found, house.told).values()
        assert house.end() == 0
        arrived = [wire.arrived() for wire in (one, two)]
    assert [a["source"]["ip"] for a in alerts] == ["10.66.0.1"] * 2
    assert {a["citywall"]["domain"] for a in alerts} == {"police", "health"}
    told = {sensor["path"]: sensor for sensor in house.status()["sensors"]}
    seen = [told[f"interface:{wire.interface}"] for wire in (one, two)]
    assert [sensor["dropped"] for sensor in seen] == [0, 0]
    assert seen[0]["packets"] == arrived[0] == len(scan(0))
    assert seen[1]["packets"] == 88 < arrived[1]
    for wire, sensor in zip((one, two), seen, strict=True):
        kept = list((house.data / "packets" / wire.interface).glob("*.pcap"))
        assert sum(len(list(wires.records(path.read_bytes()))) for path in kept) == sensor["packets"]


def blocked(wire: Any) -> bool | None:
    """Whether the far namespace blocks the scanner; None where nobody can tell."""
    if shutil.which("nft") is None:
        return None
    table = subprocess.run(
        ["ip", "netns", "exec", wire.space, "nft", "list", "table", "inet", "citywall"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return "10.66.0.1" in table.stdout


def test_killed_at_random_it_loses_and_doubles_nothing(house: House, tmp_path: Path):
    dice = random.Random(11)
    house.start(*TRIGGER, "--set", "service.settle_s=0")
    for i in range(3):
        put(house, f"{i}.pcap", scan(i))
        time.sleep(dice.uniform(0.2, 2.5))
        house.end(signal.SIGKILL)
        house.start_again()
    put(house, "again.pcap", scan(1))
    (house.watch / "none.txt").write_text("no capture\n")
    wait(lambda: files(house) == {"done": 3, "refused": 1, "same": 1}, house.told)
    wait(lambda: len(house.read("playbooks", "status")) == 3, house.told)
    assert house.end() == 0
    plain = Citywall(tmp_path / "plain")
    plain.run(*(house.watch / f"{i}.pcap" for i in range(3)))
    assert timeless(house.alerts()) == plain.alerts()
    assert len(plain.alerts()) == 3
    assert house.read("audit", "verify")[0]["ok"]


#: A datagram of NetFlow v5 of one exporter, whose one flow it counts up.
_V5 = bytes.fromhex("00050001 00002710 6553f180 00000000") + bytes(8)


def test_a_collector_goes_on_with_its_session_after_a_kill(house: House):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    house.start("--collector", "edge", "--set", f'collector.listen=["127.0.0.1:{port}"]')

    def send(number: int) -> None:
        record = bytes.fromhex("c0000201 c6336401 00000000 0000 0000 00000001 0000003c 00002328 00002328")
        rest = bytes.fromhex("01bb 00 02 06 00 0000 0000 00 00 0000")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.sendto(_V5 + record + (40_000 + number).to_bytes(2, "big") + rest, ("127.0.0.1", port))

    def sessions() -> list[str]:
        return sorted(path.name for path in (house.data / "exports").glob("*"))

    wait(lambda: send(1) or kept(house) > 0, house.told)  # it does not listen at once
    house.end(signal.SIGKILL)
    house.start_again()
    [same] = wait(sessions, house.told)
    before = kept(house)
    wait(lambda: send(2) or kept(house) > before, house.told)
    assert sessions() == [same]
    assert house.end() == 0
    assert not LetterBox(house.data).count()
    assert {flow["source"]["port"] for flow in house.read("flows")} == {40_001, 40_002}
    house.start_again()  # what ended in good order is followed by a session of its own
    wait(lambda: len(sessions()) == 2, house.told)
    with pytest.raises(Said, match="in use"):
        house.read("run", "collector:edge")


def kept(house: House) -> int:
    """Bytes of references to what exporters sent."""
    return sum(path.stat().st_size for path in (house.data / "exports").glob("*/references.jsonl"))
