from __future__ import annotations

import numpy as np

from rules.match.alone import Alone
from rules.match.compiled import ONCE, PACKET
from tests.rules.conftest import SERVER, ping, tcp, udp

TEXT = f"""
alert tcp any any -> any any (flags:S,12; sid:1;)
alert tcp any any -> any any (flags:!A; flow:to_server; sid:2;)
alert tcp any any -> {SERVER} any (flow:established,to_server; dsize:>2; sid:3;)
alert tcp any any -> any any (flow:not_established; dsize:<4; sid:4;)
alert ip any any -> any any (ip_proto:17; sid:5;)
alert icmp any any -> any any (itype:8; sid:6;)
alert udp any 53 -> any any (content:"a"; sid:7;)
alert tcp any any -> any any (content:"b"; depth:9; sid:8;)
alert tcp any any -> any any (content:"b"; sid:9;)
alert tcp any any -> any any (flow:to_client; ttl:64; sid:10;)
alert ip any any -> any any (fragbits:D; sid:11;)
alert http any any -> any any (flow:established; content:"e"; depth:30; sid:12;)
alert tcp any any -> any any (app-layer-protocol:http; sid:13;)
alert tcp any any -> any any (app-layer-event:applayer_mismatch_protocol_both_directions; sid:14;)
alert pkthdr any any -> any any (decode-event:icmpv4.unknown_type; sid:15;)
alert udp any any <> any any (sid:16;)
"""


def test_all_that_agrees_is_told_and_nothing_else(sids, monkeypatch):
    """As every rule by itself has it: header, flow and header fields, and payload that is there."""
    seen = []
    ask = Alone.ask

    def asked(self, packets, streamed):
        rows, orders = ask(self, packets, streamed)
        engine = packets.engine
        mine = [*engine.of(PACKET, literal=False), *engine.gates.broad]
        on_streams = [*engine.of("stream", literal=False), *engine.unaimed]
        fresh = np.flatnonzero(packets.fresh)
        wanted = set()
        for compiled in (*mine, *on_streams):
            among = np.flatnonzero(packets.decided()) if compiled.decided else fresh
            there = among[packets.fits(compiled, among)]
            if compiled.payload is not None:
                there = there[packets.scene.available[there] > 0]
            if compiled.kind == ONCE:
                there = there[packets.first[there]]
            if compiled in on_streams and not compiled.both:
                there = there[~streamed[there]]
            wanted |= {(row, compiled.rule.sid) for row in there.tolist() if not compiled.rule.happenings}
        told = {
            (row, engine.rules[order].rule.sid)
            for row, order in zip(rows.tolist(), orders.tolist(), strict=True)
        }
        assert len(told) == len(rows)
        assert {pair for pair in told if pair[1] not in {14, 15}} == wanted
        seen.extend(sid for _, sid in told)
        return rows, orders

    monkeypatch.setattr(Alone, "ask", asked)
    turns = [(0, b"GET / HTTP/1.1\r\nHost: abe\r\n\r\n"), (1, b"HTTP/1.1 204 No\r\n\r\n"), (0, b"beee")]
    sids(TEXT, [*tcp(turns), udp(b"abc"), udp(b"cba", back=True), ping(), *tcp([(0, b"bbbb")], sport=41000)])
    assert set(seen) >= {1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 13, 16}


def test_what_does_not_fit_is_taken_up_again(sids, monkeypatch):
    packets = [*tcp([(0, b"bbb"), (1, b"ab")]), udp(b"abc"), udp(b"cba", back=True)]
    found = sids(TEXT, packets)
    assert found
    monkeypatch.setattr("rules.match.gates.tables._ROOM", 1)
    assert sids(TEXT, packets) == found


def test_without_rules_nothing_is_asked(sids):
    assert sids('alert udp any any -> any any (content:"xyz"; sid:1;)', [udp(b"abc")]) == []
