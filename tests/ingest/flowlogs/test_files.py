"""Logs found, inflated, cut and read again."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.errors import InputError, UnsupportedInput
from ingest.flowlogs import files
from ingest.flowlogs.files import cut_chunks, head_of, locate, open_log, read_chunk
from ingest.flowlogs.lines import MAX_LINE, Errors, split
from ingest.flowlogs.registry import PARSERS, parse

PARSER = PARSERS["zeek-json"]


def cut(path: Path, chunk_bytes: int) -> list[files.ChunkRef]:
    return list(cut_chunks(path, PARSER, chunk_bytes, "s"))


@settings(max_examples=40)
@given(st.lists(st.text("ab\r", max_size=9), max_size=20), st.booleans(), st.integers(1, 60))
def test_chunks_hold_every_line_once(tmp_path_factory, lines, last, size):
    path = tmp_path_factory.mktemp("cut") / "x.log"
    data = "\n".join(lines).encode() + (b"\n" if last else b"")
    path.write_bytes(data)
    refs = cut(path, size)
    assert b"".join(read_chunk(ref) for ref in refs) == data
    assert [ref.index for ref in refs] == list(range(len(refs)))
    numbered = [
        (int(number), part.text(i))
        for ref in refs
        for part in [split(read_chunk(ref), ref.first_line)]
        for i, number in enumerate(part.numbers)
    ]
    whole = split(data, 1)
    assert numbered == [(int(n), whole.text(i)) for i, n in enumerate(whole.numbers)]


def test_lines_too_long_are_left_out_and_counted(tmp_path):
    path = tmp_path / "x.log"
    long = b"x" * (MAX_LINE + 1)
    path.write_bytes(b"a\n" + long + b"\nb\n" + long + b"\n" + long)
    for size in (1, 1000, 1 << 20, 8 << 20):
        errors = Errors()
        for ref in cut(path, size):
            assert ref.length <= max(size, 16) + MAX_LINE + (1 << 20)
            errors.merge(parse(ref, read_chunk(ref))[1])
        assert errors.counts == {"line_too_long": 3, "not_json": 2}
        assert errors.places == {"line_too_long": [2, 4, 5], "not_json": [1, 3]}


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_compressed_logs_read_the_same(tmp_path, suffix):
    data = b"".join(b"line %d\n" % i for i in range(5000))
    packed = {"": data, ".gz": gzip.compress(data), ".zst": zstandard.compress(data)}[suffix]
    path = tmp_path / f"x.log{suffix}"
    path.write_bytes(packed)
    refs = cut(path, 4096)
    assert b"".join(read_chunk(ref) for ref in refs) == data
    assert not any(ref.errors for ref in refs)
    assert head_of(path) == data[: files.HEAD_BYTES]


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_a_compressed_log_cut_short_gives_what_can_be_read(tmp_path, compress):
    lines = [b"%d\n" % random.Random(i).getrandbits(64) for i in range(40_000)]
    path = tmp_path / "x.log.gz"
    whole = compress(b"".join(lines))
    path.write_bytes(whole[: len(whole) // 2])
    refs = cut(path, 1 << 16)
    assert 1000 < b"".join(read_chunk(ref) for ref in refs).count(b"\n") < 40_000
    assert [ref.errors for ref in refs if ref.errors] == [{"compressed_data_cut_short": 1}]
    path.write_bytes(whole[:12])
    with pytest.raises(InputError, match="cannot be inflated"):
        cut(path, 1 << 16)


def test_members_one_after_another(tmp_path):
    path = tmp_path / "x.log.gz"
    path.write_bytes(gzip.compress(b"one\n") + bytes(5) + gzip.compress(b"two\n") + gzip.compress(b""))
    assert [read_chunk(ref) for ref in cut(path, 100)] == [b"one\ntwo\n"]
    path.write_bytes(zstandard.compress(b"one\n") + zstandard.compress(b"two\n"))
    assert [read_chunk(ref) for ref in cut(path, 100)] == [b"one\ntwo\n"]
    path.write_bytes(gzip.compress(b"one\n") + b"junk that is no member")
    assert [ref.errors for ref in cut(path, 100)] == [{"compressed_data_cut_short": 1}]


def test_a_compressed_log_may_not_inflate_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_INFLATED", 1 << 20)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(8 << 20)))
    with pytest.raises(InputError, match="inflates to more than"):
        open_log(path)


def test_a_file_that_changes_is_refused(tmp_path):
    path = tmp_path / "x.log"
    path.write_bytes(b"one\ntwo\n")
    (ref,) = cut(path, 100)
    path.write_bytes(b"one\nTWO, and more\n")
    with pytest.raises(InputError, match="changed") as caught:
        read_chunk(ref)
    assert caught.value.offset == 0


def test_byte_order_marks_are_passed_over(tmp_path):
    path = tmp_path / "x.log"
    path.write_bytes(b"\xef\xbb\xbfone\n")
    assert [read_chunk(ref) for ref in cut(path, 100)] == [b"one\n"]
    assert head_of(path) == b"one\n"


def test_locate(tmp_path):
    (tmp_path / "one.txt").write_text("")
    assert locate(tmp_path / "one.txt").logs == (tmp_path / "one.txt",)
    with pytest.raises(UnsupportedInput, match=r"without a Zeek log"):
        locate(tmp_path)
    for name in ("conn.log", "conn.2026-01-01.log.gz", "dns.log", "conn-summary.log", "connection.txt"):
        (tmp_path / name).write_text("")
    found = locate(tmp_path)
    assert [p.name for p in found.logs] == [
        "conn.2026-01-01.log.gz",
        "conn.log",
        "conn-summary.log",
        "dns.log",
    ]
    assert [p.name for p in found.skipped] == ["connection.txt", "one.txt"]


def test_what_is_not_there(tmp_path):
    with pytest.raises(InputError):
        open_log(tmp_path / "absent.log")
    assert cut_empty(tmp_path) == []


def cut_empty(folder: Path) -> list[files.ChunkRef]:
    (folder / "empty.log").write_bytes(b"")
    return cut(folder / "empty.log", 10)


def test_several_logs_are_numbered_through(tmp_path):
    for name in ("conn.1.log", "conn.2.log"):
        (tmp_path / name).write_text("a\nb\n")
    first = cut(tmp_path / "conn.1.log", 2)
    refs = [*first, *files.cut_chunks(tmp_path / "conn.2.log", PARSERS["zeek-tsv"], 2, "", len(first))]
    assert [(ref.index, Path(ref.path).name, ref.first_line) for ref in refs] == [
        (0, "conn.1.log", 1),
        (1, "conn.1.log", 2),
        (2, "conn.2.log", 1),
        (3, "conn.2.log", 2),
    ]
