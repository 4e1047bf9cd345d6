"""Banners, key exchanges and what is none, held to the parser in Python."""

from __future__ import annotations

import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.tables import ANOMALIES
from ingest.applications.wanted import ALL, Wanted

READ = st.sampled_from((ALL, Wanted(kinds=frozenset({"ssh.hassh", "ssh.software"}))))


def packet(kind, body=b""):
    return struct.pack(">IBB", 2 + len(body), 0, kind) + body


def offer(lists, cut=0):
    body = bytes(16) + b"".join(struct.pack(">I", len(text)) + text for text in lists)
    return packet(20, body[: len(body) - cut])


OFFER = st.builds(
    offer, st.lists(st.sampled_from((b"", b"a,b", b"aes128-ctr")), min_size=6, max_size=9),
    st.sampled_from((0, 0, 0, 1, 4, 30)),
)  # fmt: skip
LINES = st.sampled_from(
    (b"hello\r\n", b"\n", b"SSH-2.0-x y\n", b"SSH-1.99\r\r\n", b"SSH-\n", b"SSH--- \n", b"SSH")
)
SENT = st.one_of(
    OFFER,
    OFFER,
    LINES,
    st.just(packet(21)),
    st.just(packet(30, b"key")),
    st.just(b"\0\0\0\1"),
    st.just(b"\xff" * 6),
)
TURNS = st.lists(st.tuples(st.integers(0, 1), SENT), max_size=10)


def test_packets_in_any_order(packets, alike):
    @settings(max_examples=50, deadline=None)
    @given(st.lists(TURNS, min_size=1, max_size=3), LINES, st.integers(1, 90), READ, st.booleans())
    def check(flows, line, size, wanted, growing):
        sent = []
        for i, turns in enumerate(flows):
            said = [*turns[:1], (1, line), *turns]
            cut = [(d, data[at : at + size]) for d, data in said for at in range(0, len(data), size)]
            sent += packets.conversation([(0, b"SSH-2.0-a b\r\n"), *cut], (4000 + i, 22))
        alike(*packets.decoded(sent), 7 if growing else 0, growing=growing, wanted=wanted)

    check()


def test_both_sides_have_new_keys(packets, examples, alike):
    turns, ports, _ = examples["ssh"]
    rows, buffer = packets.decoded(packets.conversation([*turns, (0, packet(21)), (1, packet(21))], ports))
    for size in (0, 1):
        told = alike(rows, buffer, size, growing=bool(size))
    assert told[-1].integers("ssh.encrypted") in ([1], [])
    told = alike(rows, buffer)
    assert told[0].integers("ssh.encrypted") == [1]
    assert len(told[0].values("ssh.hassh")) == len(told[0].values("ssh.hassh.server")) == 1


def test_a_banner_that_does_not_end(packets, alike):
    """Told with the frame that began it, whatever came before in the same direction."""
    turns = [(0, b"SSH-2.0-a\r\n"), (1, b"hello\r\nSSH"), (1, b"x" * 1500), (1, b"x" * 1500), (1, b"\n")]
    rows, buffer = packets.decoded(packets.conversation(turns, (4000, 22)))
    for size in (0, 1):
        told = alike(rows, buffer, size, growing=bool(size))
        events = [(ANOMALIES[row["kind"]], row["frame"]) for made in told for row in made.anomalies]
        assert events[-1] == ("ssh.long_banner", 7)


def test_units_are_kept_by_the_parser_in_python(packets, examples, alike):
    turns, ports, _ = examples["ssh"]
    rows, buffer = packets.decoded(packets.conversation(turns, ports))
    told = alike(rows, buffer, settings=ApplicationSettings(midstream=True, units=True))
    assert len(told[0].units) == 6
