from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from scapy.utils import wrpcap

from citywall import settings
from citywall.findings import Finding
from citywall.sessions import LIVE, Session
from citywall.watermarks import BEGINNING, END_OF_TIME
from ingest.capture import open_capture
from ingest.decode.blocks import InlineBlock
from stream import codecs
from stream.codecs import Header, Kind, Opening
from stream.packets import Hearing, Mark
from stream.signatures import Signatures
from stream.stages import Message
from tests.rules.conftest import tcp, udp

#: Bits of a connection, a threshold, and contents across packets: all need what was before.
RULES = """
alert http any any -> any any (msg:"Admin"; http.uri; content:"/admin"; sid:1;)
alert tcp any any -> any any (msg:"First"; content:"one"; flowbits:set,a; sid:2;)
alert tcp any any -> any any (msg:"Second"; flowbits:isset,a; content:"two"; sid:3;)
alert udp any any -> any any (content:"x"; threshold:type threshold,track by_src,count 3,seconds 900; sid:4;)
alert tcp any any -> any any (msg:"Across"; flow:to_server; content:"left half right half"; sid:5;)
"""


def capture(tmp_path: Path) -> Path:
    packets = tcp([(0, b"GET /ad"), (0, b"min HTTP/1.1\r\nHost: a\r\n\r\n")], sport=40000)
    packets += tcp([(0, b"one left half "), (0, b"right half two"), (0, b"two")], sport=40001, dport=99)
    packets += [udp(b"x", dport=4000 + i) for i in range(7)]
    packets += tcp([(0, b"one"), (0, b"two")], sport=40002, dport=99)
    for i, packet in enumerate(packets):
        packet.time = 1_700_000_000 + i
    wrpcap(str(tmp_path / "a.pcap"), packets)
    return tmp_path / "a.pcap"


def blocks(path: Path, size: int) -> list[InlineBlock]:
    with open_capture(path) as opened:
        return [
            InlineBlock(ref, opened.buffer[ref.offset : ref.offset + ref.length].tobytes())
            for ref in opened.blocks(size)
        ]


def what(found: list[Finding]) -> list[tuple[object, ...]]:
    return [(f.detector, f.evidence[0].frame, f.evidence[0].offset, f.time, f.entity) for f in found]


@pytest.fixture
def rules(tmp_path: Path) -> Signatures:
    (tmp_path / "a.rules").write_text(RULES)
    return Signatures(settings.load(assignments=[f'rules.files=["{tmp_path}/a.rules"]']))


def whole(rules: Signatures, path: Path) -> list[tuple[object, ...]]:
    session = Session("s", "capture", str(path), 1, "live", 0)
    return what([finding for found, _ in rules.findings(session) for finding in found])


LIVING = Session("l", LIVE, "interface:eth9", 0, "live", 0)


def body(block: InlineBlock) -> memoryview:
    return memoryview(codecs.pack(block))


@pytest.mark.parametrize("size", [90, 1 << 20])
def test_live_packets_give_the_alerts_of_a_capture_of_them(tmp_path: Path, rules: Signatures, size: int):
    path = capture(tmp_path)
    hearing = Hearing(LIVING, rules.live)
    found = [f for block in blocks(path, size) for f in hearing.take(body(block))] + hearing.end()
    assert len(found) > 5
    assert {f.detector.rpartition(".")[2] for f in found} == {"1", "2", "3", "4", "5"}
    assert sorted(what(found)) == sorted(whole(rules, path))
    assert len({f.id for f in found}) == len(found)
    assert hearing.heard == END_OF_TIME


def test_after_a_restart_at_any_block_the_rest_is_found(tmp_path: Path, rules: Signatures):
    given = [body(block) for block in blocks(capture(tmp_path), 90)]
    undisturbed = Hearing(LIVING, rules.live)
    ids = [f.id for each in given for f in undisturbed.take(each)] + [f.id for f in undisturbed.end()]
    for stop in (1, 7, len(given) // 2, len(given)):
        before = Hearing(LIVING, rules.live)
        told = [f.id for each in given[:stop] for f in before.take(each)]
        mark = msgspec.msgpack.decode(codecs.pack(before.mark), type=Mark)
        after = Hearing(LIVING, rules.live, mark)
        assert after.health().recalling
        for number, each in enumerate(given[:stop]):
            after.again(number, each)
            after.again(number, each)  # said twice by who sent it
        after.again(stop, given[-1])  # was not matched before: comes as new
        told += [f.id for each in given[stop:] for f in after.take(each)] + [f.id for f in after.end()]
        assert told == ids, stop
        assert (after.health().again, after.health().missing) == (stop, 0)


def test_what_is_kept_no_more_is_told_and_alerts_keep_their_names(tmp_path: Path, rules: Signatures, caplog):
    given = [body(block) for block in blocks(capture(tmp_path), 90)]
    cut = len(given) - 4
    before = Hearing(LIVING, rules.live)
    told = [f.id for each in given[:cut] for f in before.take(each)]
    after = Hearing(LIVING, rules.live, before.mark)
    for number in range(5, cut):
        after.again(number, given[number])
    told += [f.id for each in given[cut:] for f in after.take(each)]
    assert len(set(told)) == len(told)
    assert after.health().missing == 5
    assert "the first 5 are kept no more" in caplog.text
    nothing = Hearing(LIVING, rules.live, before.mark)
    nothing.take(given[cut])
    assert nothing.health().missing == cut


def test_a_quiet_link_tells_the_time(tmp_path: Path, rules: Signatures):
    first, *_ = blocks(capture(tmp_path), 90)
    hearing = Hearing(LIVING, rules.live)
    assert hearing.heard == BEGINNING
    later = msgspec.structs.replace(first.block, length=0, packets=0, newest=2_000_000_000_000_000_000)
    assert hearing.take(body(InlineBlock(later, memoryview(b"")))) == []
    assert hearing.heard == later.newest


def test_the_stage_waits_for_rules_before_it_promises(tmp_path: Path, rules: Signatures):
    from stream.agents.detect import DetectStage

    stage = DetectStage(None, passing=rules.live, keep=1 << 20)
    given = blocks(capture(tmp_path), 1 << 20)

    def say(topic: str, kind: Kind, said: bytes = b"", seq: int = 0, clock: int = 0) -> list:
        header = Header(LIVING.id, "capture", 0, kind, seq, int(bool(seq)), clock, codecs.schema_digest())
        return [*stage.receive(Message(topic, header, memoryview(said), 0)), *stage.flush()]

    opening = codecs.pack(Opening(LIVING))
    for topic in ("flows", "packets", "events"):
        say(topic, Kind.OPEN, opening)
    assert stage.keeps == {"packets": 1 << 20}
    for topic in ("flows", "events"):
        assert say(topic, Kind.END, codecs.pack(codecs.Tally())) == []
    said = say("packets", Kind.DATA, codecs.pack(given[0]))
    told = [f for o in said for f in codecs.unpack(o.body, list[Finding])]
    assert told
    assert all(f.time < stage.hearings[LIVING.id].clock for f in told)
    saved = stage.snapshot()
    stage = DetectStage(None, passing=rules.live, keep=1 << 20)
    stage.restore(saved)
    header = Header(LIVING.id, "capture", 0, Kind.DATA, 0, 1, 0, codecs.schema_digest())
    stage.again(Message("packets", header, memoryview(codecs.pack(given[0])), 0))
    said = say("packets", Kind.END)
    assert said[-1].kind is Kind.END
    told += [f for o in said[:-1] for f in codecs.unpack(o.body, list[Finding])]
    assert sorted(what(told)) == sorted(whole(rules, tmp_path / "a.pcap"))
