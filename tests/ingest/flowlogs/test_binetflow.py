"""Argus rows against a naive reading, and the samples."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.addresses import to_words
from citywall.batches import ACK, ARP_REPLY, ARP_REQUEST, FIN, PSH, RST, SYN
from ingest.flowlogs import binetflow
from ingest.flowlogs.binetflow import Binetflow, Columns
from ingest.flowlogs.files import read_chunk
from ingest.flowlogs.lines import split
from ingest.flowlogs.registry import PARSERS, chunks, parse

HEADER = (
    "StartTime",
    "Dur",
    "Proto",
    "SrcAddr",
    "Sport",
    "Dir",
    "DstAddr",
    "Dport",
    "State",
    "sTos",
    "dTos",
    "TotPkts",
    "TotBytes",
    "SrcBytes",
    "SrcPkts",
    "Label",
)
CTU13 = tuple(name for name in HEADER if name != "SrcPkts")
BITS = {letter: 1 << i for i, letter in enumerate("FSRPAUEC")}
V4 = st.ip_addresses(v=4).map(str)


@st.composite
def rows(draw: st.DrawFn) -> dict[str, str]:
    src_packets, dst_packets = draw(st.integers(1, 1000)), draw(st.integers(0, 1000))
    src_bytes, dst_bytes = draw(st.integers(0, 10**6)), draw(st.integers(0, 10**6)) if dst_packets else 0
    flags = [draw(st.lists(st.sampled_from("FSRPAEC"), unique=True)) for _ in range(2)]
    return {
        "StartTime": draw(
            st.datetimes(
                min_value=datetime.fromisoformat("1971-01-01"), max_value=datetime.fromisoformat("2100-01-01")
            )
        ).strftime("%Y/%m/%d %H:%M:%S.%f"),
        "Dur": f"{draw(st.floats(0, 3600)):.6f}",
        "Proto": draw(st.sampled_from(["tcp", "udp"])),
        "SrcAddr": draw(V4),
        "Sport": draw(st.integers(0, 65535).map(lambda n: draw(st.sampled_from([str(n), hex(n)])))),
        "Dir": draw(st.sampled_from(["   ->", "  <->", "  <?>", "   ?>", "  <-"])),
        "DstAddr": draw(V4),
        "Dport": str(draw(st.integers(0, 65535))),
        "State": "_".join("".join(side) for side in flags),
        "sTos": "0",
        "dTos": "",
        "TotPkts": str(src_packets + dst_packets),
        "TotBytes": str(src_bytes + dst_bytes),
        "SrcBytes": str(src_bytes),
        "SrcPkts": str(src_packets),
        "Label": draw(st.sampled_from(["", "flow=Background", "a, b"])),
    }


def naive(row: dict[str, str]) -> dict[str, int]:
    when = datetime.strptime(row["StartTime"], "%Y/%m/%d %H:%M:%S.%f").replace(tzinfo=UTC)
    first = int((when - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 10**9 + when.microsecond * 1000
    flags = [sum(BITS[c] for c in side) for side in row["State"].split("_")]
    tcp = row["Proto"] == "tcp"
    sides = []
    src_bytes, src_packets = int(row["SrcBytes"]), int(row["SrcPkts"])
    sizes = [src_bytes, int(row["TotBytes"]) - src_bytes]
    packets = [src_packets, int(row["TotPkts"]) - src_packets]
    ports = [int(row["Sport"], 0), int(row["Dport"])]
    for i, address in enumerate((row["SrcAddr"], row["DstAddr"])):
        head = packets[i] * (14 + 20 + (32 if tcp else 8))
        payload = max(0, sizes[i] - head) if not tcp or flags[i] & PSH else 0
        sides.append(
            {
                "lo": to_words(address)[1],
                "port": ports[i],
                "packets": packets[i],
                "bytes": sizes[i],
                "payload": payload,
                "flags": flags[i] if tcp else 0,
            }
        )
    if row["Dir"].strip() == "<-":
        sides.reverse()
    want = {
        f"{name}_{what}": side[what]
        for name, side in zip(("src", "dst"), sides, strict=True)
        for what in side
    }
    starts = want["src_flags"]
    return want | {
        "first": first,
        "last": first + int(Decimal(row["Dur"]) * 10**9),
        "proto": 6 if tcp else 17,
        "first_flags": SYN if starts & SYN else starts & ~(FIN | RST),
        "version": 4,
    }


def text(table: list[dict[str, str]], header=HEADER, separator=",") -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, header, delimiter=separator, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return out.getvalue()


@settings(max_examples=40)
@given(
    st.lists(rows(), min_size=1, max_size=6),
    st.sampled_from([",", "\t"]),
    st.randoms(use_true_random=False),
    st.sampled_from([1, 300, 1 << 20]),
)
def test_random_tables(tmp_path_factory, parse_file, same_rows, table, separator, order, chunk):
    path = tmp_path_factory.mktemp("argus") / "x.binetflow"
    header = list(HEADER[1:])
    order.shuffle(header)
    path.write_text(text(table, ("StartTime", *header), separator))
    batch = parse_file(path, chunk)
    assert batch.errors.counts == {}
    same_rows(batch.reports, [naive(row) for row in table])
    assert batch.closed["flow_id"].tolist() == batch.reports["flow_id"].tolist()


ROW = {
    "StartTime": "2018/12/18 14:00:00.5",
    "Dur": "1.0",
    "Proto": "tcp",
    "SrcAddr": "10.0.0.1",
    "Sport": "4000",
    "Dir": "   ->",
    "DstAddr": "10.0.0.2",
    "Dport": "22",
    "State": "S_RA",
    "sTos": "0",
    "dTos": "0",
    "TotPkts": "5",
    "TotBytes": "300",
    "SrcBytes": "200",
    "SrcPkts": "3",
    "Label": "",
}


def one(tmp_path, parse_file, header=HEADER, **fields: str):
    path = tmp_path / "x.binetflow"
    path.write_text(text([ROW | fields], header))
    return parse_file(path)


def test_sniff():
    parser = Binetflow()
    for separator in ",\t;|":
        assert parser.sniff(text([ROW], separator=separator).encode())
    assert not parser.sniff(b"StartTime,Dur,Proto\n1,2,3\n")
    assert not parser.sniff(b"starttime: 5")
    assert not parser.sniff(b"")


@pytest.mark.parametrize(
    ("state", "src", "dst"),
    [
        ("S_", SYN, 0),
        ("S_RA", SYN, RST | ACK),
        ("REQ", SYN, 0),
        ("S0", SYN, 0),
        ("REJ", SYN, RST | ACK),
        ("CON", SYN | ACK, SYN | ACK),
        ("FIN", SYN | ACK | FIN, SYN | ACK | FIN),
        ("", 0, 0),
        ("WHAT", 0, 0),
    ],
)
def test_states(tmp_path, parse_file, state, src, dst):
    row = one(tmp_path, parse_file, State=state).reports[0]
    assert (row["src_flags"], row["dst_flags"]) == (src, dst)


@pytest.mark.parametrize(
    ("proto", "sport", "dport", "state", "want"),
    [
        ("icmp", "0x0008", "0x7208", "ECO", (1, 8, 0)),
        ("icmp", "0x0303", "0x0ecc", "URP", (1, 3, 3)),
        ("icmp", "0x0d03", "", "URFIL", (1, 3, 13)),
        ("icmp", "", "", "ECO", (1, 8, 0)),
        ("icmp", "", "", "URH", (1, 3, 1)),
        ("ipv6-icmp", "135", "0", "NNS", (58, 135, 0)),
    ],
)
def test_icmp(tmp_path, parse_file, proto, sport, dport, state, want):
    six = {"SrcAddr": "fe80::1", "DstAddr": "ff02::1"} if proto == "ipv6-icmp" else {}
    batch = one(tmp_path, parse_file, Proto=proto, Sport=sport, Dport=dport, State=state, **six)
    row = batch.reports[0]
    assert (row["proto"], row["icmp_type"], row["icmp_code"]) == want
    assert (row["src_port"], row["dst_port"]) == (0, 0)


def test_without_packets_of_the_source_they_are_halved(tmp_path, parse_file):
    row = one(tmp_path, parse_file, CTU13).reports[0]
    assert (row["src_packets"], row["dst_packets"]) == (3, 2)
    row = one(tmp_path, parse_file, CTU13, SrcBytes="300").reports[0]
    assert (row["src_packets"], row["dst_packets"]) == (5, 0)


def test_packets_and_bytes_of_both_sides(tmp_path, parse_file):
    path = tmp_path / "x.binetflow"
    path.write_text(
        "StartTime,Proto,SrcAddr,DstAddr,SrcPkts,DstPkts,SrcBytes,DstBytes\n1.5,udp,10.0.0.1,10.0.0.2,1,2,80,170\n"
    )
    row = parse_file(path).reports[0]
    assert [int(row[f"{s}_{w}"]) for s in ("src", "dst") for w in ("packets", "bytes", "payload")] == [
        1,
        80,
        38,
        2,
        170,
        86,
    ]
    assert row["first"] == 1_500_000_000


def test_address_resolution_becomes_events(tmp_path, parse_file):
    ask = {"Proto": "arp", "Dir": "  who", "Sport": "", "Dport": "", "State": "CON"}
    batch = one(tmp_path, parse_file, **ask)
    assert len(batch.reports) == 0
    assert batch.errors.counts == {}
    request, reply = batch.events
    assert (request["kind"], reply["kind"]) == (ARP_REQUEST, ARP_REPLY)
    assert (request["src_lo"], request["dst_lo"]) == (reply["dst_lo"], reply["src_lo"])
    assert request["src_lo"] == to_words("10.0.0.1")[1]
    silent = one(tmp_path, parse_file, **ask, TotPkts="3")
    assert silent.events["kind"].tolist() == [ARP_REQUEST]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"Proto": "llc", "SrcAddr": "00:00:00:00:00:00"}, "not_ip"),
        ({"Proto": "arp", "SrcAddr": "x"}, "not_ip"),
        ({"Proto": "man"}, "not_ip"),
        ({"StartTime": "yesterday"}, "bad_time"),
        ({"SrcAddr": ""}, "missing_field"),
        ({"DstAddr": "::1"}, "bad_address"),
        ({"Dport": "http"}, "bad_port"),
        ({"Proto": "carp"}, "bad_protocol"),
        ({"TotBytes": "-5"}, "bad_number"),
        ({"Dur": "long"}, "bad_number"),
        ({"Dport": "0x10000"}, "bad_port"),
    ],
)
def test_bad_rows_are_told_apart(tmp_path, parse_file, fields, reason):
    batch = one(tmp_path, parse_file, **fields)
    assert (len(batch.reports), batch.errors.counts, batch.errors.places) == (0, {reason: 1}, {reason: [2]})


@pytest.mark.parametrize("chunk", [1, 1 << 20])
def test_headers_come_again_and_lines_break(tmp_path, parse_file, chunk):
    path = tmp_path / "x.binetflow"
    path.write_text(text([ROW]) + "torn,li\n" + text([ROW], HEADER[:1] + HEADER[:0:-1], "\t") + "\x00\x01\n")
    batch = parse_file(path, chunk)
    assert batch.reports["dst_port"].tolist() == [22, 22]
    assert batch.errors.counts == {"too_few_columns": 2}
    assert batch.errors.places == {"too_few_columns": [3, 6]}


def test_absurd_counts_do_not_wrap(tmp_path, parse_file):
    most = str((1 << 63) - 1)
    row = one(
        tmp_path, parse_file, Proto="udp", TotPkts=most, TotBytes=most, SrcPkts=most, SrcBytes=most
    ).reports[0]
    assert (row["src_packets"], row["dst_packets"], row["src_payload"]) == (
        int(most),
        0,
        row["src_bytes"] - (1 << 48) // 42 * 42,
    )
    row = one(tmp_path, parse_file, SrcBytes="900", SrcPkts="9").reports[0]
    assert (row["src_bytes"], row["dst_bytes"], row["dst_packets"]) == (900, 0, 0)


def test_columns():
    assert Columns('"StartTime","Runtime",Label').names == ["StartTime", "Dur", "Label"]
    assert Columns("").names == []


@pytest.mark.parametrize(
    ("name", "rows_", "events", "errors"),
    [("test3-mixed", 89, 0, {}), ("test11-portscan", 66, 0, {}), ("test5-mixed", 296, 3, {"not_ip": 2})],
)
def test_samples_load_completely(shared_data, parse_file, name, rows_, events, errors):
    batch = parse_file(shared_data / f"captures/binetflow/{name}.binetflow")
    assert (len(batch.reports), len(batch.events), batch.errors.counts) == (rows_, events, errors)


def test_scans_of_the_samples(shared_data, parse_file):
    vertical = parse_file(shared_data / "captures/binetflow/test11-portscan.binetflow").reports
    tcp = vertical[vertical["proto"] == 6]
    assert (len(set(tcp["dst_port"].tolist())), set(tcp["first_flags"]), set(tcp["dst_flags"])) == (
        20,
        {SYN},
        {0},
    )
    mixed = parse_file(shared_data / "captures/binetflow/test3-mixed.binetflow").reports
    rdp = mixed[(mixed["src_lo"] == to_words("46.166.151.160")[1]) & (mixed["dst_port"] == 3389)]
    assert len(rdp) == 28
    assert not (rdp["dst_flags"] & SYN).any()


@given(
    st.lists(
        st.sampled_from(
            [" ", "\t", '"', "StartTime", "starttime", "STARTTIME", ",", ";", "|", "x", " " * 9, "\n"]
        ),
        max_size=12,
    ).map("".join)
)
def test_what_is_a_heading_in_a_chunk_is_one_before_it(text: str):
    lines = split(text.encode(), 1)
    expected = [bool(binetflow._HEADER.match(lines.text(i).encode())) for i in range(len(lines))]
    assert binetflow._headings(lines).tolist() == expected


def test_a_heading_behind_blanks_counts_in_its_own_chunk(tmp_path: Path):
    text = (
        "\tStartTime,Proto,SrcAddr,Sport,DstAddr,Dport\n1970/01/01 00:00:01.5,tcp,10.0.0.1,4000,10.0.0.2,22\n"
    )
    (tmp_path / "log").write_text(text)
    told = []
    for size in (1, 1 << 20):
        batches = [
            parse(ref, read_chunk(ref))[0] for ref in chunks(tmp_path / "log", PARSERS["binetflow"], size)
        ]
        told.append((sum(len(b.reports) for b in batches), [b.errors for b in batches if b.errors]))
    assert told[0] == told[1]
