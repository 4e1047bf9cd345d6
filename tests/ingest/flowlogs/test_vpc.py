"""VPC flow logs: columns by header or of version 2, directions joined by the reader."""

from __future__ import annotations

from ingest.flowlogs.lines import split
from ingest.flowlogs.vpc import NO_DATA, VERSION_2, Vpc

THERE = "2 123456789010 eni-1 10.0.0.5 192.0.2.9 49152 443 6 10 1840 1620140661 1620140721 ACCEPT OK"
BACK = "2 123456789010 eni-1 192.0.2.9 10.0.0.5 443 49152 6 8 9000 1620140661 1620140721 ACCEPT OK"
NONE = "2 123456789010 eni-1 - - - - - - - 1620140661 1620140721 - NODATA"


def parse(*lines: str):
    return Vpc().parse(split("".join(f"{line}\n" for line in lines).encode(), 1), "")


def test_sniff():
    assert Vpc().sniff(THERE.encode())
    assert Vpc().sniff(VERSION_2.encode() + b"\n" + THERE.encode())
    assert not Vpc().sniff(b"2 hello world")
    assert not Vpc().sniff(b"srcaddr\n")


def test_version_2_without_a_header():
    parsed = parse(THERE, NONE, THERE.replace("10.0.0.5", "nowhere"), "2 3 4")
    log = parsed.logged
    assert (log.src_port[0], log.dst_port[0], log.src_packets[0], log.src_bytes[0]) == (49152, 443, 10, 1840)
    assert (log.first[0], log.duration[0]) == (1_620_140_661_000_000_000, 60_000_000_000)
    assert parsed.oneway.tolist() == [True]
    assert parsed.others == {NO_DATA: 1}
    assert parsed.errors.counts == {"bad_address": 1, "too_few_columns": 1}


def test_columns_of_ones_own():
    parsed = parse(
        "srcaddr dstaddr protocol start end tcp-flags srcport dstport", "::1 2001:db8::1 6 5 6 18 1 2"
    )
    assert (parsed.logged.src_flags[0], parsed.logged.first_flags[0]) == (18, 2)
    assert parsed.errors.counts == {}


def test_directions_become_one_flow_whatever_the_chunks(tmp_path, read_file):
    path = tmp_path / "vpc.log"
    lines = [VERSION_2]
    for n in range(30):
        lines += [THERE.replace("49152", str(40_000 + n)), BACK.replace("49152", str(40_000 + n))]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    whole, _, reader = read_file(path)
    assert len(whole) == 30
    assert set(whole["dst_packets"].tolist()) == {8}
    assert set(whole["dst_port"].tolist()) == {443}
    assert reader.errors.counts == {}
    some, _, _ = read_file(path, 400)
    assert some.tolist() == whole.tolist()
