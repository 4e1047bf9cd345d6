"""Inflating to the spool file: members, frames, cuts, corruption, bombs."""

from __future__ import annotations

import gzip
import os
import random

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citywall.errors import InputError
from ingest.capture import spool

DATA = random.Random(1).randbytes(300_000) + b"\0" * 5_000_000 + random.Random(2).randbytes(1000)
ZSTD = zstandard.ZstdCompressor().compress
SKIPPABLE = b"\x50\x2a\x4d\x18\x04\0\0\0wxyz"


def inflate(tmp_path, content, **kwargs):
    path = tmp_path / "in"
    path.write_bytes(content)
    file, errors = spool.inflate(path, tmp_path, **kwargs)
    with file:
        file.seek(0)
        return file.read(), errors


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(DATA, mtime=0),
        gzip.compress(DATA[:1000], mtime=0) + gzip.compress(DATA[1000:], mtime=0),
        gzip.compress(DATA, mtime=0) + b"\0" * 100,
        ZSTD(DATA),
        ZSTD(DATA[:1000]) + SKIPPABLE + ZSTD(DATA[1000:]),
        SKIPPABLE + ZSTD(DATA),
    ],
)
def test_whole_streams(tmp_path, content):
    assert spool.is_compressed(content[:4])
    assert inflate(tmp_path, content) == (DATA, {})
    assert [p.name for p in tmp_path.iterdir()] == ["in"]  # the spool file has no name


@pytest.mark.parametrize("squeeze", [gzip.compress, ZSTD])
def test_cut_corrupt_and_padded_with_junk(tmp_path, squeeze):
    whole = squeeze(DATA)
    out, errors = inflate(tmp_path, whole[:200_000])
    assert errors == {"compressed_stream_truncated": 1}
    assert 100_000 < len(out) <= len(DATA)
    assert DATA.startswith(out)
    out, errors = inflate(tmp_path, whole + b"junk")
    assert (out, errors) == (DATA, {"compressed_stream_corrupt": 1})
    broken = bytearray(whole)
    broken[150_000:150_100] = b"\xff" * 100
    out, errors = inflate(tmp_path, bytes(broken))
    assert len(errors) <= 1
    assert out != DATA or errors


@pytest.mark.parametrize("squeeze", [gzip.compress, ZSTD])
def test_a_bomb_stops_at_the_limit(tmp_path, squeeze):
    out, errors = inflate(tmp_path, squeeze(bytes(50_000_000)), limit=1_000_000)
    assert len(out) == 1_000_000
    assert errors == {"spool_limit_reached": 1}


def test_no_room_for_a_spool_file(tmp_path):
    path = tmp_path / "in.gz"
    path.write_bytes(gzip.compress(DATA))
    with pytest.raises(InputError, match="spool"):
        spool.inflate(path, tmp_path / "absent", limit=10)


def test_the_limit_leaves_room_on_the_disk(tmp_path):
    stat = os.statvfs(tmp_path)
    assert 0 <= spool.spool_limit(tmp_path) <= stat.f_blocks * stat.f_frsize


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.booleans())
def test_mutated_streams_never_break(tmp_path, seed, zstd):
    rng = random.Random(seed)
    data = rng.randbytes(2000) + b"words " * 500
    whole = bytearray((ZSTD if zstd else gzip.compress)(data))
    for _ in range(rng.randrange(1, 4)):
        whole[rng.randrange(4, len(whole))] = rng.randrange(256)
    out, errors = inflate(tmp_path, bytes(whole[: rng.randrange(5, len(whole) + 1)]), limit=1 << 20)
    assert set(errors) <= {"compressed_stream_truncated", "compressed_stream_corrupt", "spool_limit_reached"}
    assert len(out) <= 1 << 20
