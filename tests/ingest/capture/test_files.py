"""Opening captures: every kind that is read, every kind of bad input and what is said of it."""

from __future__ import annotations

import gzip
import os

import numpy as np
import pytest
import zstandard

from citywall.errors import InputError, UnsupportedInput
from ingest.capture import DecodeCounts, decode_block, open_capture

T0 = 1_700_000_000 * 10**9


def sample(w, count=50):
    return [w.Record(T0 + i * 1000, os.urandom(60 + i)) for i in range(count)]


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("nano", [False, True])
def test_pcap_headers(writing, read_all, tmp_path, big, nano):
    path = tmp_path / "a.pcap"
    path.write_bytes(writing.pcap(sample(writing), big=big, nano=nano, link=0x5000_0001))
    with open_capture(path) as file:
        assert file.format == "pcap"
        assert file.path == path
        assert file.size == path.stat().st_size
        assert file.buffer.dtype == np.uint8
        assert not file.buffer.flags.writeable
        refs = list(file.blocks(1 << 20, session="s"))
    assert len(refs) == 1
    section = refs[0].section
    assert (section.big_endian, section.interfaces[0].link) == (big, 1)
    assert section.interfaces[0].multiply == (1 if nano else 1000)
    assert refs[0].session == "s"
    assert refs[0].path == str(path)


@pytest.mark.parametrize("minor", [0, 1, 2, 3, 4, 5])
def test_whole_packets_are_read_of_any_version_2(writing, read_all, minor):
    rows, counts, _ = read_all(writing.pcap(sample(writing), version=(2, minor)))
    assert len(rows) == 50
    assert counts.errors == {}


def test_a_capture_without_packets_is_no_error(writing, read_all):
    rows, counts, refs = read_all(writing.pcap([]))
    assert len(rows) == 0
    assert refs == []
    assert counts.errors == {}
    rows, counts, refs = read_all(writing.section() + writing.interface())
    assert len(rows) == 0
    assert refs == []
    assert counts.errors == {}


@pytest.mark.parametrize(
    ("content", "kind", "offset", "words"),
    [
        (b"", InputError, 0, "empty"),
        (b"# a text file\nwith lines\n", UnsupportedInput, 0, "begins with text"),
        ("报告：一城墙".encode() * 20, UnsupportedInput, 0, "begins with text"),
        (bytes(range(128, 256)), UnsupportedInput, 0, "unknown format"),
        (b"snoop\0\0\0" + bytes(40), UnsupportedInput, 0, "snoop"),
        (b"\xd4\xc3\xb2\xa1\x02\0", InputError, 6, "cut short"),
        (b"\xd4\xc3\xb2\xa1\x01\0\0\0" + bytes(20), UnsupportedInput, 4, "version 1.0"),
        (b"\n\r\r\n" + bytes(60), InputError, 0, "section header"),
        (b"\n\r\r\n\x1c\0", InputError, 0, "section header"),
        (gzip.compress(b"plain words", mtime=0), UnsupportedInput, 0, "text"),
        (gzip.compress(b"", mtime=0), InputError, 0, "empty"),
        (b"\x1f\x8b\x08\0", InputError, 0, "nothing could be inflated"),
    ],
)
def test_bad_input_is_told_with_path_and_offset(tmp_path, content, kind, offset, words):
    path = tmp_path / "input"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        open_capture(path)
    assert type(caught.value) is kind
    assert caught.value.path == str(path)
    assert caught.value.offset == offset
    assert words in caught.value.reason
    assert f"{path} at byte {offset}" in str(caught.value)


def test_missing_files_and_folders(tmp_path):
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(InputError) as caught:
            open_capture(path)
        assert str(path) in str(caught.value)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)
    try:
        with pytest.raises(InputError, match="regular"):
            open_capture(pipe)
    finally:
        os.close(writer)


@pytest.mark.parametrize("squeeze", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_compressed_captures(writing, read_all, squeeze):
    data = writing.pcap(sample(writing))
    plain, _, _ = read_all(data)
    rows, counts, refs = read_all(squeeze(data), name="x.pcap.z")
    assert rows.tolist() == plain.tolist()
    assert "compressed_stream_truncated" not in counts.errors
    assert refs[0].path.endswith("x.pcap.z")


@pytest.mark.parametrize("squeeze", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_a_compressed_capture_cut_short_is_read_as_far_as_it_goes(writing, read_all, squeeze):
    whole = squeeze(writing.pcap(sample(writing, 5000)))
    rows, counts, refs = read_all(whole[: len(whole) // 2])
    assert 1000 < len(rows) < 4000
    assert counts.errors["compressed_stream_truncated"] == 1
    assert refs[0].places[0] == (
        "compressed_stream_truncated",
        24 + int((rows["captured"] + 16).sum()) + counts.skipped_bytes,
    )


def test_a_changed_file_is_refused(writing, tmp_path):
    path = tmp_path / "a.pcap"
    data = writing.pcap(sample(writing))
    path.write_bytes(data)
    with open_capture(path) as file:
        (ref,) = file.blocks(1 << 20)
        buffer = file.buffer.copy()
    assert sum(len(b) for b in decode_block(ref, buffer, 7)) == 50
    for at, value in ((24, 1), (24 + 8, 7), (24 + 8, 255), (24 + 15, 1)):
        changed = buffer.copy()
        changed[at] ^= value
        with pytest.raises(InputError, match="changed"):
            list(decode_block(ref, changed, 7))
    with pytest.raises(InputError, match="shorter"):
        list(decode_block(ref, buffer[:-1], 7))


def test_release_lets_pages_go_and_they_can_be_read_again(writing, tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(writing.pcap(sample(writing, 2000)))
    with open_capture(path) as file:
        refs = list(file.blocks(50_000))
        assert len(refs) > 2
        for _ in range(2):
            counts = DecodeCounts()
            for ref in refs:
                assert sum(len(rows) for rows in decode_block(ref, file.buffer, 64, counts)) == ref.packets
                file.release(ref)
            assert counts.packets == 2000


def test_close_while_rows_are_held(writing, tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(writing.pcap(sample(writing)))
    file = open_capture(path)
    held = file.buffer[:4]
    file.close()
    assert held.tobytes() == b"\xd4\xc3\xb2\xa1"
    assert len(file.buffer) == 0
