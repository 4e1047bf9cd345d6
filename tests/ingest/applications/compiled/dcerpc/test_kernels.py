# ruff: noqa: E501
from __future__ import annotations

import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.applicationsettings import ApplicationSettings


def pdu(kind, flags, call, body, little=True):
    order = "<" if little else ">"
    head = bytes((5, 0, kind, flags, 0x10 if little else 0, 0, 0, 0))
    return head + struct.pack(f"{order}HHI", 16 + len(body), 0, call) + body


def bind(contexts, little):
    order = "<" if little else ">"
    body = bytes(8) + bytes((len(contexts), 0, 0, 0))
    for ident in contexts:
        body += struct.pack(f"{order}H", ident) + b"\1\0" + bytes(range(ident, ident + 16))
        body += struct.pack(f"{order}HH", 3, 0) + bytes(20)
    return body


def message(kind, flags, call, little, contexts, stub):
    order = "<" if little else ">"
    if kind in (11, 14):
        return pdu(kind, flags, call, bind(contexts, little), little)
    if kind in (12, 15):
        results = b"".join(struct.pack(f"{order}HH", ident % 3, 0) + bytes(20) for ident in contexts)
        name = struct.pack(f"{order}H", 4) + b"135\0"
        return pdu(
            kind, flags, call, bytes(8) + name + bytes(2) + bytes((len(contexts), 0, 0, 0)) + results, little
        )
    return pdu(
        kind, flags, call, struct.pack(f"{order}IHH", 8, contexts[0] if contexts else 0, 5) + stub, little
    )


MESSAGES = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.builds(
            message, st.sampled_from((0, 0, 2, 2, 3, 11, 12, 14, 15, 17)), st.integers(0, 3), st.integers(1, 3),
            st.booleans(), st.lists(st.integers(0, 3), max_size=3), st.binary(max_size=9),
        ),
    ),
    min_size=1, max_size=25,
)  # fmt: skip


def test_calls_in_any_order(packets, alike):
    @settings(max_examples=20, deadline=None)
    @given(MESSAGES, st.booleans())
    def check(messages, growing):
        turns = [(0, message(11, 3, 1, True, [0, 1], b"")), *messages]
        alike(
            *packets.decoded(packets.conversation(turns, (4000, 135))), 7 if growing else 0, growing=growing
        )

    check()


def test_units_are_kept_by_the_parser_in_python(packets, examples, alike):
    turns, ports, _ = examples["dcerpc"]
    rows, buffer = packets.decoded(packets.conversation(turns, ports))
    told = alike(rows, buffer, settings=ApplicationSettings(midstream=True, units=True))
    assert len(told[0].units)
