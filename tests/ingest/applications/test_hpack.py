from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.applications.hpack import MOST_BLOCK, Broken, Field, Table, huffman, number, text

#: All bytes in order, as an encoder of others coded them.
ALL = bytes.fromhex(
    "ffc7fffd8fffffe2fffffe3fffffe4fffffe5fffffe6fffffe7fffffe8ffffeafffffff3fffffa7fffffabffffffdfffffeb"
    "fffffecfffffedfffffeefffffefffffff0ffffff1ffffff2fffffffbfffffcffffffd3fffffd7fffffdbfffffdffffffe3f"
    "ffffe7fffffebfffffed4fe3f9ffaffcabf1febfafefe7fdfd2cbb00089969b71d79fb9f7fff20ffbff3ff50ddbd7f061c58"
    "f265cd9f469d5af66dddbf871e5f9cff7ff7fffc3ff9ffe45fff4719242cb34e6e9d68a6a3d7dac426defe3cfaf7fffbfe7f"
    "fbffdffffffcfffe6ffff4bfff9ffffa3fffd3ffff53fffd5ffffb3fffeb7fffdaffffb7ffff73fffeeffffdeffffebffffb"
    "fffffd9ffffdbfffebffffe0ffffeeffffc3ffff8bffff1ffffe4fffee7fffb1ffff97fffd9ffffcdffff9fffffbffffdaff"
    "feeffff4ffffb7fffee7fffe8ffffd3fffdeffffd5fffeeffffbdffffe1fffdfffff7fffff5ffffecffff07fff87fffe0fff"
    "f17fffedffff87ffff77fffeffffeaffff8bfffe3ffff93ffff87fffcbffff37ffff1fffff83ffffe1fffebfffe3ffff3fff"
    "ff2ffffa3ffffd9fffff17ffffc7fffff27ffffdefffffbffffff2fffff8fffffb7fff97fff8fffffe6fffffc1fffff87fff"
    "fe7fffffc5ffffe5fffe4ffff2fffffd1fffff4ffffffefffffe3fffffc9fffff97fffb3ffffcffffb7fffcdffff4ffff9ff"
    "ffd1ffffcffffeaffffafffffddffffeffffff4fffff5fffffabffffa7ffffd7fffff9bffffecfffffb7fffff3fffffe8fff"
    "ffd3fffffabfffff5fffffff7ffffecfffffdbfffffbbfffff7ffffff0fffffbbf"
)  # fmt: skip


def test_codes_of_all_bytes():
    assert huffman(ALL) == bytes(range(256))


def test_numbers_and_texts():
    assert number(b"\x1f\x9a\x0a", 0, 5) == (1337, 3)  # RFC 7541, C.1.2
    assert number(b"\xff" * 11 + b"\x01", 0, 7)[0] == -1
    assert text(b"\x03abc", 0) == (b"abc", 4)
    for cut in (b"\x1f\x9a", b"\x05abc", b""):
        with pytest.raises(Broken):
            number(cut, 0, 5) if cut[:1] == b"\x1f" else text(cut, 0)


def test_blocks_of_the_standard():
    """RFC 7541, C.4: three requests of one connection, the table growing."""
    table = Table()
    first = table.fields(bytes.fromhex("828684418cf1e3c2e5f23a6ba0ab90f4ff"))
    assert [f[:2] for f in first] == [
        (b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/"), (b":authority", b"www.example.com"),
    ]  # fmt: skip
    second = table.fields(bytes.fromhex("828684be5886a8eb10649cbf"))
    assert second[3] == Field(b":authority", b"www.example.com", again=True)
    assert second[4][:2] == (b"cache-control", b"no-cache")
    table.fields(bytes.fromhex("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"))
    assert [name for name, _ in table.entries] == [b":authority", b"cache-control", b"custom-key"]
    assert table.size == 164


def test_the_table_is_bounded_and_shrinks():
    table = Table()
    table.limit(100)
    table.fields(b"\x40\x01a\x28" + b"x" * 40 + b"\x40\x01b\x28" + b"y" * 40)
    assert [name for name, _ in table.entries] == [b"b"]
    assert table.fields(b"\x20") == [Field(b"", b"", resize=0)]
    assert table.entries == []
    assert table.fields(b"\xff\x80\x01") == [Field(b"", b"", "index")]
    assert table.fields(b"\x80\x82") == [Field(b"", b"", "index"), Field(b":method", b"GET")]


def test_an_index_repeated_does_not_swell_without_end():
    table = Table()
    table.limit(1 << 16)
    table.fields(b"\x40\x01a\x7f\x81\xee\x01" + b"v" * 30592)
    found = table.fields(b"\xbe" * 5000)
    assert sum(len(field.value) for field in found) < MOST_BLOCK + 40000


@settings(max_examples=100)
@given(st.binary(max_size=64))
def test_any_block_is_read_or_refused(block):
    table = Table()
    try:
        found = table.fields(block)
    except Broken:
        return
    assert len(found) <= len(block)
