"""Commands, replies and places in any order, held to the parser in Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.kernels import bare_kernel
from ingest.applications import ftp
from ingest.applications.compiled.ftp import kernels
from ingest.applications.compiled.layout import BLOOM, FLOW
from ingest.applications.wanted import ALL, Wanted

READ = st.sampled_from((ALL, ALL, Wanted(kinds=frozenset({"ftp.reply"}), fields=frozenset({"ftp.mode"}))))
PLACES = st.sampled_from(
    (b"10,0,0,1,82,9", b"x1234,0,0,300,82,9999", b"1,2,3,4,5", b"1,2,3,4,5,", b"|1|10.0.0.1|2121|", b"|||77|",
     b"|||123456|", b"|what|", b"||", b"|", b"", b"7|8")
)  # fmt: skip
VERBS = st.sampled_from(
    (b"USER", b"port", b"EPRT", b"PASV", b"EpSV", b"RETR", b"STOR", b"STOU", b"APPE", b"NLST", b"LIST",
     b"MLSD", b"RET", b"XPWDX", b"", b"AUTH_TLS", b"AUTHX", b"R@TR")
)  # fmt: skip
ENDS = st.sampled_from((b"\r\n", b"\r\n", b"\n", b"\r\r\n", b""))
COMMAND = st.builds(
    lambda verb, gap, what, end: verb + gap + what + end,
    VERBS, st.sampled_from((b" ", b"", b"  ")), st.one_of(PLACES, st.just(b"a.txt")), ENDS,
)  # fmt: skip
CODES = st.sampled_from(
    (b"227", b"229", b"150", b"125\t", b"1", b"22", b"200", b"234", b"x", b"", b"227 (10,0")
)
REPLY = st.builds(
    lambda code, gap, what, end: code + gap + what + end,
    CODES, st.sampled_from((b" ", b"-", b"", b" (|||")),
    st.one_of(PLACES, st.sampled_from((b"77|)", b"123456|)", b"|)", b"ok"))), ENDS,
)  # fmt: skip
TURN = st.one_of(st.tuples(st.just(0), COMMAND), st.tuples(st.just(1), REPLY))


@pytest.mark.parametrize("auth", [False, True])
@pytest.mark.parametrize("batch", [0, 1, 7])
def test_lines_too_long(packets, alike, auth, batch):
    """Also where their end does not come: their beginning counts, what is left is skipped."""
    most = ftp.MOST_LINE
    for size in (700, 1448, most - 1, most, 3 * most):
        long = [b"RETR " + b"a" * (n - 5) for n in (most - 2, most - 1, most, most + 1, 3 * most)]
        said = [(0, b"USER bob\r\n"), (1, b"331 word?\r\n")]
        for line in long:
            said += [(0, line), (1, b"550 " + line), (0, b"\r\nPASV\r\n"), (1, b"b\n227 (1,2,3,4,5,6)\r\n")]
        if auth:
            said += [(1, b"2" * most), (0, b"AUTH TLS\r\n"), (1, b"left\r\n234 go\r\n")]
        cut = [(d, data[at : at + size]) for d, data in said for at in range(0, len(data), size)]
        alike(*packets.decoded(packets.conversation(cut, (4000, 21))), batch, growing=bool(batch), wanted=ALL)


@pytest.mark.parametrize("auth", [False, True])
def test_lines_in_any_order(packets, alike, auth):
    """Also those that begin TLS, where Python goes on."""

    @settings(max_examples=40, deadline=None)
    @given(
        st.lists(st.lists(TURN, max_size=12), min_size=1, max_size=3), st.integers(1, 40), READ,
        st.sampled_from((0, 0, 1, 7)),
    )  # fmt: skip
    def check(flows, size, wanted, batch):
        sent = []
        for i, turns in enumerate(flows):
            said = [(0, b"USER bob\r\n"), (1, b"331 word?\r\n"), *turns]
            if auth:
                said.insert(2 + len(turns) // 2, (0, b"auth TLS\r\nPASV\r\n"))
                said.append((1, b"234 go\r\n"))
            cut = [(d, data[at : at + size]) for d, data in said for at in range(0, len(data), size)]
            sent += packets.conversation(cut, (4000 + i, 21))
        alike(*packets.decoded(sent), batch, growing=bool(batch), wanted=wanted)

    check()


@pytest.mark.parametrize(
    "answers", [(b"150 a\r\n226 b\r\n",), (b"150 a\r\n", b"226 b\r\n"), (b"150 \r\n", b"2", b"26 b\r\n")]
)
@pytest.mark.parametrize("together", [False, True])
def test_more_comes_with_what_is_preliminary(packets, alike, answers, together):
    """Acknowledged together or one by one, in whatever batches."""
    turns = [
        (1, b"220 hi\r\n"),
        (0, b"USER bob\r\n"),
        (1, b"331 b\r\n"),
        (0, b"LIST\r\n"),
        *((1, a) for a in answers),
    ]
    rows = packets.conversation(turns, (4000, 21))
    if together:  # without what acknowledges the first answers
        del rows[-2 - 2 * len(answers) - 1 : -4 : 2]
    for batch in (0, 1, 3):
        told = alike(*packets.decoded(rows), batch, growing=bool(batch))
    assert told[-1] is not None


@pytest.mark.parametrize(
    ("tail", "odd"),
    [(b"\n", 0), (b"\r\n", 2), (b"y\n", 2), (b"y\r\n", 2), (b"y" * 300 + b"\r\n", 2), (b"y" * 300, 2)],
)
def test_a_line_that_is_too_long(packets, alike, tail, odd):
    """It is told, with its end and without it."""
    turns = [(0, b"USER a\r\n"), (1, b"220 hi\r\n")]
    for d, begun in ((0, b"STAT "), (1, b"200 ")):
        turns.append((d, begun + b"x" * (4094 - len(begun)) + tail))
    rows, buffer = packets.decoded(packets.conversation([*turns, (0, b"QUIT\r\n")], (4000, 21)))
    told = alike(rows, buffer)
    assert len(told[0].anomalies) == odd
    assert (b"QUIT" in told[0].values("ftp.command")) == (tail[-1:] == b"\n")


def test_commands_that_nobody_answers(packets, alike):
    turns = [(0, b"USER a\r\n"), (0, b"NOOP\r\n" * 4200), (1, b"200 ok\r\n" * 4)]
    alike(*packets.decoded(packets.conversation(turns, (4000, 21))))


@bare_kernel
def searched(data, at, end, found):
    """What each search says of a text."""
    found[0], found[1] = kernels.six(data, at, end)
    found[2] = kernels.extended(data, at, end)
    found[3] = kernels.last_number(data, at, end)
    found[4] = kernels.known_in(data, at, end)


@bare_kernel
def named(flows, ports, places):
    """Where the bits of ports are, of which a flow named all."""
    for i in range(len(ports)):
        kernels.name_port(flows[0], ports[i])
        places[i, 0], places[i, 1] = kernels.bit_of(ports[i])


def said_of(text):
    """What the searches say of a text that stands among other bytes."""
    found = np.zeros(5, np.int64)
    searched(np.frombuffer(b"1," + text + b",2US", np.uint8), 2, 2 + len(text), found)
    return found.tolist()


PARTS = st.sampled_from((b"1", b"23", b"456", b"7890", b",", b",", b"|", b"(|||", b"|)", b"x", b""))


@settings(max_examples=300, deadline=None)
@given(st.lists(PARTS, max_size=20))
def test_places_beside_the_expressions_of_the_parser(parts):
    text = b"".join(parts)
    port, address, there, last, _ = said_of(text)
    if (found := ftp._SIX.search(text)) is None:
        assert port == -1
    else:
        assert port == int(found.group(5)) << 8 | int(found.group(6))
        assert address == ftp._address(found)
    found = ftp._EXTENDED.search(text)
    assert there == (int(found.group(1)) if found else -1)
    digits = text.rstrip(b"|").rpartition(b"|")[2]
    assert last == (int(digits[:5]) if digits.isdigit() else 0)


@pytest.mark.parametrize("word", ftp.KNOWN)
def test_commands_that_are_known(word):
    for text in (word, b"a" + word.lower() + b"z", word[:-1], b"z" + word[1:], b"\xff" + word, b""):
        assert said_of(text)[4] == (ftp._KNOWN.search(text) is not None)


def test_ports_have_bits():
    flows, places = np.zeros(1, FLOW), np.zeros((4, 2), np.int64)
    ports = np.array([0, 21, 65535, 65536], np.int64)
    named(flows, ports, places)
    words = np.zeros(BLOOM, np.int64)
    for word, bit in places[:3].tolist():
        assert 0 <= word < BLOOM
        words[word] |= np.int64(1) << bit
    assert flows["words"][0, kernels.PORTS :].tolist() == words.tolist()
