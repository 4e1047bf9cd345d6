"""Options that tell sampling rates and clocks."""

from __future__ import annotations

import struct

import pytest

from ingest.collectors.sampling import MAX_SAMPLERS, Sampling
from ingest.collectors.templates import Field, Template


def option(*fields: tuple[int, int]) -> Template:
    return Template(256, tuple(Field(0, number, length) for number, length in fields), scopes=1)


@pytest.mark.parametrize(
    ("fields", "raw", "rate"),
    [
        (((34, 4),), struct.pack(">I", 100), 100),
        (((48, 1), (49, 1), (50, 4)), struct.pack(">BBI", 3, 2, 64), 64),
        (((302, 2), (305, 4), (306, 4)), struct.pack(">HII", 3, 1, 511), 512),
        (((302, 2), (305, 4)), struct.pack(">HI", 3, 256), 256),
        (((309, 4), (310, 4)), struct.pack(">II", 2, 64), 32),
    ],
)
def test_rates_as_exporters_tell_them(fields, raw, rate):
    sampling = Sampling()
    assert sampling.read(raw, option(*fields))
    assert sampling.rate(0) == rate
    assert not sampling.read(raw, option(*fields))  # nothing new


def test_samplers_are_kept_apart_and_not_for_ever():
    sampling = Sampling()
    raw = b"".join(struct.pack(">HI", n, n * 10) for n in range(1, MAX_SAMPLERS + 50))
    sampling.read(raw, option((302, 2), (305, 4)))
    assert (sampling.rate(1), sampling.rate(2)) == (10, 20)
    assert len(sampling.rates) == MAX_SAMPLERS


def test_when_the_clock_began():
    sampling = Sampling()
    assert sampling.read(struct.pack(">Q", 1431516013506), option((160, 8)))
    assert sampling.begun == 1431516013506
    assert sampling.rate(5) == 1
