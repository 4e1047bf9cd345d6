from __future__ import annotations

import gzip
import zlib

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.applications.inflate import inflate, layers

TEXT = b"something to be compressed " * 20
RAW = zlib.compressobj(wbits=-15)
BODIES = {
    "gzip": gzip.compress(TEXT, mtime=0), "zlib": zlib.compress(TEXT),
    "raw": RAW.compress(TEXT) + RAW.flush(),
}  # fmt: skip


@pytest.mark.parametrize("name", [b"gzip", b"deflate"])
@pytest.mark.parametrize("kind", BODIES)
def test_a_body_may_be_compressed_otherwise_than_it_says(name, kind):
    assert inflate(BODIES[kind], name, 1 << 20, 2) == (TEXT, True)


def test_a_body_that_is_not_compressed_at_all_stays():
    body = b'{"sdk_version":11026,"package":"com.example","version":"1.7.4"}'
    assert inflate(body, b"gzip", 1 << 20, 2) == (body, False)


def test_layers_are_undone_from_the_last_within_their_limit():
    body = gzip.compress(zlib.compress(TEXT), mtime=0)
    assert layers(b"deflate, GZIP") == ["deflate", "gzip"]
    assert inflate(body, b"deflate, gzip", 1 << 20, 2) == (TEXT, True)
    assert inflate(body, b"deflate, gzip", 1 << 20, 1) == (zlib.compress(TEXT), False)


def test_a_bomb_stops_at_the_limit():
    out, whole = inflate(zlib.compress(bytes(1 << 24)), b"deflate", 1000, 2)
    assert (len(out), whole) == (1000, False)


def test_what_breaks_off_gives_what_came_before():
    broken = bytearray(BODIES["gzip"])
    broken[-9] ^= 0xFF  # the checksum
    out, whole = inflate(bytes(broken), b"gzip", 1 << 20, 2)
    assert out.startswith(TEXT[:100])
    assert not whole


@settings(max_examples=40)
@given(st.binary(max_size=200), st.sampled_from([b"gzip", b"deflate", b"gzip, deflate", b"br"]))
def test_any_bytes_come_back_or_are_inflated(data, encoding):
    out, _ = inflate(data, encoding, 4096, 2)
    assert len(out) <= max(4096, len(data))


def test_brotli_is_undone_within_its_limit():
    body = brotli.compress(TEXT)
    assert layers(b"BR") == ["br"]
    assert inflate(body, b"br", 1 << 20, 2) == (TEXT, True)
    assert inflate(gzip.compress(body), b"br, gzip", 1 << 20, 2) == (TEXT, True)
    out, whole = inflate(brotli.compress(bytes(1 << 24)), b"br", 1000, 2)
    assert (len(out), whole) == (1000, False)


def test_brotli_that_breaks_off_gives_what_came_before():
    noise = b"".join(i.to_bytes(4, "big") for i in range(0, 1 << 31, 1 << 21))
    body = brotli.compress(noise)
    out, whole = inflate(body[: len(body) // 2], b"br", 1 << 20, 2)
    assert not whole
    assert noise.startswith(out)
    assert out
    assert inflate(TEXT, b"br", 1 << 20, 2)[1] is False
