from __future__ import annotations

from pathlib import Path

import pytest

from citywall.errors import InputError
from console.judging import manifest

HEADER = "split,file,class,attack,attacker,victim,expected_detection,ground_truth_basis,format\n"


def write(folder: Path, *rows: str) -> Path:
    path = folder / "MANIFEST.csv"
    path.write_text(HEADER + "".join(row + "\n" for row in rows), "utf-8")
    return path


def test_rows(tmp_path: Path):
    path = write(
        tmp_path,
        'dev,pcap/a.pcap,dos,x,"37,623 spoofed sources",10.10.10.10:25565,SYN flood,inspected-by-us,pcap',
        "dev,pcap/b.pcap,benign,none,-,-,no high-severity alert,upstream-test,pcap dl1",
        "dev,pcap/c.pcap,ics,covert,1.2.3.4,-,ICS covert channel (hard; informational),x,pcap dl1",
    )
    flood, benign, covert = manifest.read(path, "en")
    assert (flood.attack, flood.benign, flood.basis) == ("dos", False, "inspected-by-us")
    assert flood.hosts.covers("10.10.10.10")
    assert benign.benign
    assert not benign.hosts
    assert covert.informational
    assert not flood.informational


@pytest.mark.parametrize(
    ("class_", "expected", "attack"),
    [
        ("scan", "anything", "scan"),
        ("dos", "port scan", "dos"),
        ("zeek-logs", "vertical port scan", "scan"),
        ("zeek-logs", "SMTP login bruteforce; repeated reconnection attempts", "bruteforce"),
        ("binetflow", "Horizontal port scan to port rdp 3389/tcp", "scan"),
        ("binetflow", "Long Connection (Slips); per-flow labels", "long-conn"),
        ("ics", "recon on ICS; per-packet label CSV", "scan"),
        ("zeek-logs", "DHCP scan (many requested addresses)", "scan"),
        ("zeek-logs", "ARP to address outside; unsolicited ARP", "arp-spoof"),
        ("something-new", "flood", "something-new"),
    ],
)
def test_rows_classed_by_format_are_judged_by_what_is_expected(class_: str, expected: str, attack: str):
    assert manifest.attack_class(class_, expected) == attack


@pytest.mark.parametrize(
    ("form", "readable"),
    [
        ("pcap dl1", True),
        ("pcapng dl1", True),
        ("pcap dl113", True),
        ("pcap of ipfix", False),
        ("zeek json", True),
        ("zeek tsv", True),
        ("argus binetflow csv", True),
        ("suricata EVE jsonl", False),
        ("v5 UDP payload(s), in order listed in expected.json", False),
        ("domain list", False),
    ],
)
def test_readable(form: str, readable: bool):
    assert manifest.readable(form) == readable


def test_sources(tmp_path: Path):
    (tmp_path / "a.pcap").touch()
    (tmp_path / "zeek").mkdir()
    (tmp_path / "zeek" / "conn.log").touch()
    (tmp_path / "empty").mkdir()
    rows = manifest.read(
        write(
            tmp_path,
            "dev,a.pcap,scan,x,-,-,x,b,pcap dl1",
            "dev,zeek,zeek-logs,x,-,-,x,b,zeek json",
            "dev,empty,zeek-logs,x,-,-,x,b,zeek json",
            "dev,gone.pcap,scan,x,-,-,x,b,pcap dl1",
            "dev,eve.json,eve,x,-,-,x,b,suricata EVE jsonl",
            "dev,list.txt,dga,x,-,-,x,b,domain list",
            "dev,sflow,netflow,x,-,-,x,b,pcap of sflow",
        ),
        "en",
    )
    found = [manifest.source(row, tmp_path, "en") for row in rows]
    assert found == [
        (tmp_path / "a.pcap", ""),
        (tmp_path / "zeek", ""),
        (None, "no logs in this folder"),
        (None, "the file is not there"),
        (None, "this version does not read: suricata EVE jsonl"),
        (None, "not traffic (dga)"),
        (None, "this version does not read: pcap of sflow"),
    ]


def test_bad_manifests(tmp_path: Path):
    with pytest.raises(InputError, match=r"absent\.csv: No such file"):
        manifest.read(tmp_path / "absent.csv", "en")
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="line 1: the manifest needs the columns file, class"):
        manifest.read(other, "en")
    other.write_bytes(b"file,class\xff\xfe\n")
    with pytest.raises(InputError):
        manifest.read(other, "en")


def test_the_real_manifest(shared_data: Path):
    path = shared_data / "captures" / "MANIFEST.csv"
    rows = manifest.read(path, "en")
    sources = {row.file: manifest.source(row, path.parent, "en")[0] for row in rows}
    captures = [row for row in rows if row.file.startswith("pcap/")]
    assert len(captures) == 60
    assert all(sources[row.file] is not None for row in captures)
    assert sum(row.benign for row in captures) == 14
    assert sources["zeek/portscan-vertical/conn.log"] is not None
    assert sources["zeek/test16-malicious-zeek-dir"] is not None
    assert all(sources[row.file] is None for row in rows if row.class_ in {"netflow", "eve", "ml", "rules"})
    assert all(row.hosts for row in captures if row.class_ in {"scan", "bruteforce", "dos"})
