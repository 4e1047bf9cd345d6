"""Plain templates, read straight into flows: as read field by field."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.collectors.datagrams import bare
from ingest.collectors.decoder import Decoder
from tests.exporters import content, nine, options, template, ten

ADDRESSES = [[(8, 4), (12, 4)], [(27, 16), (28, 16)]]
#: What plain templates may have, and what is passed over.
PLAIN = [
    (1, 4), (1, 8), (1, 3), (2, 4), (2, 8), (4, 1), (5, 1), (6, 1), (6, 2), (7, 2), (11, 2), (10, 4), (15, 4),
    (32, 2), (56, 6), (58, 2), (61, 1), (80, 6), (161, 4), (23, 4), (24, 4), (40001, 7), (4, 2),
]  # fmt: skip
TIMES = [[], [(22, 4), (21, 4)], [(21, 4)], [(152, 8), (153, 8)], [(152, 8)], [(153, 8)], [(22, 4), (153, 8)]]
#: Bytes of which protocols, addresses mapped into IPv6 and early times are made now and then.
BYTES = st.sampled_from([0, 1, 6, 17, 58, 255]) | st.integers(0, 255)


@settings(max_examples=80)
@given(st.data())
def test_as_field_by_field(data):
    fields = [
        *data.draw(st.sampled_from(ADDRESSES)),
        *data.draw(st.lists(st.sampled_from(PLAIN), max_size=12)),
        *data.draw(st.sampled_from(TIMES)),
    ]
    fields = data.draw(st.permutations(list({number: (number, size) for number, size in fields}.values())))
    size, count = sum(length for _, length in fields), data.draw(st.integers(1, 6))
    body = bytes(data.draw(st.lists(BYTES, min_size=size * count, max_size=size * count)))
    version = data.draw(st.sampled_from([9, 10]))
    made = nine if version == 9 else ten
    sets = [template(256, fields, version)]
    if data.draw(st.booleans()):  # every packet counted stands for several
        sets += [options(300, [(1, 4)], [(34, 4)], version), content(300, bytes(4) + b"\0\0\0\7")]
    quick, slow = Decoder(), Decoder()
    for decoder in (quick, slow):
        decoder.decode(bare([made(*sets)]))
    assert quick._layouts.table["plain"].any()
    slow._layouts.table["plain"] = slow._layouts.table["straight"] = 0
    raws = [made(content(256, body), sequence=1)]
    got, wanted = quick.decode(bare(raws)), slow.decode(bare(raws))
    assert got.errors.counts == wanted.errors.counts
    assert len(got.records) == len(wanted.records)
    for name in got.records.dtype.names:
        assert (got.records[name] == wanted.records[name]).all(), name
    assert (got.heads == wanted.heads).all()


def test_what_is_plain():
    decoder = Decoder()
    for number, fields in enumerate(
        [
            [(8, 4), (12, 4), (4, 1)], [(27, 16), (28, 16)], [(8, 4), (28, 16)], [(8, 4), (12, 4), (48, 1)],
            [(8, 4), (12, 4), (150, 4)],
        ]
    ):  # fmt: skip
        decoder.decode(bare([ten(template(256 + number, fields, 10))]))
    assert decoder._layouts.table["plain"][-5:].tolist() == [1, 2, 0, 0, 0]


def test_the_last_bytes_of_a_buffer_are_not_read_beyond():
    one = bytes([10, 0, 0, 1, 10, 0, 0, 2, 17])
    out = Decoder().decode(
        bare([ten(template(256, [(8, 4), (12, 4), (4, 1)], 10)), ten(content(256, one * 3))])
    )
    assert out.records["proto"].tolist() == [17, 17, 17]
    assert np.unique(out.records["dst_lo"]).tolist() == [0xFFFF_0A00_0002]
