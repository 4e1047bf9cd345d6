"""Bad input gets a clear word and the right exit code; whatever can be read is processed and counted."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import pytest

from .conftest import Citywall


def test_a_missing_file(citywall: Citywall, tmp_path: Path):
    done = citywall("run", tmp_path / "absent.pcap", code=1)
    assert "absent.pcap" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "content"), [("empty.pcap", b""), ("text.pcap", b"hello, this is text\n" * 40)]
)
def test_not_a_capture(citywall: Citywall, tmp_path: Path, name: str, content: bytes):
    path = tmp_path / name
    path.write_bytes(content)
    done = citywall("run", path, code=1)
    assert name in done.stderr
    assert "at byte 0" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_other_paths_go_on(citywall: Citywall, tmp_path: Path, busy: Path):
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(b"")
    report = citywall.run(empty, busy, code=1)
    assert report["packets"] > 1000
    assert report["alerts"] >= 3


def test_a_truncated_capture(citywall: Citywall, tmp_path: Path, busy: Path):
    whole = busy.read_bytes()
    path = tmp_path / "cut.pcap"
    path.write_bytes(whole[: len(whole) // 2 + 1])
    done = citywall("run", path, "--json", code=1)
    assert "cut.pcap" in done.stderr
    assert '"record_truncated":1' in done.stdout.replace(" ", "")


def test_a_corrupt_length_in_the_middle(citywall: Citywall, tmp_path: Path, busy: Path):
    raw = bytearray(busy.read_bytes())
    position, records = 24, 0
    while records < 3000:
        position += 16 + struct.unpack_from("<I", raw, position + 8)[0]
        records += 1
    struct.pack_into("<I", raw, position + 8, 0xFFFF_FFF0)
    path = tmp_path / "corrupt.pcap"
    path.write_bytes(raw)
    whole = citywall.run(busy)["packets"]
    report = citywall.run(path, code=1)
    assert report["packets"] >= whole - 2
    assert report["decode_errors"]["corrupt_record_length"] == 1
    assert str(position) in citywall("run", path, code=1).stderr


def test_a_compressed_capture_cut_short(citywall: Citywall, tmp_path: Path, busy: Path):
    packed = gzip.compress(busy.read_bytes())
    path = tmp_path / "cut.pcap.gz"
    path.write_bytes(packed[: len(packed) * 2 // 3])
    report = citywall.run(path, code=1)
    assert report["packets"] > 1000
    assert report["decode_errors"]["compressed_stream_truncated"] == 1


def test_a_whole_compressed_capture(citywall: Citywall, tmp_path: Path, busy: Path):
    path = tmp_path / "whole.pcap.gz"
    path.write_bytes(gzip.compress(busy.read_bytes()))
    assert citywall.run(path)["packets"] == citywall.run(busy)["packets"]


@pytest.mark.parametrize(
    "content", ["[meter]\nidle_timeout = 5\n", "[meter]\nidle_timeout_s = 'x'\n", "[meter\n"]
)
def test_an_unreadable_settings_key(citywall: Citywall, tmp_path: Path, busy: Path, content: str):
    config = tmp_path / "citywall.toml"
    config.write_text(content)
    done = citywall("run", busy, "--config", config, code=2)
    assert "citywall.toml" in done.stderr
    if "=" in content:
        assert "meter.idle_timeout" in done.stderr
    assert (
        citywall("run", busy, "--set", "detectors.scan.nope=1", code=2).stderr.count("detectors.scan.nope")
        == 1
    )


def test_bad_use(citywall: Citywall, busy: Path):
    assert citywall("run", "--nonsense", busy, code=2).stdout == ""
    citywall("run", code=2)
    assert "no rule of it can be used" in citywall("run", "--rules", busy, busy, code=1).stderr


def test_a_query_that_cannot_be_read(citywall: Citywall, busy: Path):
    citywall.run(busy)
    done = citywall("alerts", "--where", "severity >", code=2)
    assert "column 10" in done.stderr
