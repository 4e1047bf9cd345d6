"""The signatures that ship."""

from __future__ import annotations

from pathlib import Path

import msgspec

from citywall.settings import Settings
from drills.classes import CLASSES
from rules.match.engine import Engine
from rules.pack import ATTACK_CLASS, MESSAGE_ZH, SHIPPED, found
from stream.signatures import Signatures, over_capture

#: Which captures each signature must speak of; in benign ones none may.
KNOWN = {
    "web-attack/http_dvwa_sqlinjection.pcapng": {9100001, 9100002},
    "web-attack/http_dvwa_directorytraversal.pcapng": {9100004},
    "web-attack/WebattackRCE.pcap": {9100007, 9100020},
    "exploit/heartbleed.pcap": {9100030},
    "c2/exe_download.pcap": {9100041},
    "c2/C2_Foudre_Backdoor_DGA.pcapng": {9100042},
    "c2/mining.pcapng": {9100061},
    "lateral/20171220_smb_mimikatz_copy_to_host.pcap": {9100051},
    "covert/tor.pcap": {9100060},
    "ics/dnp3_select_operate.pcap": {9100070},
}


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
            assert set(rule.metadata[ATTACK_CLASS]) <= set(CLASSES), rule.sid
            assert rule.metadata[MESSAGE_ZH], rule.sid
            assert rule.metadata["mitre_technique_id"], rule.sid


def test_they_speak_of_attacks_and_not_of_benign_traffic(shared_data: Path):
    folder, engine = shared_data / "captures" / "pcap", Engine(shipped().rules.rules)
    for name, sids in KNOWN.items():
        assert {alert.rule.sid for alert in over_capture(folder / name, engine.fresh())} == sids, name
    for path in sorted((folder / "benign").glob("*.pcap*")):
        if path.suffix in {".pcap", ".pcapng"}:
            assert over_capture(path, engine.fresh()) == [], path.name


def test_the_name_stands_for_the_file(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert found(Path("shipped")) == SHIPPED
    (tmp_path / "shipped").touch()
    assert found(Path("shipped")) == tmp_path / "shipped"
