"""Records read the quick way, beside the same read field by field."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.collectors.datagrams import bare
from ingest.collectors.decoder import Decoder
from tests.exporters import content, nine, template, ten

#: Elements of every kind that a straight layout may have, with lengths that exporters give them, and others.
ADDRESSES = [[(8, 4), (12, 4)], [(27, 16), (28, 16)]]
OTHERS = [
    (1, 4), (1, 8), (1, 3), (2, 4), (2, 8), (4, 1), (5, 1), (6, 1), (6, 2), (7, 2), (11, 2), (10, 4), (15, 4),
    (22, 4), (21, 4), (32, 2), (34, 4), (48, 1), (56, 6), (58, 2), (61, 1), (80, 6), (152, 8), (153, 8),
    (161, 4), (233, 1), (23, 4), (24, 4), (40001, 7),
]  # fmt: skip


@settings(max_examples=60)
@given(st.data())
def test_as_field_by_field(data):
    fields = [
        *data.draw(st.sampled_from(ADDRESSES)),
        *data.draw(st.lists(st.sampled_from(OTHERS), max_size=14)),
    ]
    fields = data.draw(st.permutations(list({number: (number, size) for number, size in fields}.values())))
    size, count = sum(length for _, length in fields), data.draw(st.integers(1, 6))
    body = data.draw(st.binary(min_size=size * count, max_size=size * count))
    version = data.draw(st.sampled_from([9, 10]))
    made = nine if version == 9 else ten
    raws = [made(template(256, fields, version)), made(content(256, body), sequence=1)]
    quick, slow = Decoder(), Decoder()
    quick.decode(bare(raws[:1]))
    assert quick._layouts.table["straight"][-1] == 1
    quick._layouts.table["plain"] = 0
    slow.decode(bare(raws[:1]))
    slow._layouts.table["plain"] = slow._layouts.table["straight"] = 0
    records = quick.decode(bare(raws[1:])).records
    wanted = slow.decode(bare(raws[1:])).records
    assert len(records) == len(wanted)
    for name in records.dtype.names:
        if name != "arrived":
            assert (records[name] == wanted[name]).all(), name


def test_what_is_told_twice_or_of_no_fixed_length_is_read_the_slow_way():
    decoder = Decoder()
    for number, fields in enumerate(
        [[(8, 4), (12, 4), (8, 4)], [(8, 4), (12, 4), (82, 65535)], [(8, 4), (12, 4), (1, 9)]]
    ):
        decoder.decode(bare([ten(template(256 + number, fields, 10))]))
    assert not decoder._layouts.table["straight"][-3:].any()
