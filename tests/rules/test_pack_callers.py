"""The shipped signatures of what malware says to its masters, told from what honest programs say."""

from __future__ import annotations

from pathlib import Path

import pytest
from scapy.compat import raw
from scapy.layers.inet import IP, TCP
from scapy.packet import Packet

from tests.rules.conftest import tcp
from tests.rules.test_pack import compiled
from tests.rules.test_pack_malware import PROGRAM, pings, told

OLD = "User-Agent: Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.1; Trident/4.0)"
SEALED = "Y2ExZjMwMDgx" * 20
NOISE = "".join(f"%{i:02X}%E1a" for i in range(1, 9))
NUMBERS = (0x0124).to_bytes(4, "little"), (0x9C9C).to_bytes(4, "little"), (0x9DC0).to_bytes(4, "little")
INNER = IP(src="203.0.113.1", dst="203.0.113.2", ttl=64) / TCP(sport=55555, dport=80, flags="S")


def asked(first: str, *headers: str, host: str = "a.example", body: str = "") -> list[Packet]:
    """One request with these headers."""
    size = [f"Content-Length: {len(body)}"] if body else []
    lines = [f"{first} HTTP/1.1", f"Host: {host}", *headers, *size, "", body]
    return tcp([(0, "\r\n".join(lines).encode("latin-1"))])


def answered(agent: str, body: bytes) -> list[Packet]:
    request = f"GET /a HTTP/1.1\r\nHost: a.example\r\nUser-Agent: {agent}\r\n\r\n".encode()
    return tcp([(0, request), (1, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)])


def added(total: bytes) -> list[Packet]:
    return tcp([(0, b"".join(number + bytes(4) for number in (*NUMBERS[:2], total)))], dport=443)


AZORULT = "User-Agent: Mozilla/4.0 (compatible; MSIE 6.0b; Windows NT 5.1)"
FORM = "Content-Type: application/x-www-form-urlencoded"
PARTS = "Content-Type: multipart/form-data; boundary=---------------------------a"
ACCEPTS = "Accept-Language: en"
#: What each rule speaks of, and what is nearly that.
SAID: dict[int, tuple[list[Packet], list[Packet]]] = {
    9100400: (asked("POST /", host="1QmM edu", body="a"), asked("POST /", host="1QmM.edu", body="a")),
    9100401: (
        asked("POST /a/index.php", AZORULT, body="a"),
        asked("POST /a/index.php", AZORULT.replace("6.0b", "6.0"), body="a"),
    ),
    9100402: (asked(f"GET /api/update/{SEALED}%3D"), asked(f"GET /api/update/{SEALED[:190]}")),
    9100403: (
        asked("POST /c9c/", OLD, "Origin: http://a.example", body="Rv=" + "lJXr(x~" * 20),
        asked("POST /c9c/", OLD, body="Rv=" + "lJXr(x~" * 20),
    ),
    9100404: (
        asked("POST /a/logs.php?id=1&hwid=1F8BFBFF000506E3", body="a"),
        asked("POST /a/logs.php?id=1&hwid=none", body="a"),
    ),
    9100405: (added(NUMBERS[2]), added(NUMBERS[1])),
    9100406: (
        tcp([(1, bytes.fromhex("09123b422d33a244fc018673"))], dport=5200),
        tcp([(1, bytes.fromhex("09123b422d330000fc018673"))], dport=5200),
    ),
    9100407: (
        asked("POST /a", FORM, body=f"qwIZ={NOISE}&Wdp={NOISE}&Dn={NOISE}&a=b"),
        asked("POST /a", FORM, body="&".join(f"name{c}=%E5%B8%82%E6%94%BF%E5%BA%9C%0D%0A" for c in "abcd")),
    ),
    9100408: (
        asked("POST /xqvsf/t2m11tv/", OLD, PARTS, ACCEPTS, host="198.51.100.9", body="a"),
        asked("POST /xqvsf/t2m11tv/", OLD, PARTS, ACCEPTS, host="192.168.0.9", body="a"),
    ),
    9100409: (
        asked("POST /a.cgi", OLD, host="198.51.100.9", body="a"),
        asked("POST /a.cgi", OLD, "Referer: http://198.51.100.9/", host="198.51.100.9", body="a"),
    ),
    9100410: (pings([raw(INNER)]), pings([raw(INNER) + b"a"])),
    9100411: (asked("GET /home.gif?41b8d=1076788"), asked("GET /home.gif?41b8d=1076788", "Accept: */*")),
    9100412: (
        asked("GET /a/misc.php?" + "572A56481F78D91A" * 10),
        asked("GET /a/misc.php?q=" + "572A56481F78D91A" * 10),
    ),
    9100413: (asked("GET /a/write.php?info=HOST-user%20Yx!k"), asked("GET /a/write.php?info=HOST")),
    9100414: (answered("Java/1.8.0_271", PROGRAM), answered("Java/1.8.0_271", b"PK\3\4" + PROGRAM)),
    9100416: (
        asked("POST /a.asp", host="198.51.100.9:443", body="a"),
        asked("POST /a.asp", "User-Agent: a", host="198.51.100.9:443", body="a"),
    ),
}


@pytest.mark.parametrize("sid", SAID)
def test_rules_speak_of_what_they_are_about_and_not_of_what_is_nearly_that(tmp_path: Path, sid: int):
    this, nearly = SAID[sid]
    assert told(compiled(), this, tmp_path / "a.pcap") == {sid}
    assert told(compiled(), nearly, tmp_path / "b.pcap") == set()


@pytest.mark.parametrize(
    ("sid", "packets"),
    [
        (9100061, tcp([(0, b'{"id":1,"jsonrpc":"2.0","method":"eth_getWork"}')], dport=8080)),
        (9100170, asked("POST /a-b/ap2.php?t=0d945bjs600ln", FORM, body="s=" + "88423057" * 16)),
        (9100309, asked("POST /1.php", FORM, body="aa=@eval%01(base64_decode($_POST[action]));&action=QGlu")),
    ],
)
def test_other_forms_of_the_same_are_told(tmp_path: Path, sid: int, packets: list[Packet]):
    assert told(compiled(), packets, tmp_path / "a.pcap") == {sid}
