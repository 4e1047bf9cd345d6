from __future__ import annotations

import pytest

from citywall.errors import StreamError
from stream.codecs import Header, Kind, schema_digest
from stream.positions import Ordinals, Positions


def header(kind: Kind, seq: int = 0, count: int = 0, stage: str = "capture") -> Header:
    return Header("5e55", stage, 0, kind, seq, count, 0, schema_digest())


def test_items_are_taken_once_however_they_are_cut():
    positions = Positions()
    assert positions.admit("t", header(Kind.OPEN)) == 0
    assert positions.admit("t", header(Kind.DATA, 0, 5)) == 0
    assert positions.admit("t", header(Kind.DATA, 0, 3)) is None
    assert positions.admit("t", header(Kind.DATA, 3, 4)) == 2  # 3 and 4 were taken, 5 and 6 are new
    assert positions.admit("t", header(Kind.DATA, 7, 0)) == 0  # only a watermark
    assert positions.taken("t", "5e55", "capture") == 7
    assert positions.admit("t", header(Kind.END, 7)) == 0
    for again in (header(Kind.OPEN), header(Kind.DATA, 0, 5), header(Kind.END, 7)):
        assert positions.admit("t", again) is None
    assert positions.taken("t", "5e55", "capture") == -1


def test_streams_are_told_apart():
    positions = Positions()
    assert positions.admit("t", header(Kind.OPEN)) == 0
    assert positions.admit("u", header(Kind.OPEN)) == 0
    assert positions.admit("t", header(Kind.OPEN, stage="flowlog")) == 0
    assert positions.admit("t", header(Kind.OPEN)) is None


@pytest.mark.parametrize("late", [header(Kind.DATA, 6, 1), header(Kind.END, 6), header(Kind.DATA, 6, 0)])
def test_a_gap_is_an_error(late: Header):
    positions = Positions()
    with pytest.raises(StreamError, match="lost"):
        positions.admit("t", late)
    positions.admit("t", header(Kind.OPEN))
    positions.admit("t", header(Kind.DATA, 0, 5))
    with pytest.raises(StreamError, match=r"'t' goes on at item 6 .* only 5 came before"):
        positions.admit("t", late)


def test_positions_are_restored():
    positions = Positions()
    positions.admit("t", header(Kind.OPEN))
    positions.admit("t", header(Kind.DATA, 0, 5))
    again = Positions()
    again.restore(positions.snapshot())
    assert again.admit("t", header(Kind.DATA, 4, 2)) == 1


def test_ordinals_count_by_topic_partition_and_session():
    ordinals = Ordinals()
    assert ordinals.number(("t", 0, "a"), 5, last=False) == 0
    assert ordinals.number(("t", 1, "a"), 3, last=False) == 0
    assert ordinals.number(("u", 0, "a"), 5, last=False) == 0
    again = Ordinals()
    again.restore(ordinals.snapshot())
    assert [again.said(place) for place in (("t", 0, "a"), ("t", 1, "a"), ("u", 0, "b"))] == [5, 3, 0]
    assert again.number(("t", 0, "a"), 2, last=False) == 5
    assert again.number(("t", 0, "a"), 0, last=True) == 7
    assert again.number(("t", 0, "a"), 1, last=False) == 0


def test_what_was_taken_of_a_stage_is_told_of_its_newest_sessions():
    positions = Positions()
    for n in range(12):
        for stage in ("feeder", "other"):
            opening = Header(f"s{n}", stage, 0, Kind.OPEN, 0, 0, 0, schema_digest())
            positions.admit("t", opening)
        positions.admit("t", Header(f"s{n}", "feeder", 0, Kind.DATA, 0, n, 0, schema_digest()))
    assert positions.of("feeder", most=3) == {"t": {"s11": 11, "s10": 10, "s9": 9}}
    assert positions.of("nobody") == {}
