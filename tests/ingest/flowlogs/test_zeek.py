"""What conn.log fields mean, on random records and on the ones that matter."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.batches import ACK, FIN, RST, SYN
from ingest.flowlogs import zeek

ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
COUNTS = st.integers(0, 1 << 40).map(str)
FIELDS = {
    "id.orig_p": st.integers(0, 65535).map(str),
    "id.resp_p": st.integers(0, 65535).map(str),
    "duration": st.floats(0, 1e5).map(repr),
    "orig_bytes": COUNTS,
    "resp_bytes": COUNTS,
    "orig_pkts": COUNTS,
    "resp_pkts": COUNTS,
    "orig_ip_bytes": COUNTS,
    "resp_ip_bytes": COUNTS,
    "conn_state": st.sampled_from([*zeek.STATES, "NEW"]),
    "history": st.text("ShAdDaFfRr^iIqQtcgw", min_size=1, max_size=8),
    "uid": st.text("abcXYZ019", min_size=4, max_size=8),
    "service": st.sampled_from(["dns", "http", "ssl,smtp"]),
}
RECORDS = st.builds(
    lambda needed, more: needed | more,
    st.fixed_dictionaries(
        {
            "ts": st.floats(0, 4e9).map(repr),
            "id.orig_h": ADDRESSES,
            "id.resp_h": ADDRESSES,
            "proto": st.sampled_from(["tcp", "udp", "icmp", "unknown_transport", "TCP"]),
        }
    ),
    st.fixed_dictionaries({}, optional=FIELDS),
)
SPOILT = st.tuples(
    st.sampled_from(["ts", "id.orig_h", "proto", "id.resp_p", "orig_pkts"]),
    st.text("x-:", min_size=2, max_size=5),
)
TABLES = st.lists(st.tuples(RECORDS, st.none() | SPOILT), min_size=1, max_size=8)


def spoil(rows: list) -> list[dict[str, str]]:
    return [record | dict([bad]) if bad else record for record, bad in rows]


@settings(max_examples=30)
@given(rows=TABLES, order=st.randoms(use_true_random=False), chunk=st.sampled_from([1, 200, 1 << 20]))
def test_tables_of_either_kind(rows, order, chunk, tmp_path_factory, zeek_row, same_rows, parse_file):
    records = spoil(rows)
    names = sorted({name for record in records for name in record} | {"conn_state"})
    order.shuffle(names)
    folder = tmp_path_factory.mktemp("zeek")
    table = [
        "#separator \\x09",
        "#set_separator\t,",
        "#empty_field\t(empty)",
        "#unset_field\t-",
        "#path\tconn",
        "#fields\t" + "\t".join(names),
        "#types\t" + "\t".join("string" for _ in names),
    ]
    table += ["\t".join(record.get(name, "-") for name in names) for record in records]
    (folder / "conn.log").write_text("\n".join([*table, "#close\t2026-01-01-00-00-00", ""]))
    (folder / "json.log").write_text(
        json.dumps(
            {"ts": 0, "id.orig_h": "1.1.1.1", "id.resp_h": "1.1.1.1", "proto": "udp", "conn_state": "S0"}
        )
        + "\n"
        + "\n".join(json.dumps(record) for record in records)
    )
    # "-" means unset in a table only
    for path, unset in (("conn.log", {"-"}), ("json.log", set())):
        read = [{k: v for k, v in record.items() if v not in unset} for record in records]
        wanted = [zeek_row(record) for record in read]
        got = parse_file(folder / path, chunk)
        extra = path == "json.log"
        same_rows(got.reports[extra:], [row for row in wanted if row is not None])
        assert sum(got.errors.counts.values()) == wanted.count(None)


def row_of(tmp_path: Path, parse_file, **fields: object):
    base = {
        "ts": 5.5,
        "id.orig_h": "10.0.0.1",
        "id.orig_p": 4000,
        "id.resp_h": "10.0.0.2",
        "id.resp_p": 22,
        "proto": "tcp",
        "conn_state": "SF",
    }
    path = tmp_path / "conn.log"
    good, asked = base, {k: v for k, v in (base | fields).items() if v is not None}
    path.write_text(json.dumps(good) + "\n" + json.dumps(asked) + "\n")
    batch = parse_file(path)
    return batch.reports[1] if len(batch.reports) > 1 else batch.errors.counts


@pytest.mark.parametrize(
    ("state", "src", "dst", "first"),
    [
        ("S0", SYN, 0, SYN),
        ("REJ", SYN, RST | ACK, SYN),
        ("SF", SYN | ACK | FIN, SYN | ACK | FIN, SYN),
        ("RSTO", SYN | ACK | RST, SYN | ACK, SYN),
        ("OTH", 0, 0, ACK),
    ],
)
def test_states_alone_tell_the_outcome(tmp_path, parse_file, state, src, dst, first):
    row = row_of(tmp_path, parse_file, conn_state=state)
    assert (row["src_flags"], row["dst_flags"], row["first_flags"]) == (src, dst, first)


def test_udp_has_no_flags(tmp_path, parse_file):
    row = row_of(tmp_path, parse_file, proto="udp", history="ShADad")
    assert (row["src_flags"], row["dst_flags"], row["first_flags"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("ports", "kind", "code"),
    [((8, 0), 8, 0), ((3, 3), 3, 3), ((11, 0), 11, 0), ((13, 14), 13, 0)],
)
def test_icmp(tmp_path, parse_file, ports, kind, code):
    row = row_of(tmp_path, parse_file, proto="icmp", **{"id.orig_p": ports[0], "id.resp_p": ports[1]})
    assert (row["icmp_type"], row["icmp_code"], row["src_port"], row["dst_port"]) == (kind, code, 0, 0)
    assert row["proto"] == 1


def test_icmp_over_ipv6_is_icmpv6(tmp_path, parse_file):
    both = {"id.orig_h": "fd00::1", "id.resp_h": "fd00::2", "id.orig_p": 128, "id.resp_p": 129}
    row = row_of(tmp_path, parse_file, proto="icmp", **both)
    assert (row["proto"], row["icmp_type"], row["icmp_code"], row["version"]) == (58, 128, 0, 6)


def test_vlans_and_macs(tmp_path, parse_file):
    macs = {"orig_l2_addr": "02:00:00:00:00:0a", "resp_l2_addr": "junk"}
    path = tmp_path / "conn.log"
    row = row_of(tmp_path, parse_file, vlan=100, inner_vlan=7, **macs)
    assert (row["vlan"], row["domain"]) == (100 << 12 | 7, 100 << 12 | 7)
    closed = parse_file(path).closed[1]
    assert (closed["src_mac"], closed["dst_mac"]) == (0x02000000000A, 0)
    assert row_of(tmp_path, parse_file, vlan=7)["vlan"] == 7
    assert row_of(tmp_path, parse_file, vlan=5000) == {"bad_number": 1}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"ts": None}, "missing_field"),
        ({"ts": "soon"}, "bad_time"),
        ({"ts": 8e9}, "bad_time"),
        ({"ts": -1}, "bad_time"),
        ({"id.orig_h": "10.0.0.256"}, "bad_address"),
        ({"id.resp_h": "fd00::1"}, "bad_address"),
        ({"id.resp_p": 65536}, "bad_port"),
        ({"proto": "carrier pigeon"}, "bad_protocol"),
        ({"duration": -1}, "bad_number"),
        ({"orig_pkts": "many"}, "bad_number"),
        ({"_path": "dns"}, "other_log"),
        ({"proto": ["tcp"]}, "bad_protocol"),
        ({"duration": 1e30}, "bad_number"),
    ],
)
def test_bad_fields_are_told_apart(tmp_path, parse_file, fields, reason):
    assert row_of(tmp_path, parse_file, **fields) == {reason: 1}


def test_numbered_protocols(tmp_path, parse_file):
    assert row_of(tmp_path, parse_file, proto="47")["proto"] == 47
    assert row_of(tmp_path, parse_file, proto="unknown_transport", ip_proto=89)["proto"] == 89


def test_payload_claimed_beyond_the_packets_is_cut(tmp_path, parse_file):
    row = row_of(tmp_path, parse_file, orig_bytes=4_000_000_000, orig_pkts=2, orig_ip_bytes=80)
    assert (row["src_payload"], row["src_bytes"], row["src_packets"]) == (80, 80, 2)
