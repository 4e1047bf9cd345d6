"""Logs read by a mapping: CSV, JSON, pairs behind a syslog header."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.flowlogs import registry
from ingest.flowlogs.reader import FlowLogReader

FIELDS = {
    "event.start": "begin", "event.end": "finish", "source.ip": "src", "source.port": "sport",
    "destination.ip": "dst", "destination.port": "dport", "network.transport": "proto",
    "source.bytes": "out", "destination.bytes": "in", "tcp.flags": "flags",
}  # fmt: skip
_UDP = {"finish": "", "sport": "5", "dst": "fd00::2", "dport": "53", "proto": "17", "out": "80", "in": ""}
ROWS = [
    {"begin": "2024-05-01 12:00:00", "src": "10.0.0.1", "finish": "2024-05-01 12:00:02", "sport": "4000",
     "dst": "10.0.0.2", "dport": "22", "proto": "tcp", "out": "500", "in": "900", "flags": "27"},
    {"begin": "2024-05-01 12:00:01", "src": "fd00::1", **_UDP, "flags": ""},
    {"begin": "2024-05-01 12:00:02", "src": "nobody", **_UDP, "flags": ""},
]  # fmt: skip
_SYSLOG = "<134>May  1 12:00:00 fw1 kernel: x=y "
TEXTS = {
    "csv": "\n".join([",".join(ROWS[0]), *(",".join(f'"{v}"' for v in row.values()) for row in ROWS)]),
    "json": "\n".join(json.dumps(row) for row in ROWS),
    "pairs": "\n".join(
        "<134>May  1 12:00:00 fw1 kernel: x=y " + " ".join(f'{k}="{v}"' for k, v in row.items())
        for row in ROWS
    ),
}


def mapping(folder: Path, kind: str, more: str = "") -> str:
    path = folder / f"{kind}.toml"
    lines = [f'name = "{kind}"', f'format = "{kind}"', 'recognise = "sport"', more, "[fields]"]
    path.write_text("\n".join([*lines, *(f'"{a}" = "{b}"' for a, b in FIELDS.items())]), "utf-8")
    return str(path)


def read(path: Path, mappings: list[str], chunk: int = 1 << 20):
    parser = registry.sniff(path, mappings)
    assert parser is not None
    reader, batches = FlowLogReader(), []
    for ref in registry.chunks(path, parser, chunk):
        batches.append(reader.add(ref))  # noqa: PERF401
    batches.append(reader.finish())
    return np.concatenate([batch.reports for batch in batches]), reader


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("chunk", [60, 1 << 20])
def test_the_same_whatever_the_form(tmp_path, kind, chunk):
    path = tmp_path / "log"
    path.write_text(TEXTS[kind] + "\n", "utf-8")
    assert registry.sniff(path) is None
    rows, reader = read(path, [mapping(tmp_path, kind)], chunk)
    assert reader.errors.counts == {"bad_address": 1}
    assert rows["src_port"].tolist() == [4000, 5]
    assert rows["dst_port"].tolist() == [22, 53]
    assert rows["proto"].tolist() == [6, 17]
    assert (rows["src_bytes"].tolist(), rows["dst_bytes"].tolist()) == ([500, 80], [900, 0])
    assert (rows["last"] - rows["first"]).tolist() == [2_000_000_000, 0]
    assert rows["src_flags"].tolist() == [27, 0]


def test_columns_of_ones_own_and_single_directions(tmp_path):
    path = tmp_path / "log"
    there = ROWS[0] | {"in": "0"}
    back = there | {"src": "10.0.0.2", "dst": "10.0.0.1", "sport": "22", "dport": "4000"}
    path.write_text("\n".join(";".join(["sport", *row.values()]) for row in (there, back)), "utf-8")
    columns = json.dumps(["_", *ROWS[0]])
    more = f"oneway = true\nseparator = ';'\ncolumns = {columns}"
    rows, _ = read(path, [mapping(tmp_path, "csv", more)])
    assert len(rows) == 1
    assert rows["dst_packets"].tolist() == [1]


@settings(max_examples=40)
@given(data=st.data())
def test_nothing_stops_it(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("mapped")
    kind = data.draw(st.sampled_from(["json", "pairs"]))
    text = TEXTS[kind].encode()
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, len(text)))
        junk = data.draw(st.binary(max_size=4) | st.sampled_from([b"\n", b'"', b"=", b"\\"]))
        text = text[:at] + junk + text[at + data.draw(st.integers(0, 4)) :]
    path = folder / "log"
    path.write_bytes(b"sport\n" + text)
    one, first = read(path, [mapping(folder, kind)], 40)
    two, second = read(path, [mapping(folder, kind)])
    assert one.tolist() == two.tolist()
    assert first.errors.counts == second.errors.counts
