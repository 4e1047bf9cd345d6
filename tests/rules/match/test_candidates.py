from __future__ import annotations

from rules.match.literals import Literals
from tests.rules.conftest import SERVER, tcp, udp


def test_where_a_match_was(alerts):
    text = 'alert udp any any -> any any (content:"abc"; sid:1;)'
    (found,) = alerts(text, [udp(b"xyz"), udp(b"abc", back=True)])
    assert (found.frame, found.direction, found.transaction, found.action) == (2, 1, -1, "alert")


def test_protocols_are_known_only_once_they_spoke(sids):
    turns = [(0, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), (1, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
    text = f"""
alert tcp any any -> {SERVER} any (app-layer-protocol:http; flags:S; sid:1;)
alert tcp any any -> {SERVER} any (app-layer-protocol:http; flags:FA; sid:2;)
alert tcp any any -> {SERVER} any (app-layer-protocol:!http; flags:FA; sid:3;)
alert tcp any any -> any any (flow:not_established; flags:S; sid:4;)
alert tcp any any -> any any (flow:established; flags:S; sid:5;)
"""
    assert sids(text, tcp(turns)) == [4, 2]


def test_literals_near_the_begin_of_a_packet_and_far_from_it(sids):
    """A packet of a stream is looked through for each rule as far as its literal may be."""
    ahead = 200
    turns = [(side, b"." * ahead + b"needle" + b"." * 100) for side in (0, 1)]
    head = "alert tcp-pkt any any -> any any"
    text = f"""
{head} (flow:to_server; content:"needle"; depth:16; sid:1;)
{head} (flow:to_client; content:"needle"; depth:16; sid:2;)
{head} (flow:to_server; content:"needle"; offset:{ahead}; depth:6; sid:3;)
{head} (flow:to_client; content:"needle"; offset:{ahead}; depth:6; sid:4;)
{head} (content:"needle"; offset:{ahead - 1}; depth:6; sid:5;)
{head} (content:".needle."; sid:6;)
alert udp any any -> any any (content:"needle"; sid:7;)
"""
    assert sorted(sids(text, tcp(turns, dport=9999))) == [3, 4, 6, 6]
    near = [(side, b".." + b"needle") for side in (0, 1)]
    assert sorted(sids(text, tcp(near, dport=9999))) == [1, 2]


def test_packets_that_no_rule_is_about_are_not_looked_through(sids, monkeypatch):
    text = """
alert tcp-pkt any any -> any 9999 (flow:to_server; content:"needle"; sid:1;)
alert tcp-pkt any 9998 -> any any (flow:to_client; content:"needle"; depth:9; sid:2;)
"""
    packets = [p for port in (9998, 9999) for p in tcp([(0, b"needle"), (1, b"needle")], dport=port)]
    looked: list[int] = []
    scan = Literals.scan

    def scanned(self, data, starts, lengths, *parts):
        looked.append(len(starts) if self.count else 0)
        return scan(self, data, starts, lengths, *parts)

    monkeypatch.setattr(Literals, "scan", scanned)
    assert sorted(sids(text, packets)) == [1, 2]
    some, looked[:] = sum(looked), []
    monkeypatch.setattr("rules.match.sought.FEW", 0)
    assert sorted(sids(text, packets)) == [1, 2]
    assert some < sum(looked)
