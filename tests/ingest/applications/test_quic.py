"""QUIC: the server's name and the fingerprints, out of packets whole, in pieces, and broken."""

from __future__ import annotations

from application_examples import HELLO, SERVER_HELLO, crypto, initial
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.quic import Quic

PORTS = (4000, 443)


def test_the_example(said):
    found = said("quic")
    assert found.values("quic.sni") == [b"example.org"]
    assert found.values("quic.version") == [b"\0\0\0\1"] * 2
    assert found.values("ja4.hash")[0].startswith(b"q13d02")
    assert found.integers("tls.cipher") == [0xC02F]
    assert [t.over for t in found.transactions] == [1]


def test_a_hello_in_pieces_and_out_of_order(speak):
    first = [
        (0, initial(crypto(100, HELLO[100:]) + b"\1\2\0\0\0\0", number=1)),
        (0, initial(crypto(0, HELLO[:120]))),
    ]
    assert speak("quic", first, PORTS, "udp").values("quic.sni") == [b"example.org"]
    both = [(0, initial(crypto(60, HELLO[60:]) + b"\0\0\1" + crypto(0, HELLO[:60])))]
    assert speak("quic", both, PORTS, "udp").values("quic.sni") == [b"example.org"]


def test_the_second_version_and_two_packets_of_a_datagram(speak):
    two = initial(crypto(0, HELLO[:50]), version=0x6B3343CF) + initial(
        crypto(50, HELLO[50:]), version=0x6B3343CF
    )
    found = speak("quic", [(0, two)], PORTS, "udp")
    assert (found.values("quic.sni"), found.values("quic.version")) == (
        [b"example.org"],
        [b"\x6b\x33\x43\xcf"],
    )


def test_after_a_retry_keys_follow_from_the_new_id(speak):
    again = {"to": b"retried!", "keyed": b"retried!", "token": b"token"}
    turns = [(0, initial(crypto(0, HELLO[:9]))), (0, initial(crypto(0, HELLO), **again))]
    turns.append((1, initial(crypto(0, SERVER_HELLO), server=True, to=b"", keyed=b"retried!")))
    found = speak("quic", turns, PORTS, "udp")
    assert found.values("quic.sni") == [b"example.org"]
    assert found.integers("tls.cipher") == [0xC02F]


def test_what_does_not_open_is_told(speak):
    found = speak("quic", [(0, initial(crypto(0, HELLO), keyed=b"another!"))], PORTS, "udp")
    assert found.parser.anomalies
    assert found.values("quic.sni") == []


def test_what_is_kept_is_bounded(speak):
    turns = [(0, initial(crypto(i * 16, bytes(9)), number=i)) for i in range(200)]
    parser = speak("quic", turns, PORTS, "udp").parser
    assert len(parser.pieces[0]) <= 64
    assert parser.done == [True, True]


@settings(max_examples=40)
@given(st.binary(max_size=120), st.booleans())
def test_any_frames_are_read(frames, server):
    parser = Quic(ApplicationSettings(), PORTS)
    parser.datagram(0, initial(crypto(0, HELLO[:5])), 1, 10)
    parser.datagram(int(server), initial(frames, server=server), 2, 20)
    parser.end(2)
    assert len(parser.closed) == 1
