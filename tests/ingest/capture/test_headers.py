"""Headers of capture files: resolutions, offsets, options that lie."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingest.capture.headers import parse_interface, section_order, timing
from ingest.decode.blocks import Interface, Section
from ingest.decode.kernels import INTERFACE


@given(st.integers(0, 255))
def test_timing_fits_the_kernels_and_is_exact(resolution):
    multiply, divide, shift = timing(resolution)
    assert 0 <= multiply < 1 << 64
    assert 0 < divide < 1 << 64
    assert 0 <= shift < 128
    exponent = resolution & 0x7F
    unit = Fraction(1, 2**exponent if resolution & 0x80 else 10**exponent) * 10**9
    if shift:
        assert resolution & 0x80
        assert shift == exponent
    elif exponent <= 28:
        assert Fraction(multiply, divide) == unit
    else:
        assert multiply == 0
        assert ((1 << 64) - 1) * unit < 1


def test_options(writing):
    w = writing
    for big in (False, True):
        options = (
            w.option(2, b"eth0", big=big) + w.option(9, b"\x03", big=big)
            + w.option(14, (7).to_bytes(8, "big" if big else "little"), big=big) + w.option(0, b"", big=big)
        )  # fmt: skip
        block = w.interface(113, 96, big=big, options=options)
        assert parse_interface(block, 40, big) == (
            Interface(113, defined=40, offset=7 * 10**9, multiply=10**6, snap=96), True,
        )  # fmt: skip


def test_malformed_interfaces_keep_their_number(writing):
    w = writing
    lying = w.interface(1, options=b"\x09\0\xff\xff\x06\0\0\0")
    assert parse_interface(lying, 0, False) == (Interface(1), False)
    assert parse_interface(w.interface(1, options=w.option(9, b"ab")), 0, False) == (Interface(1), False)
    assert parse_interface(w.interface(1, options=w.option(14, b"ab")), 0, False) == (Interface(1), False)
    far = w.interface(1, options=w.option(14, b"\xff" * 7 + b"\x7f"))
    assert parse_interface(far, 0, False) == (Interface(1), False)
    short, sound = parse_interface(w.block(1, b"\0\0\0\0"), 8, False)
    assert not sound
    assert short.defined == 8
    assert short.link == 0xFFFF


@given(st.binary(max_size=60), st.booleans())
def test_any_interface_block_gives_what_the_table_can_hold(body, big):
    block = b"\0" * 8 + body + b"\0" * 4
    interface, _ = parse_interface(block, 0, big)
    table = Section("pcapng", big, (interface,)).table()
    assert table.dtype == INTERFACE
    for name in INTERFACE.names:
        assert int(table[name][0]) == getattr(interface, name)


def test_section_order(writing):
    assert section_order(writing.section(big=False)) is False
    assert section_order(writing.section(big=True)) is True
    assert section_order(writing.section()[:27]) is None
    assert section_order(b"\n\r\r\n" + bytes(40)) is None


def test_empty_table_has_a_row():
    assert len(Section("pcapng", False, ()).table()) == 1
    assert np.all(Section("pcapng", False, ()).table()["defined"] == 0)
