"""The shipped signatures told by a greeting, and of what domain controllers are asked by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from scapy.asn1.asn1 import ASN1_GENERAL_STRING, ASN1_INTEGER
from scapy.layers.inet import IP, TCP
from scapy.layers.kerberos import KRB_AS_REQ, KRB_KDC_REQ_BODY, Kerberos, PrincipalName
from scapy.layers.l2 import Ether
from scapy.packet import Packet
from scapy.utils import wrpcap

from rules.match.engine import Engine
from stream.matching import over_capture
from tests.rules.conftest import CLIENT, SERVER, tcp, udp
from tests.rules.test_pack import compiled, hello

SESSION, THEIRS = bytes(range(1, 9)), bytes(range(11, 19))
ANSWER = b"\x40" + THEIRS + b"\1\0\0\0\0" + SESSION + bytes(4)


def exchange(asked: bytes, answered: bytes, dport: int = 1194) -> list[Packet]:
    """One datagram and its answer."""
    return [udp(asked, dport=dport), udp(answered, dport=dport, back=True)]


def openvpn(tag: int) -> bytes:
    """A client's reset, signed with so many bytes (OpenVPN protocol, tls-auth)."""
    return b"\x38" + SESSION + bytes([7]) * tag + b"\0\0\0\1\x65\x5f\0\0" + bytes(5)


def framed(message: bytes) -> bytes:
    return len(message).to_bytes(2, "big") + message


def names(label: bytes) -> bytes:
    """A question for an address of `label`.test."""
    return b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + bytes([len(label)]) + label + b"\4test\0\0\1\0\1"


WIREGUARD = b"\1\0\0\0" + bytes(144)
CARRIED = [b"\4\0\0\0abcd" + i.to_bytes(8, "little") + bytes(32) for i in range(1, 25)]
UPGRADE = b"GET %s HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n%s\r\n"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"
TOKEN = b"Sec-WebSocket-Protocol: v1, authorization.bearer.eyJ0\r\n"
BANNER = b"\x82\x29SSH-2.0-OpenSSH_8.2p1 Ubuntu-4ubuntu0.5\r\n"
META = b" 42 672 0 0 4CDA99D712FD46DCDB0BE0852878B4AB\n"
GZIP = b"H4sICN03AAADdGVzdC50eHQAC8nILFYAokSF4tTkotQS"


def heartbeat(size: int, told: int) -> list[Packet]:
    """A ClientHello, its answer, and a heartbeat of `size` bytes that says it has `told`."""
    record = b"\x18\3\3" + told.to_bytes(2, "big") + bytes(size)
    answer = b"\x16\3\3\0\x2a\2\0\0\x26\3\3" + bytes(32) + b"\0\x13\1\0"
    return tcp([(0, hello("a.example")), (1, answer), (0, record)], dport=443)


def ticket(*kinds: int) -> bytes:
    """A request for a ticket under these kinds of encryption (RFC 4120, 5.4.1)."""
    asked = KRB_KDC_REQ_BODY(
        etype=[ASN1_INTEGER(kind) for kind in kinds], cname=PrincipalName.fromUPN("a@B.TEST"),
        realm=ASN1_GENERAL_STRING(b"B.TEST"), sname=PrincipalName.fromSPN("krbtgt/B.TEST"),
    )  # fmt: skip
    return bytes(Kerberos(root=KRB_AS_REQ(reqBody=asked)))


def reflected(sport: int, dport: int) -> list[Packet]:
    """Answers to a SYN that another sent in the client's name."""
    answer = Ether() / IP(src=SERVER, dst=CLIENT) / TCP(sport=sport, dport=dport, flags="SA", seq=1, ack=1)
    return [answer] * 25


def piped(stub: str) -> list[Packet]:
    """A call over a named pipe: a write over SMB 2 that holds a DCE/RPC request."""
    call = b"\5\0\0\3\x10\0\0\0" + bytes(24) + stub.encode("utf-16-le")
    message = b"\xfeSMB\x40\0" + bytes(6) + b"\x09\0" + bytes(50) + b"\x31\0\x70\0" + bytes(44) + call
    return tcp([(0, len(message).to_bytes(4, "big") + message)], dport=445)


#: What each rule speaks of, and what is nearly that.
GREETINGS: dict[int, tuple[list[Packet], list[Packet]]] = {
    9100204: (
        exchange(WIREGUARD, b"\2\0\0\0" + bytes(88)),
        exchange(WIREGUARD + b"\0", b"\2\0\0\0" + bytes(88)),
    ),
    9100205: (
        [udp(data, dport=51820) for data in CARRIED],
        [udp(data[:12] + b"\1" + data[13:], dport=51820) for data in CARRIED],
    ),
    9100213: (tcp([(0, b"0 think 17\n1" + META)], dport=655), tcp([(0, b"0 think 17\n2" + META)], dport=655)),
    9100214: (
        exchange(b"A", b"IP=192.0.2.7,PORT=51381", 5004),
        exchange(b"A", b"IP=192.0.2.7,PORT=51381;", 5004),
    ),
    9100215: (
        [udp(b"TS\xf0\x9f\x92\xac" + bytes(86), dport=41641)],
        [udp(b"TS\xf0\x9f\x92\xad" + bytes(86), dport=41641)],
    ),
    9100216: (
        tcp([(0, b"\5\1\0"), (1, b"\5\0"), (0, b"\5\1\0\1\1\2\3\4\0\x50"), (1, b"\5\0\0\1" + bytes(6))]),
        tcp([(0, b"\5\1\0"), (1, b"\5\0"), (0, b"\5\1\0\1\1\2\3\4\0\x50"), (1, b"\5\4\0\1" + bytes(6))]),
    ),
    9100217: (
        tcp([(1, b"\5\2"), (0, b"\1\1a\1b"), (1, b"\1\0"), (0, b"\5\1"), (1, b"\5\0\0\1" + bytes(6))]),
        tcp([(1, b"\5\2"), (0, b"\1\1a\1b"), (1, b"\1\1"), (0, b"\5\1"), (1, b"\5\0\0\1" + bytes(6))]),
    ),
    9100219: (
        tcp([(0, b"\4\1\0\x50\1\2\3\4user\0"), (1, b"\0\x5a" + bytes(6))], dport=1080),
        tcp([(0, b"\4\1\0\x50\1\2\3\4user\0"), (1, b"\0\x5b" + bytes(6))], dport=1080),
    ),
    9100220: (
        tcp([(0, UPGRADE % (b"/v1/events", TOKEN)), (1, SWITCHED)]),
        tcp([(0, UPGRADE % (b"/v1/events", b"Sec-WebSocket-Protocol: v1\r\n")), (1, SWITCHED)]),
    ),
    9100221: (
        tcp([(0, UPGRADE % (b"/a", b"")), (1, SWITCHED), (1, BANNER)]),
        tcp([(0, UPGRADE % (b"/a", b"")), (1, SWITCHED), (1, BANNER.replace(b"SSH", b"SSJ"))]),
    ),
    9100222: ([udp(names(GZIP))], [udp(names(GZIP[1:]))]),
    9100223: (heartbeat(40, 40), heartbeat(40, 41)),
    9100229: (reflected(21, 21), reflected(21, 22)),
    9100225: (piped("G$BCKUPKEY_PREFERRED"), piped("G$BACKUPKEY_PREFERRED")),
    9100226: (piped("domain admins"), piped("Domain Users")),
    9100227: ([udp(ticket(23), dport=88)], [udp(ticket(18, 23), dport=88)]),
}
GREETED: dict[str, Callable[[], tuple[int, list[Packet]]]] = {
    "unsigned": lambda: (9100210, exchange(openvpn(0)[:9] + bytes(5), ANSWER)),
    "sha1": lambda: (9100210, exchange(openvpn(20), ANSWER)),
    "sha256": lambda: (9100210, exchange(openvpn(32), ANSWER)),
    "sha512": lambda: (9100210, exchange(openvpn(64), ANSWER)),
    "crypt": lambda: (9100210, exchange(b"\x38" + SESSION + b"\0\0\0\1" + bytes(41), ANSWER)),
    "crypt-v2": lambda: (9100210, exchange(b"\x50" + SESSION + b"\x0f\0\0\1" + bytes(300), ANSWER)),
    "tcp": lambda: (
        9100212,
        tcp([(0, framed(openvpn(20))), (1, framed(ANSWER + bytes(28)))], dport=1194),
    ),
}


def told(engine: Engine, packets: list[Packet], path: Path) -> set[int]:
    wrpcap(str(path), packets)
    return {alert.rule.sid for alert in over_capture(path, engine.fresh())}


@pytest.mark.parametrize("sid", GREETINGS)
def test_tunnels_and_proxies_are_told_by_their_greeting(tmp_path: Path, sid: int):
    this, nearly = GREETINGS[sid]
    assert told(compiled(), this, tmp_path / "a.pcap") == {sid}
    assert told(compiled(), nearly, tmp_path / "b.pcap") == set()


@pytest.mark.parametrize("kind", GREETED)
def test_openvpn_is_told_however_it_signs(tmp_path: Path, kind: str):
    sid, packets = GREETED[kind]()
    assert told(compiled(), packets, tmp_path / "a.pcap") == {sid}
    asked_alone = [packet for packet in packets if packet.sport == 40000]
    assert told(compiled(), asked_alone, tmp_path / "b.pcap") == set()
