"""Zeek tables: headers in every form, twice, not at all."""

from __future__ import annotations

import pytest

from ingest.flowlogs.zeek_tsv import Header, ZeekTsv

FIELDS = ("ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "conn_state")
ROW = ("1.5", "Cx", "10.0.0.1", "4000", "10.0.0.2", "22", "tcp", "SF")


def table(fields=FIELDS, rows=(ROW,), separator="\t", **directives: str) -> str:
    told = {"set_separator": ",", "empty_field": "(empty)", "unset_field": "-", "path": "conn"} | directives
    lines = [f"#separator \\x{ord(separator):02x}", *(f"#{k}{separator}{v}" for k, v in told.items())]
    lines.append(separator.join(["#fields", *fields]))
    return "\n".join([*lines, *(separator.join(row) for row in rows), ""])


def sniffs(text: str) -> bool:
    return ZeekTsv().sniff(text.encode())


def test_sniff():
    assert sniffs(table())
    assert sniffs(table(("proto", "id.resp_h", "id.orig_h", "duration", "ts")))
    assert not sniffs(table(path="dns"))
    assert not sniffs(table(("ts", "id.orig_h", "id.resp_h", "proto", "query")))
    assert not sniffs(table(("ts", "proto", "conn_state")))
    assert not sniffs("\t".join(ROW))
    assert not sniffs("")
    assert not sniffs("#")


def test_columns_in_any_order_and_some_missing(tmp_path, parse_file):
    path = tmp_path / "conn.log"
    path.write_text(
        table(
            ("proto", "extra", "id.resp_h", "duration", "id.orig_h", "ts"),
            [("udp", "(empty)", "10.0.0.2", "-", "10.0.0.1", "3.25")],
        )
    )
    batch = parse_file(path)
    row = batch.reports[0]
    assert (row["first"], row["last"], row["proto"], row["src_port"]) == (3_250_000_000, 3_250_000_000, 17, 0)
    assert batch.flow_lines.tolist() == [7]


def test_another_separator_and_unset_field(tmp_path, parse_file):
    path = tmp_path / "conn.log"
    row = [*ROW[:3], "NIL", *ROW[4:]]
    path.write_text(table(rows=[row], separator="|", unset_field="NIL"))
    assert parse_file(path).reports[0]["src_port"] == 0


@pytest.mark.parametrize("chunk", [1, 60, 1 << 20])
def test_a_header_comes_again(tmp_path, parse_file, chunk):
    turned = table(FIELDS[::-1], [ROW[::-1], ROW[::-1]])
    dns = table(path="dns")
    path = tmp_path / "conn.log"
    path.write_text(table(rows=[ROW, ROW]) + "#close\t2026\n" + turned + dns + table())
    batch = parse_file(path, chunk)
    assert len(batch.reports) == 5
    assert len(set(batch.reports["flow_id"].tolist())) == 5
    assert len({(r["first"], r["src_lo"], r["dst_port"]) for r in batch.reports}) == 1
    assert batch.errors.counts == {"other_log": 1}


def test_lines_with_columns_too_few_or_too_many(tmp_path, parse_file):
    path = tmp_path / "conn.log"
    path.write_text(table(rows=[ROW[:-1], ROW, (*ROW, "x"), ("\0\0",)]))
    batch = parse_file(path)
    assert len(batch.reports) == 1
    assert batch.errors.counts == {"too_few_columns": 2, "too_many_columns": 1}
    assert batch.errors.places == {"too_few_columns": [7, 10], "too_many_columns": [9]}


def test_a_header_that_breaks_off(tmp_path, parse_file):
    path = tmp_path / "conn.log"
    path.write_text(table() + "#fields\n" + "\t".join(ROW) + "\n")
    batch = parse_file(path)
    assert len(batch.reports) == 1
    assert batch.errors.counts == {"no_header": 1}


def test_carriage_returns_and_no_last_newline(tmp_path, parse_file):
    path = tmp_path / "conn.log"
    path.write_text(table().replace("\n", "\r\n").removesuffix("\r\n"))
    assert len(parse_file(path).reports) == 1


def test_header_reading():
    told = Header("#separator \\x2c\n#fields,a,b\n#unset_field,?")
    assert (told.separator, told.columns, told.unset, told.is_conn) == (",", ["a", "b"], "?", True)
    assert Header("#separator \\x2c\\x2c\n#fields,,a").columns == []
    assert Header("").columns == []


def test_header_of_a_chunk_keeps_the_last_of_each():
    parser = ZeekTsv()
    first = parser.header(table().encode(), "")
    assert Header(first).columns == list(FIELDS)
    assert parser.header(b"1\t2\n", first) == first
    assert Header(parser.header(b"1\n#fields\tx\n#close\ty\n", first)).columns == ["x"]
    assert parser.header(b"#fields\t" + b"x" * 100_000 + b"\n", first) == first
