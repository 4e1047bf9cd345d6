"""The signatures that ship."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import wrpcap

from citywall.findings import Severity
from citywall.settings import Settings
from drills.classes import CLASSES
from rules.cards import severity_of
from rules.match.engine import Engine
from rules.pack import ATTACK_CLASS, MESSAGE_ZH, SHIPPED, found
from stream.matching import over_capture
from stream.signatures import Signatures
from tests.rules.conftest import CLIENT, SERVER, tcp, udp

#: Which captures each signature must speak of; in benign ones none may.
KNOWN = {
    "web-attack/http_dvwa_sqlinjection.pcapng": {9100001, 9100002},
    "web-attack/http_dvwa_directorytraversal.pcapng": {9100004},
    "web-attack/WebattackRCE.pcap": {
        9100004,
        9100006,
        9100007,
        9100020,
        9100242,
        9100310,
    },  # requests alone, their beginnings unseen
    "exploit/heartbleed.pcap": {9100030},
    "c2/exe_download.pcap": {9100041},
    "c2/C2_Foudre_Backdoor_DGA.pcapng": {9100042},
    "c2/mining.pcapng": {9100061, 9100062},
    "lateral/20171220_smb_mimikatz_copy_to_host.pcap": {9100051},
    "covert/tor.pcap": {9100060},
    "dns-tunnel/dns-tunnel-iodine.pcap": {9100089},
    "dns-tunnel/dns_exfiltration.pcap": {9100088},
    "ics/dnp3_select_operate.pcap": {9100070},
}

#: Informational signatures that speak of benign captures.
FACTS = {"telnet.pcap": {9100081}, "ipv6.pcap": {9100080}}


def shipped() -> Signatures:
    rules = msgspec.structs.replace(Settings().rules, files=(str(SHIPPED),))
    return Signatures(msgspec.structs.replace(Settings(), rules=rules))


@cache
def compiled() -> Engine:
    return Engine(shipped().rules.rules)


def test_every_rule_is_understood_and_says_what_it_is_about():
    rules = shipped().rules
    assert (rules.rejected, rules.left_out) == ([], 0)
    assert len({rule.sid for rule in rules.rules}) == len(rules.rules) == rules.total
    for rule in rules.rules:
        assert 9_100_001 <= rule.sid <= 9_100_999
        if not rule.silent:
            # what is informational is a fact and no attack
            informational = severity_of(rule) is Severity.INFORMATIONAL
            assert (ATTACK_CLASS in rule.metadata) is not informational, rule.sid
            assert set(rule.metadata.get(ATTACK_CLASS, [])) <= set(CLASSES), rule.sid
            assert rule.metadata[MESSAGE_ZH], rule.sid
            assert rule.metadata["mitre_technique_id"], rule.sid


def test_they_speak_of_attacks_and_not_of_benign_traffic(shared_data: Path):
    folder, engine = shared_data / "captures" / "pcap", compiled()
    for name, sids in KNOWN.items():
        assert {alert.rule.sid for alert in over_capture(folder / name, engine.fresh())} == sids, name
    for path in sorted((folder / "benign").glob("*.pcap*")):
        if path.suffix in {".pcap", ".pcapng"}:
            told = {alert.rule.sid for alert in over_capture(path, engine.fresh())}
            assert told == FACTS.get(path.name, set()), path.name


def test_the_name_stands_for_the_file(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert found(Path("shipped")) == SHIPPED
    (tmp_path / "shipped").touch()
    assert found(Path("shipped")) == tmp_path / "shipped"


TUNNELS = {
    9100062: tcp([(1, b'{"method":"mining.notify","params":[1]}\n')], dport=3333),
    9100080: tcp([(1, b"220 ready\r\n"), (0, b"USER a\r\n"), (1, b"331\r\n"), (0, b"PASS b\r\n")], dport=21),
    9100082: tcp([(1, b"+OK\r\n"), (0, b"USER a\r\n"), (1, b"+OK\r\n"), (0, b"PASS b\r\n")], dport=110),
    9100090: tcp([(1, b"* OK\r\n"), (0, b"a1 LOGIN a b\r\n")], dport=143),
    9100083: tcp([(0, b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YTpi\r\n\r\n")]),
    9100086: tcp([(0, b'o\0\0\0{"version":"0.5","os":"linux","privilege_key":"x","run_id":""}')], dport=7000),
    9100087: [
        Ether()
        / IP(src=CLIENT, dst=SERVER)
        / ICMP(type=8, id=1, seq=1)
        / Raw(b"\xd5\x20\x08\x80" + bytes(24))
    ],
    9100088: [udp(b"\x12\x34\1\0\0\1\0\0\0\0\0\0\6dnscat\4abcd\0\0\x10\0\1")],
    9100089: [udp(b"\x12\x34\1\0\0\1\0\0\0\0\0\1\x0bvaaaakardli\1t\7example\0\0\x0a\0\1")],
}


def rpc(interface: str, *numbers: int, stub: bytes = b"", data: bytes = b"") -> list[Packet]:
    """Calls over DCE/RPC (C706 12.6.4) after their bind; `data` goes instead of them."""

    def unit(kind: int, body: bytes) -> bytes:
        return struct.pack("<BBBB4sHHI", 5, 0, kind, 3, b"\x10\0\0\0", 16 + len(body), 0, 1) + body

    syntax = UUID("8a885d04-1ceb-11c9-9fe8-08002b104860").bytes_le + b"\2\0\0\0"
    bind = (
        struct.pack("<HHIBxxxHBx", 4280, 4280, 0, 1, 0, 1) + UUID(interface).bytes_le + b"\1\0\0\0" + syntax
    )
    taken = struct.pack("<HHIH4sxxBxxxHH", 4280, 4280, 1, 4, b"135\0", 1, 0, 0) + syntax
    calls = [(0, data or unit(0, struct.pack("<IHH", len(stub), 0, number) + stub)) for number in numbers]
    return tcp([(0, unit(11, bind)), (1, unit(12, taken)), *calls], dport=49700)


SAMR, SRVSVC, WINREG = (
    "12345778-1234-abcd-ef00-0123456789ac", "4b324fc8-1670-01d3-1278-5a47bf6ee188",
    "338cd001-2244-31f1-aaaa-900038001003",
)  # fmt: skip
SPOOLSS, DRSUAPI = "12345678-1234-abcd-ef00-0123456789ab", "e3514235-4b06-11d1-ab04-00c04fc2dcd2"
MAPPER = "e1af8308-5d1f-11c9-91a4-08002b14a0fa"
#: Interface, number and arguments of calls; the same call with another number must not be told.
CALLS: dict[int, tuple[str, int, bytes]] = {
    9100100: ("367abb81-9844-35f1-ad32-98f038001003", 12, b""),
    9100101: ("86d35949-83c9-4044-b424-db363231fd0c", 1, b""),
    9100102: ("1ff70682-0a51-30e8-076d-740be8cee98b", 0, b""),
    9100110: (SPOOLSS, 65, b""),
    9100111: ("c681d488-d850-11d0-8c52-00c04fd90f7e", 0, b""),
    9100112: ("df1941c5-fe89-4e79-bf10-463657acf44d", 4, b""),
    9100113: ("4fc742e0-4a10-11cf-8273-00aa004ae673", 13, b""),
    9100114: ("a8e0653c-2744-4389-a61d-7373df8b2292", 8, b""),
    9100115: (SPOOLSS, 89, b""),
    9100116: ("76f03f96-cdfd-44fc-a22c-64950a001209", 39, b""),
    9100120: ("3dde7c30-165d-11d1-ab8f-00805f14db40", 0, bytes(400)),  # the public key is asked for in 64
    9100121: ("12345778-1234-abcd-ef00-0123456789ab", 43, b""),
    9100122: (WINREG, 31, b""),
    9100123: (DRSUAPI, 5, b""),
    9100124: (SAMR, 50, b""),
    9100125: (SAMR, 58, b""),
    9100130: (SAMR, 17, "Domain Admins".encode("utf-16-le")),
    9100131: (SRVSVC, 12, b""),
    9100132: (WINREG, 4, b""),
    9100133: (MAPPER, 2, bytes(8)),
    9100134: (SRVSVC, 15, b""),
    9100140: ("82273fdc-e32a-18c3-3f78-827929dc23ea", 0, b""),
    9100141: (SRVSVC, 31, "\\a\\..\\..\\b".encode("utf-16-le")),
}


@pytest.mark.parametrize("sid", CALLS)
def test_calls_are_told_by_interface_and_number(tmp_path: Path, sid: int):
    interface, number, stub = CALLS[sid]
    engine = compiled()
    for given_number, told in ((number, {sid}), (99, set())):
        wrpcap(str(tmp_path / "a.pcap"), rpc(interface, given_number, stub=stub or bytes(4)))
        assert {alert.rule.sid for alert in over_capture(tmp_path / "a.pcap", engine.fresh())} == told


@pytest.mark.parametrize(
    ("interface", "numbers", "told"),
    [(DRSUAPI, (16, 12, 3), {9100126}), (DRSUAPI, (12, 3), {9100126}), (DRSUAPI, (3,), set()),
     (DRSUAPI, (3, 12), set()), (MAPPER, (3, 16, 3), set())],
)  # fmt: skip
def test_a_directory_is_copied_by_who_asked_for_names_before(
    tmp_path: Path, interface: str, numbers: tuple[int, ...], told: set[int]
):
    """Directories that are kept alike only copy; and a question to the mapper names the interface, too."""
    named = UUID(DRSUAPI).bytes_le
    wrpcap(str(tmp_path / "a.pcap"), rpc(interface, *numbers, stub=named))
    assert {alert.rule.sid for alert in over_capture(tmp_path / "a.pcap", compiled().fresh())} == told


def mbap(data: bytes) -> bytes:
    return struct.pack(">HHHB", 1, 0, len(data) + 1, 1) + data


def s7(function: int) -> bytes:
    return b"\3\0\0\x20\2\xf0\x80\x32\1\0\0\0\1\0\x0c\0\0" + bytes([function]) + bytes(14)


def dnp3(function: int) -> bytes:
    return b"\5\x64\x08\xc4\1\0\2\0\0\0\xc0\xc0" + bytes([function]) + b"\0\0"


def cip(service: int, kind: int, data: bytes = b"") -> bytes:
    """An unconnected CIP request in EtherNet/IP (Volume 2, 2-4.7)."""
    asked = bytes([service, 2, 0x20, kind, 0x24, 1]) + data
    items = struct.pack("<IHHHHHH", 0, 0, 2, 0, 0, 0xB2, len(asked)) + asked
    return struct.pack("<HHIIQI", 0x6F, len(items), 7, 0, 0, 0) + items


def post(uri: str, body: str) -> bytes:
    return f"POST {uri} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def hello(name: str) -> bytes:
    """A ClientHello that names a server (RFC 8446, 4.1.2)."""
    server = name.encode()
    names = struct.pack(">HHHBH", 0, len(server) + 5, len(server) + 3, 0, len(server)) + server
    body = b"\3\3" + bytes(32) + b"\0" + b"\0\2\x13\1" + b"\1\0" + struct.pack(">H", len(names)) + names
    said = b"\1" + struct.pack(">I", len(body))[1:] + body
    return b"\x16\3\1" + struct.pack(">H", len(said)) + said


STUB = b"MZ" + bytes(76) + b"!This program cannot be run in DOS mode.\r\n$" + bytes(64)
SMB = {445: b"\0\0\0\x60\xfcSMB"}
#: What each rule speaks of, and what is nearly that.
SAID: dict[int, tuple[list[Packet], list[Packet]]] = {
    9100103: (
        tcp(
            [(0, b"\5\0\0\3" + bytes(40) + UUID("49b2791a-b1ae-4c90-9b8e-e860ba07f889").bytes_le)], dport=135
        ),
        tcp(
            [(0, b"\5\0\0\3" + bytes(40) + UUID("49b2791a-b1ae-4c90-9b8e-e860ba07f88a").bytes_le)], dport=135
        ),
    ),
    9100104: (
        tcp(
            [(0, b"\5\0\0\3" + bytes(40) + UUID("9ba05972-f6a8-11cf-a442-00a0c90a8f39").bytes_le)], dport=135
        ),
        tcp([(0, b"\5\0\0\3" + bytes(40))], dport=135),
    ),
    9100105: (
        tcp(
            [(0, b"\5\0\0\3" + bytes(40) + UUID("c08afd90-f2a1-11d1-8455-00a0c91f3880").bytes_le)], dport=135
        ),
        tcp([(0, b"\5\0\0\3" + bytes(40))], dport=135),
    ),
    9100106: (
        tcp([(0, b"\5\0\0\3" + bytes(40) + "ExecuteShellCommand".encode("utf-16-le"))], dport=49700),
        tcp([(0, b"\5\0\0\3" + bytes(40) + b"ExecuteShellCommand")], dport=49700),
    ),
    9100150: (
        tcp([(0, SMB[445] + b"\xff" * 4 + bytes(40))], dport=445),
        tcp([(0, SMB[445] + bytes(44))], dport=445),
    ),
    9100151: (
        tcp([(0, SMB[445] + bytes(8) + b"\xff" * 4 + bytes(40))], dport=445),
        tcp([(0, SMB[445] + bytes(8) + b"\xff" * 3 + bytes(41))], dport=445),
    ),
    9100153: (
        tcp([(0, b"\0\0\0\x4e\xffSMB\x32" + bytes(56) + b"\x0e\0" + bytes(12))], dport=445),
        tcp([(0, b"\0\0\0\x4e\xffSMB\x32" + bytes(56) + b"\x05\0" + bytes(12))], dport=445),
    ),
    9100160: (
        tcp([(0, b"GET /app/.env HTTP/1.1\r\nHost: a\r\n\r\n")]),
        tcp([(0, b"GET /app/environment HTTP/1.1\r\nHost: a\r\n\r\n")]),
    ),
    9100161: (
        tcp([(0, post("/a", "id=1 union all select 2"))]),
        tcp([(0, post("/a", "id=trade union: select a seat"))]),
    ),
    9100162: (tcp([(0, post("/a", "b=%3Cscript>"))]), tcp([(0, post("/a", "b=script"))])),
    9100170: (
        tcp([(0, post("/76N1Lm.php?n=x4tk7t4jo6", "z=" + "0f" * 40))]),
        tcp([(0, post("/76N1Lm.php?n=x4tk7t4jo6", "z=hello"))]),
    ),
    9100171: (
        [udp(b"\x12\x34\1\0\0\1\0\0\0\0\0\0\1l\2%02d\2ns\7example\0\0\x10\0\1" % i) for i in range(12)],
        [udp(b"\x12\x34\1\0\0\1\0\0\0\0\0\0\1l\2%02d\2ns\7example\0\0\1\0\1" % i) for i in range(12)],
    ),
    9100172: (
        tcp([(1, struct.pack("<I", len(STUB))), (1, STUB)], dport=4444),
        tcp([(1, struct.pack("<I", len(STUB))), (1, STUB.replace(b"DOS", b"VMS"))], dport=4444),
    ),
    9100175: (
        tcp([(0, b"\xf9\xbe\xb4\xd9version" + bytes(9))], dport=8333),
        tcp([(0, b"\xf9\xbe\xb4\xd9veracity" + bytes(9))], dport=8333),
    ),
    9100176: (
        tcp([(0, b"\1\x21\1\1\1\1\1\1" + bytes(25))], dport=18080),
        tcp([(0, b"\1\x21\1\1\1\1\1\2" + bytes(25))], dport=18080),
    ),
    9100177: (
        [udp(bytes([i]) * 97 + b"\1\xd8" + bytes(24), dport=30303) for i in range(5)],
        [udp(bytes([i]) * 97 + b"\x09\xd8" + bytes(24), dport=30303) for i in range(5)],
    ),
    9100180: (tcp([(0, dnp3(13))], dport=20000), tcp([(0, dnp3(1))], dport=20000)),
    9100181: ([udp(dnp3(14), dport=20000)], [udp(dnp3(1), dport=20000)]),
    9100182: (tcp([(0, dnp3(27))], dport=20000), tcp([(0, dnp3(1))], dport=20000)),
    9100183: ([udp(dnp3(25), dport=20000)], [udp(dnp3(1), dport=20000)]),
    9100184: ([udp(dnp3(4), dport=20000)], [udp(dnp3(3), dport=20000)]),
    9100185: (tcp([(0, s7(0x29))], dport=102), tcp([(0, s7(0x04))], dport=102)),
    9100186: (tcp([(0, s7(0x1A))], dport=102), tcp([(0, s7(0x05))], dport=102)),
    9100187: (tcp([(0, s7(0x1D))], dport=102), tcp([(0, s7(0xF0))], dport=102)),
    9100188: (tcp([(0, mbap(b"\x5a\0\x41"))], dport=502), tcp([(0, mbap(b"\x5a\0\x02"))], dport=502)),
    9100189: (tcp([(0, mbap(b"\x5a\0\x40"))], dport=502), tcp([(0, mbap(b"\x5a\0\x04"))], dport=502)),
    9100190: (tcp([(0, mbap(b"\x08\0\1\0\0"))], dport=502), tcp([(0, mbap(b"\x08\0\0\0\0"))], dport=502)),
    9100191: (tcp([(0, mbap(b"\x08\0\4\0\0"))], dport=502), tcp([(0, mbap(b"\x08\0\2\0\0"))], dport=502)),
    9100192: (tcp([(0, cip(5, 1))], dport=44818), tcp([(0, cip(1, 1))], dport=44818)),
    9100193: (tcp([(0, cip(7, 0x8E))], dport=44818), tcp([(0, cip(14, 0x8E))], dport=44818)),
    9100194: (tcp([(0, cip(6, 0x8E))], dport=44818), tcp([(0, cip(3, 0x8E))], dport=44818)),
    9100195: (
        tcp([(0, cip(4, 139, b"\1\0\6\0" + bytes(8)))], dport=44818),
        tcp([(0, cip(4, 140, b"\1\0\6\0" + bytes(8)))], dport=44818),
    ),
    9100196: (tcp([(0, cip(16, 245))], dport=44818), tcp([(0, cip(14, 245))], dport=44818)),
    9100197: (tcp([(0, cip(75, 161))], dport=44818), tcp([(0, cip(75, 160))], dport=44818)),
    9100198: (
        tcp([(0, hello("api.nordvpn.com"))], dport=443),
        tcp([(0, hello("notnordvpn.com"))], dport=443),
    ),
    9100199: (tcp([(0, hello("dns.google"))], dport=443), tcp([(0, hello("dns.google.example"))], dport=443)),
}


@pytest.mark.parametrize("sid", SAID)
def test_rules_speak_of_what_they_are_about_and_not_of_what_is_nearly_that(tmp_path: Path, sid: int):
    engine = compiled()
    for packets, told in zip(SAID[sid], ({sid}, set()), strict=True):
        wrpcap(str(tmp_path / "a.pcap"), packets)
        assert {alert.rule.sid for alert in over_capture(tmp_path / "a.pcap", engine.fresh())} == told


@pytest.mark.parametrize(
    ("device", "other", "told"),
    [(SERVER, "192.0.2.99", {9100201}), (CLIENT, "192.0.2.99", set()), (SERVER, SERVER, set())],
)
def test_a_commanded_device_that_commands_another(tmp_path: Path, device: str, other: str, told: set[int]):
    """The server answers its master; then it, or the master, writes a coil of a neighbour, or its own."""
    asked = tcp([(0, mbap(b"\x01\0\0\0\x08")), (1, mbap(b"\x01\1\0"))], dport=502)
    write = tcp([(0, mbap(b"\x05\0\1\xff\0"))], sport=40001, dport=502)
    names = {CLIENT: device, SERVER: other}
    for packet in write:
        packet[IP].src, packet[IP].dst = names[packet[IP].src], names[packet[IP].dst]
    wrpcap(str(tmp_path / "a.pcap"), [*asked, *write])
    assert {alert.rule.sid for alert in over_capture(tmp_path / "a.pcap", compiled().fresh())} == told


@pytest.mark.parametrize(("port", "told"), [(4444, {9100228}), (20000, set())])
@pytest.mark.parametrize("others", [1, 2])
def test_commanded_devices_that_speak_beside_what_commands_them(
    tmp_path: Path, port: int, told: set[int], others: int
):
    """Both answer a master, or one alone; then one sends the other something."""
    packets = []
    for device in (SERVER, "192.0.2.99")[:others]:
        for packet in tcp([(0, mbap(b"\x01\0\0\0\x08")), (1, mbap(b"\x01\1\0"))], dport=502):
            packet[IP].src = device if packet[IP].src == SERVER else packet[IP].src
            packet[IP].dst = device if packet[IP].dst == SERVER else packet[IP].dst
            packets.append(packet)
    names = {CLIENT: SERVER, SERVER: "192.0.2.99"}
    for packet in tcp([(0, b"a file"), (1, b"thanks")], sport=1617, dport=port):
        packet[IP].src, packet[IP].dst = names[packet[IP].src], names[packet[IP].dst]
        packets.append(packet)
    wrpcap(str(tmp_path / "a.pcap"), packets)
    found = {alert.rule.sid for alert in over_capture(tmp_path / "a.pcap", compiled().fresh())}
    assert found == (told if others == 2 else set())


@pytest.mark.parametrize("sid", TUNNELS)
def test_rules_without_a_capture_speak_of_what_they_are_about(tmp_path: Path, sid: int):
    wrpcap(str(tmp_path / "a.pcap"), TUNNELS[sid])
    found = over_capture(tmp_path / "a.pcap", compiled().fresh())
    assert {alert.rule.sid for alert in found} == {sid}
