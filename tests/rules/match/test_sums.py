from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import wrpcap

from rules.language.parser import Parser
from rules.match.engine import Alert, Engine
from stream.matching import over_capture
from tests.rules.conftest import CLIENT, SERVER

NAMES = ("ipv4", "tcpv4", "tcpv6", "udpv4", "udpv6", "icmpv4", "icmpv6")
RULES = "\n".join(
    f"alert ip any any -> any any ({name}-csum:{word}; sid:{100 + 10 * i + (word == 'valid')};)"
    for i, name in enumerate(NAMES)
    for word in ("valid", "invalid")
)
FOUR, SIX = IP(src=CLIENT, dst=SERVER, options=[]), IPv6(src="2001:db8::1", dst="2001:db8::ffff")


def packets(data: bytes) -> dict[str, Packet]:
    """A packet of each kind."""
    return {
        "tcpv4": FOUR / TCP(options=[("MSS", 1460)]) / Raw(data),
        "tcpv6": SIX / TCP() / Raw(data),
        "udpv4": FOUR / UDP(sport=9, dport=9) / Raw(data),
        "udpv6": SIX / UDP(sport=9, dport=9) / Raw(data),
        "icmpv4": FOUR / ICMP(type=8) / Raw(data),
        "icmpv6": SIX / ICMPv6EchoRequest(data=data),
    }


def told(found: list[Alert]) -> list[tuple[int, str]]:
    return [(a.frame, NAMES[a.rule.sid // 10 - 10] + "+-"[a.rule.sid % 10 == 0]) for a in found]


@pytest.mark.parametrize("data", [b"", b"\xff", b"odd", b"even" * 301])
def test_right_and_wrong_ones_are_told_apart(alerts: Callable[..., list[Alert]], data: bytes):
    """Scapy reckons them; a packet behind another begins at an even place or an odd one."""
    made, expected = [], []
    for name, packet in packets(data).items():
        for wrong in (False, True):
            raw = bytearray(bytes(packet))
            raw[-1 if data else {"icmpv4": 25, "icmpv6": 44}.get(name, len(raw) - 5)] ^= wrong
            if wrong and not data and name.startswith("udp"):
                raw[20 if name == "udpv4" else 40] ^= 1
                raw[-5] ^= 1
            made.append(Ether() / Raw(bytes(raw)))
            made[-1][Ether].type = 0x0800 if packet.version == 4 else 0x86DD
            if packet.version == 4:
                expected.append((len(made), "ipv4+"))
            expected.append((len(made), name + "+-"[wrong]))
    assert sorted(told(alerts(RULES, made))) == sorted(expected)


def test_where_there_is_none_nothing_is_said(alerts: Callable[..., list[Alert]]):
    cut = bytes(Ether() / FOUR / TCP() / Raw(b"x" * 40))[:-9]
    none = Ether() / FOUR / UDP(sport=9, dport=9, chksum=0) / Raw(b"x")
    broken = Ether() / IP(src=CLIENT, dst=SERVER, chksum=7) / UDP(sport=9, dport=9) / Raw(b"x")
    assert told(alerts(RULES, [Ether(cut), none, broken])) == [
        (1, "ipv4+"), (2, "ipv4+"), (3, "ipv4-"), (3, "udpv4+"),
    ]  # fmt: skip


def test_where_nobody_reckons_all_are_right(tmp_path: Path):
    made = [Ether() / FOUR / TCP(chksum=7) / Raw(b"x"), Ether() / FOUR / UDP(sport=9, dport=9, chksum=0)]
    wrpcap(str(tmp_path / "a.pcap"), made)
    engine = Engine(Parser().text(RULES).rules)
    engine.checksums = False
    found = told(over_capture(tmp_path / "a.pcap", engine))
    assert found == [(1, "ipv4+"), (1, "tcpv4+"), (2, "ipv4+")]
