"""Whole conversations, cut anywhere, broken, and captures: kernels say what the parsers in Python say."""

from __future__ import annotations

import random

import pytest

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.analysis import Analyser, _decoded
from ingest.applications.compiled.reading import compile_parsers
from ingest.applications.tables import PROTOCOL
from ingest.applications.wanted import Wanted

CAPTURES = ("lateral", "covert", "dns-tunnel", "exploit")


def everything(packets, examples, change=lambda data: data):
    """A conversation of each protocol, interleaved packet by packet."""
    flows = []
    for i, (turns, ports, carrier) in enumerate(examples.values()):
        changed = [(d, change(data)) for d, data in turns]
        client = ports[0] + i if carrier == "tcp" else ports[0]
        if carrier == "tcp":
            flows.append(packets.conversation(changed, (client, ports[1])))
            continue
        ends = (packets.client, packets.server, *ports), (packets.server, packets.client, ports[1], ports[0])
        flows.append([packets.datagram(*ends[d], data) for d, data in changed if len(data) < 1400])
    out, draw = [], random.Random(5)
    while any(flows):
        out.append(draw.choice([flow for flow in flows if flow]).pop(0))
    return packets.decoded(out)


@pytest.mark.parametrize(("size", "growing"), [(0, False), (1, False), (7, True)])
def test_every_protocol_at_once(packets, examples, alike, size, growing):
    told = alike(*everything(packets, examples), size, growing=growing)
    seen = {int(p) for made in told for p in made.transactions["protocol"]}
    assert {PROTOCOL[name] for name in ("dns", "snmp", "smb", "dcerpc", "http", "tls")} <= seen


@pytest.mark.parametrize("seed", range(12))
def test_broken_bytes(packets, examples, alike, seed):
    draw = random.Random(seed)

    def change(data):
        body = bytearray(data)
        for _ in range(draw.randrange(3)):
            body[draw.randrange(len(body))] = draw.choice((0, 1, 0x7F, 0x80, 0xC0, 0xFF, draw.randrange(256)))
        return bytes(body)

    alike(*everything(packets, examples, change), draw.choice((0, 3)), growing=bool(seed % 2))


@pytest.mark.parametrize(
    "wanted",
    [Wanted(frozenset()), Wanted(frozenset({"dns"}), frozenset({"dns.query"}), frozenset({"dns.rcode"})),
     Wanted(kinds=frozenset({"file.data"}), calls=False)],
)  # fmt: skip
def test_only_what_is_wanted(packets, examples, alike, wanted):
    alike(*everything(packets, examples), 5, growing=True, wanted=wanted)


def test_no_protocol_that_settings_leave_out(packets, examples, alike):
    told = alike(*everything(packets, examples), settings=ApplicationSettings(protocols=("dns",)))
    assert {int(p) for p in told[0].transactions["protocol"]} == {PROTOCOL["dns"]}


@pytest.mark.parametrize("folder", CAPTURES)
def test_captures(shared_data, alike, folder):
    for path in sorted((shared_data / "captures" / "pcap" / folder).rglob("*.pcap*")):
        if path.is_file() and path.stat().st_size < 2_000_000 and path.suffix in (".pcap", ".pcapng"):
            for rows, first, buffer in list(_decoded(path))[:2]:
                assert first > 0
                alike(rows, buffer.copy(), 0, growing=False)


def test_memory_does_not_grow_with_what_is_over(packets, examples):
    turns, _, _ = examples["dns"]
    analyser = Analyser(ApplicationSettings(), growing=True)
    frame = 1
    for _ in range(6):
        many = [
            packets.datagram(packets.client, packets.server, 1024 + i, 53, turns[0][1]) for i in range(500)
        ]
        rows, buffer = packets.decoded(many)
        analyser.add(rows, frame, buffer)
        frame += len(rows)
        assert len(analyser.tables().transactions) == 500
    held = analyser._reading._mem
    assert len(held.txs) <= 1024
    assert len(held.puts) <= 8192


def test_what_is_compiled_ahead():
    compile_parsers()
