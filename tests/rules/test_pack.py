"""The signatures that ship."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
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
    "web-attack/WebattackRCE.pcap": {9100007, 9100020},
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
    folder, engine = shared_data / "captures" / "pcap", Engine(shipped().rules.rules)
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


@pytest.mark.parametrize("sid", TUNNELS)
def test_rules_without_a_capture_speak_of_what_they_are_about(tmp_path: Path, sid: int):
    wrpcap(str(tmp_path / "a.pcap"), TUNNELS[sid])
    found = over_capture(tmp_path / "a.pcap", Engine(shipped().rules.rules))
    assert {alert.rule.sid for alert in found} == {sid}
