"""Rules over a wire in the service: changed while packets come, killed, beside a run over what was kept."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import IP
from scapy.packet import Packet
from scapy.utils import wrpcap

from bench.story.house import House, wait
from tests.rules.conftest import CLIENT, tcp, udp

from .conftest import ROOT, Citywall

RULES = """
alert tcp any any -> any any (msg:"Begins"; content:"alpha"; flowbits:set,a; sid:1;)
alert tcp any any -> any any (msg:"Goes on"; flowbits:isset,a; content:"omega"; sid:2;)
alert http any any -> any any (msg:"Page"; http.uri; content:"/admin"; sid:3;)
"""
NEW = 'alert udp any any -> any any (msg:"New"; content:"beat"; sid:9;)\n'
EVERY_S = 0.05


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "house")
    yield made
    made.close()


def conversation(beats: int) -> tuple[list[Packet], list[Packet]]:
    """Two parts of a connection, with a request across packets and datagrams between them."""
    talk = tcp([(0, b"alpha"), (1, b"yes"), (0, b"omega")], sport=41_000, dport=99)
    request = tcp([(0, b"GET /ad"), (0, b"min HTTP/1.1\r\nHost: a\r\n\r\n")], sport=41_001)
    between = [udp(b"beat %d" % i, dport=4000) for i in range(beats)]
    return [*talk[:6], *request, *between], [*(each.copy() for each in between[:5]), *talk[6:]]


def capture(path: Path, client: str, packets: list[Packet]) -> Path:
    """Packets as those of one client: alerts of another are others."""
    for i, packet in enumerate(packets):
        packet.time = 1_700_000_000 + i * EVERY_S
        for end in ("src", "dst"):
            if getattr(packet[IP], end) == CLIENT:
                setattr(packet[IP], end, client)
    wrpcap(str(path), packets)
    return path


def sending(wire: Any, path: Path) -> subprocess.Popen[bytes]:
    script = str(ROOT / "bench" / "live" / "wire.py")
    return subprocess.Popen([sys.executable, "-S", script, wire.interface, str(path), "1", "paced"])


def told(alerts: dict[str, dict[str, Any]]) -> set[tuple[Any, ...]]:
    """What alerts say of packets: rule, ends, frame and offset of the first packet."""
    return {
        (
            a["rule"]["id"], a["source"]["ip"], a["source"].get("port"), a["destination"].get("port"),
            a["citywall"]["evidence"][0]["frame"], a["citywall"]["evidence"][0]["offset"],
        )
        for a in alerts.values()
        if a["rule"]["id"].startswith("signature.")
    }  # fmt: skip


def test_rules_follow_a_wire_over_changes_and_kills(house: House, wire: Any, tmp_path: Path):
    (tmp_path / "own.rules").write_text(RULES)
    assert house.act("ann", "rules", "update", tmp_path / "own.rules")["version"] == 1
    inside = ("ip", "netns", "exec", wire.space)
    house.start("--interface", wire.far, inside=inside)
    wait(lambda: logged(house, "capturing from interface:") == 1, house.told)

    one, other = conversation(150)
    sender = sending(wire, capture(tmp_path / "one.pcap", "10.1.0.1", one))
    wait(lambda: "signature.1.3" in {a["rule"]["id"] for a in house.alerts().values()}, house.told)
    (tmp_path / "own.rules").write_text(RULES + NEW)
    changed = house.act("wang", "rules", "update", tmp_path / "own.rules")  # through the service's socket
    assert (changed["version"], changed["same"], changed["added"]) == (2, 3, 1)
    wait(lambda: logged(house, "rules of version 2 are in use"), house.told)
    assert sender.wait(60) == 0
    assert sending(wire, capture(tmp_path / "other.pcap", "10.1.0.1", other)).wait(60) == 0
    wait(lambda: "signature.1.2" in {a["rule"]["id"] for a in house.alerts().values()}, house.told)
    found = {a["rule"]["id"] for a in house.alerts().values()}
    assert found == {"signature.1.1", "signature.1.2", "signature.1.3", "signature.1.9"}
    packets = len(one) + len(other)
    [sensor] = wait(lambda: seen(house, packets), house.told)
    assert (sensor["packets"], sensor["dropped"]) == (packets, 0)
    assert sensor["rules"]["blocks"] > 0
    assert sensor["rules"]["missing"] == 0

    sender = sending(
        wire, capture(tmp_path / "second.pcap", "10.1.0.2", [*itertools.chain(*conversation(150))])
    )
    wait(lambda: any(a["source"]["ip"] == "10.1.0.2" for a in house.alerts().values()), house.told)
    house.end(signal.SIGKILL)  # in the middle of the second
    house.start_again()
    wait(lambda: logged(house, "capturing from interface:") == 2, house.told)
    assert sender.wait(60) == 0
    third = capture(tmp_path / "third.pcap", "10.1.0.3", [*itertools.chain(*conversation(5))])
    assert sending(wire, third).wait(60) == 0
    wait(lambda: any(a["source"]["ip"] == "10.1.0.3" for a in house.alerts().values()), house.told)
    assert house.end() == 0

    kept = sorted((house.data / "packets" / wire.far).glob("*.pcap"))
    assert len(kept) == 2  # one a session
    plain = Citywall(tmp_path / "plain")
    (tmp_path / "last.rules").write_text(RULES + NEW)
    plain.run(*kept, "--rules", tmp_path / "last.rules")
    again, live = told(plain.alerts()), told(house.alerts())
    assert {each for each in live if each[0] != "signature.1.9"} == {
        each for each in again if each[0] != "signature.1.9"
    }
    assert len(again) >= 6


def test_rules_come_to_a_service_that_has_none(house: House, wire: Any, tmp_path: Path):
    house.start("--interface", wire.far, inside=("ip", "netns", "exec", wire.space))
    wait(lambda: logged(house, "capturing from interface:") == 1, house.told)
    (tmp_path / "own.rules").write_text(NEW)
    assert house.act("ann", "rules", "update", tmp_path / "own.rules")["version"] == 1
    beats = [udp(b"beat %d" % i, dport=4000) for i in range(100)]
    assert sending(wire, capture(tmp_path / "one.pcap", "10.1.0.1", beats)).wait(60) == 0
    wait(lambda: "signature.1.9" in {a["rule"]["id"] for a in house.alerts().values()}, house.told)
    assert logged(house, "rules of version 1 are in use") == 1
    assert house.end() == 0


def logged(house: House, words: str) -> int:
    """How often the service has said something in its log."""
    log = house.data / "logs" / "citywall.log"
    return log.read_text("utf-8").count(words) if log.exists() else 0


def seen(house: House, packets: int) -> list[dict[str, Any]]:
    """The sensor, once all packets are worked and rules have them."""
    return [
        s
        for s in house.status()["sensors"]
        if s["packets"] >= packets and s["rules"] is not None and s["rules"]["behind_s"] < 1
    ]
