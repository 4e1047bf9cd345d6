from __future__ import annotations

import pytest


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
