"""Zeek JSON lines: forms of time, names, lines that are none."""

from __future__ import annotations

import json

import pytest

from ingest.flowlogs.zeek_json import ZeekJson

LINE = {
    "ts": 1700828217.314165,
    "id.orig_h": "192.0.2.1",
    "id.orig_p": 4000,
    "id.resp_h": "192.0.2.2",
    "id.resp_p": 22,
    "proto": "tcp",
    "conn_state": "S0",
}


def test_sniff():
    parser = ZeekJson()
    assert parser.sniff(json.dumps(LINE).encode())
    assert parser.sniff(b"\n{broken\n" + json.dumps(LINE).encode())
    dns = {k: v for k, v in LINE.items() if k != "conn_state"} | {"query": "x"}
    assert not parser.sniff(json.dumps(dns).encode())
    assert not parser.sniff(b'[1, 2]\n3\n"x"')
    assert not parser.sniff(b"[" * 100_000)
    assert not parser.sniff(b"")


@pytest.mark.parametrize(
    ("ts", "want"),
    [
        (1700828217.314165, 1_700_828_217_314_165_000),
        (1700828217314, 1_700_828_217_314_000_000),
        ("2023-11-24T12:16:57.314165Z", 1_700_828_217_314_165_000),
        ("1700828217.5", 1_700_828_217_500_000_000),
    ],
)
def test_times(tmp_path, parse_file, ts, want):
    path = tmp_path / "conn.log"
    path.write_text(json.dumps(LINE | {"ts": ts}))
    assert parse_file(path).reports["first"].tolist() == [want]


def test_names_with_underscores(tmp_path, parse_file):
    path = tmp_path / "conn.log"
    path.write_text(json.dumps({k.replace(".", "_"): v for k, v in LINE.items()}))
    assert parse_file(path).reports["dst_port"].tolist() == [22]


def test_bad_lines_are_counted_and_the_rest_goes_on(tmp_path, parse_file):
    good = json.dumps(LINE)
    path = tmp_path / "conn.log"
    path.write_bytes(
        b"\n".join(
            [
                good.encode(),
                b"",
                b"not json",
                good.encode()[:-9],
                b"\xff\xfe{}",
                b"null",
                b'{"id": {"orig_h": 1}}',
                good.encode(),
                b"\0" * 50,
            ]
        )
    )
    batch = parse_file(path)
    assert len(batch.reports) == 2
    assert batch.flow_lines.tolist() == [1, 8]
    assert batch.errors.counts == {"not_json": 5, "missing_field": 1}
    assert batch.errors.places["not_json"] == [3, 4, 5, 6, 9]


def test_lines_of_other_logs_in_one_stream(tmp_path, parse_file):
    path = tmp_path / "conn.log"
    path.write_text("\n".join(json.dumps({"_path": p} | LINE) for p in ("conn", "dns", "conn")))
    batch = parse_file(path)
    assert (len(batch.reports), batch.errors.counts) == (2, {"other_log": 1})


def test_the_vertical_scan_of_the_samples(shared_data, parse_file):
    batch = parse_file(shared_data / "captures/zeek/portscan-vertical/conn.log")
    assert len(batch.reports) == 50
    assert batch.errors.counts == {}
    tried = batch.reports[(batch.reports["proto"] == 6) & (batch.reports["dst_flags"] & 2 == 0)]
    assert len(tried) == 43
    assert set(tried["first_flags"]) == {2}
    assert set(tried["dst_flags"]) == {20}  # refused
    assert len(set(tried["dst_port"].tolist())) > 30
    assert len({(int(r["dst_hi"]), int(r["dst_lo"])) for r in tried}) == 1


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("test9-mixed-zeek-dir", 576),
        ("test13-malicious-dhcpscan-zeek-dir", 2),
        ("test14-malicious-zeek-dir", 5),
        ("test15-malicious-zeek-dir", 2),
    ],
)
def test_samples_load_completely(shared_data, parse_file, zeek_row, same_rows, name, rows):
    path = shared_data / "captures/zeek" / name
    batch = parse_file(path)
    assert (len(batch.reports), batch.errors.counts) == (rows, {})
    records = [
        json.loads(line, parse_float=str, parse_int=str)
        for line in (path / "conn.log").read_text().splitlines()
    ]
    known = [{k: v for k, v in record.items() if isinstance(v, str)} for record in records]
    same_rows(batch.reports, [zeek_row(record) for record in known])
