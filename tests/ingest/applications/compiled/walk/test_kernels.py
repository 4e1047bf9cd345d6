from __future__ import annotations

import random

import pytest

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.analysis import Analyser
from ingest.applications.compiled.handing import python_reads
from ingest.applications.compiled.reading import Reading


@pytest.mark.parametrize("size", [1, 2, 9, 100])
def test_messages_cut_anywhere(packets, examples, alike, size):
    """Each turn's bytes in packets of `size`: tails, marks and what the other side looks like."""
    flows = []
    for i, name in enumerate(("smb", "dcerpc", "modbus")):
        turns, ports, _ = examples[name]
        cut = [(d, data[at : at + size]) for d, data in turns for at in range(0, len(data), size)]
        flows += packets.conversation(cut, (4000 + i, ports[1]))
    question = examples["dns"][0][0][1]
    stream = len(question).to_bytes(2, "big") + question
    cut = [(0, (stream * 3)[at : at + size]) for at in range(0, 3 * len(stream), size)]
    flows += packets.conversation(cut, (4100, 53))
    for each in (0, 4):
        alike(*packets.decoded(flows), each, growing=bool(each))


def test_the_other_side_speaks_something_else(packets, examples, alike):
    bind = examples["dcerpc"][0][0][1]
    flows = []
    for i, answer in enumerate((b"HTTP/1.1 200 OK\r\n\r\n", b"\xfe" * 40, b"\5", bind)):
        flows += packets.conversation([(0, bind), (1, answer), (1, answer)], (4000 + i, 135))
    told = alike(*packets.decoded(flows))
    assert len(told[0].anomalies) >= 2


def test_a_hole_ends_a_direction(packets, examples, alike):
    data = examples["smb"][0][0][1]
    rows = packets.conversation([(0, data), (0, data * 20), (0, data)], (4000, 445))
    del rows[5]
    alike(*packets.decoded(rows), 3, growing=True)


def test_what_is_announced_is_left_to_python(packets, alike, examples):
    ask, call = examples["ftp"][0], examples["dcerpc"][0]
    control = packets.conversation(ask, (4000, 21), fin=False)
    data = packets.conversation([(1, call[0][1])], (4001, 21001))
    told = alike(*packets.decoded(control + data))
    assert told[0].values("ftpdata.name") == [b"a.txt"]


def test_a_datagram_to_an_announced_place_is_no_file(packets, alike, examples):
    control = packets.conversation(examples["ftp"][0], (4000, 21), fin=False)
    control.append(packets.datagram(packets.client, packets.server, 4001, 21001, b"what is this"))
    told = alike(*packets.decoded(control))
    assert told[0].values("ftpdata.name") == []


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("each", [0, 1, 7])
def test_a_transfer_is_seen_however_it_is_cut(packets, alike, examples, size, each):
    """Its verb in any case, in pieces of any size, in the batch of what it announces or before it."""
    ask = [(d, data.replace(b"RETR", b"xRETR\r\nreTR")) for d, data in examples["ftp"][0]]
    cut = [(d, data[at : at + size]) for d, data in ask for at in range(0, len(data), size)]
    control = packets.conversation(cut, (4000, 21), fin=False)
    call = examples["dcerpc"][0][0][1]
    data = packets.conversation([(1, call), (0, call)], (4001, 21001))
    told = alike(*packets.decoded(control + data), each, growing=bool(each))
    assert [name for table in told for name in table.values("ftpdata.name")][-1:] == [b"a.txt"]


@pytest.mark.parametrize("each", [0, 1, 8])
def test_a_transfer_before_anybody_knows_that_it_is_ftp(packets, alike, examples, each):
    """What the client said is read once the server greets, in a batch behind that with the verb."""
    turns = [(0, b"NOOP\r\nPORT 10,0,0,1,82,9\r\nSTOR b.txt\r\n"), (1, b"220 hi\r\n")]
    control = packets.conversation(turns, (4000, 21), fin=False)
    data = packets.conversation([(0, examples["dcerpc"][0][0][1])], (21001, 4001))
    mixed = control[:3] + data[:3] + control[3:] + data[3:]
    told = alike(*packets.decoded(mixed), each, growing=bool(each))
    assert [name for table in told for name in table.values("ftpdata.name")][-1:] == [b"b.txt"]


def place(rng, port):
    """What announces a port: (client's words, what the server answers), as FTP bears it."""
    high, low = port >> 8, port & 255
    six = (
        rng.choice((b"", b"7,", b"12345,")) + b"10,0,0,1,%d,%d" % (high, low) + rng.choice((b"", b",5", b")"))
    )
    if rng.random() < 0.5:
        return rng.choice(
            (
                (b"PORT 10,0,0,1,%d,%d\r\n" % (high, low), b"200 ok\r\n"),
                (b"PORT %s\r\n" % six, b"200 ok\r\n"),
                (b"EPRT |1|10.0.0.1|%d|\r\n" % port, b"200 ok\r\n"),
                (b"EPRT %d||\r\n" % port, b"200 ok\r\n"),
                (b"EPRT |1|10.0.0.1|%d9|\r\n" % port, b"200 ok\r\n"),
            )
        )
    return rng.choice(
        (
            (b"PASV\r\n", b"227 Entering (%s)\r\n" % six),
            (b"EPSV\r\n", b"229 Entering (|||%d|)\r\n" % port),
        )
    )


@pytest.mark.parametrize("seed", range(40))
def test_a_place_is_known_however_it_is_named(packets, alike, examples, seed):
    """A data connection at each end, at the port that was named, among others at ports that were not."""
    rng = random.Random(seed)
    port = rng.choice((rng.randrange(1024, 65536), 80, 65535, 10000))
    ask, answer = place(rng, port)
    turns = [(1, b"220 hi\r\n"), (0, b"USER bob\r\n"), (1, b"331 1,2,3\r\n"), (0, ask), (1, answer)]
    turns += [(0, b"RETR a.txt\r\n"), (1, b"150 wait\r\n")]
    size = rng.choice((1, 2, 5, 1000))
    cut = [(d, data[at : at + size]) for d, data in turns for at in range(0, len(data), size)]
    flows = packets.conversation(cut, (4000, 21), fin=False)
    call = examples["dcerpc"][0][0][1]
    for ports in ((5000, 135), (port, 135), (5001, port)):
        flows += packets.conversation([(0, call), (1, call)], ports)
    told = alike(*packets.decoded(flows), rng.choice((0, 0, 6)))
    assert told[0].values("ftp.command")


def test_a_place_that_nobody_understood_has_no_port(packets, alike):
    turns = [(0, b"USER bob\r\n"), (0, b"EPRT what|\r\n"), (0, b"RETR a.txt\r\n")]
    flows = packets.conversation(turns, (4000, 21), fin=False)
    flows += packets.conversation([(1, b"SSH-2.0-a\r\n")], (0, 22))
    told = alike(*packets.decoded(flows))
    assert told[0].values("ftpdata.name") == [b"a.txt"]


def test_who_transfers_nothing_announces_nothing(packets, monkeypatch, examples):
    """Connections of hosts that speak FTP, or what nobody knows, are read here all the same."""
    fates = []

    class Watched(Reading):
        def read(self, *given):
            fates.append(super().read(*given))
            return fates[-1]

    monkeypatch.setattr("ingest.applications.analysis.Reading", Watched)
    ask = [(0, b"USER bob\r\n"), (1, b"331 word?\r\n"), (0, b"PASV\r\n")]
    turns = examples["ssh"][0]
    for verb, port, python in ((b"RET", 2222, False), (b"RETR", 2222, True), (b"RETR", 2223, False)):
        said = [*ask, (1, b"227 (10,0,0,2,8,174)\r\n"), (0, verb + b" a\r\n")]
        control = packets.conversation(said, (4000, 2121), fin=False)
        control += packets.conversation([(0, b"?" * 9)], (4001, 999), fin=False)
        data = packets.conversation(turns, (4002, port))
        rows, buffer = packets.decoded(control + data)
        analyser = Analyser(ApplicationSettings(), keep_streams=True)
        analyser.add(rows, 1, buffer)
        assert python_reads(fates[-1])[-len(turns) :].all() == python
