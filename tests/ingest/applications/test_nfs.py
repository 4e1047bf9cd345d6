from __future__ import annotations

import struct

from ingest.applications.nfs import looks
from ingest.applications.tables import ANOMALIES


def opaque(data):
    return struct.pack(">I", len(data)) + data + bytes(-len(data) % 4)


def call(xid, procedure, args=b"", version=3):
    return struct.pack(">10I", xid, 0, 2, 100003, version, procedure, 0, 0, 0, 0) + args


def answer(xid, result=b""):
    return struct.pack(">6I", xid, 1, 0, 0, 0, 0) + result


def framed(*messages):
    return b"".join(struct.pack(">I", 1 << 31 | len(m)) + m for m in messages)


def write(xid, offset, data, stable=0):
    return call(xid, 7, opaque(b"file") + struct.pack(">QII", offset, len(data), stable) + opaque(data))


PORTS = (900, 2049)


def test_the_example(said):
    found = said("nfs")
    assert found.integers("nfs.procedure") == [3, 7, 6]
    assert found.integers("nfs.version") == [3, 3, 3]
    assert found.values("file.data") == [b"hello", b"hello"]
    assert found.values("file.name") == [b"a.txt", b"a.txt"]
    assert [t.complete for t in found.transactions] == [3, 3, 3]


def test_a_file_is_written_in_pieces(speak):
    turns = [
        (
            0,
            framed(write(1, 0, b"one "), write(2, 4, b"two"))
            + framed(call(3, 21, opaque(b"file") + bytes(12))),
        )
    ]
    found = speak("nfs", turns, PORTS)
    assert (found.values("file.data"), found.integers("file.complete")) == ([b"one two"], [1])
    assert found.integers("nfs.procedure") == [7]


def test_a_hole_is_no_whole_file(speak):
    found = speak("nfs", [(0, framed(write(1, 0, b"one"), write(2, 100, b"two", 2)))], PORTS)
    assert (found.integers("file.size"), found.integers("file.complete")) == ([103], [0])


def test_a_message_in_several_fragments(speak):
    message = call(9, 1, opaque(b"handle"))
    turns = [
        (
            0,
            struct.pack(">I", 20)
            + message[:20]
            + struct.pack(">I", 1 << 31 | len(message) - 20)
            + message[20:],
        )
    ]
    for cut in (None, 1):
        assert speak("nfs", turns, PORTS, cut=cut).integers("nfs.procedure") == [1]


def test_version_2_over_udp(speak):
    handle = bytes(range(32))
    turns = [
        (0, call(1, 4, handle + opaque(b"a.txt"), 2)), (1, answer(1, bytes(4) + handle + bytes(68))),
        (0, call(2, 6, handle + struct.pack(">III", 0, 100, 0), 2)),
        (1, answer(2, bytes(4) + bytes(20) + struct.pack(">I", 5) + bytes(44) + opaque(b"hello"))),
        (0, call(3, 17, handle, 2)),
    ]  # fmt: skip
    found = speak("nfs", turns, PORTS, "udp")
    assert found.integers("nfs.procedure") == [4, 6, 17]
    assert (found.values("file.name"), found.values("file.data")) == ([b"a.txt"], [b"hello"])


def test_version_4_tells_files_and_what_makes_or_removes_one(speak):
    head = opaque(b"") + struct.pack(">I", 0)
    putfh = struct.pack(">I", 22) + opaque(b"file")
    written = struct.pack(">I", 38) + bytes(16) + struct.pack(">QI", 0, 0) + opaque(b"hello")
    closed = struct.pack(">I", 4) + bytes(20)
    removed = struct.pack(">I", 28) + opaque(b"old.txt")
    turns = [
        (0, framed(call(1, 1, head + struct.pack(">I", 2) + putfh + written, 4))),
        (0, framed(call(2, 1, head + struct.pack(">I", 2) + putfh + closed, 4))),
        (0, framed(call(3, 1, head + struct.pack(">I", 2) + putfh + removed, 4))), (1, framed(answer(3))),
    ]  # fmt: skip
    found = speak("nfs", turns, PORTS)
    assert (found.integers("nfs.version"), found.integers("nfs.procedure")) == ([4, 4], [38, 28])
    assert found.values("file.data") == [b"hello"]


def test_a_call_of_version_4_that_does_nothing_is_no_transaction(speak):
    turns = [(0, framed(call(1, 0, version=4))), (1, framed(answer(1)))]
    assert not speak("nfs", turns, PORTS).transactions
    turns = [(0, framed(call(1, 0))), (1, framed(answer(1)))]
    assert speak("nfs", turns, PORTS).integers("nfs.procedure") == [0]


def test_what_is_cut_off_or_too_long_is_told(speak):
    found = speak("nfs", [(0, framed(call(1, 1)[:30])), (0, b"\xff\xff\xff\xff")], PORTS)
    assert [ANOMALIES[k] for k, *_ in found.parser.anomalies] == ["nfs.malformed_data"] * 2
    assert found.parser.done == [True, False]


def test_other_programs_are_not_told(speak):
    other = struct.pack(">10I", 1, 0, 2, 100000, 2, 3, 0, 0, 0, 0)
    assert not speak("nfs", [(0, framed(other))], PORTS).transactions


def test_calls_without_answers_are_bounded(speak):
    found = speak("nfs", [(0, framed(*(call(i, 1, opaque(b"h")) for i in range(3000))))], PORTS)
    assert len(found.parser.calls) <= 1024


def test_it_goes_by_port_and_form():
    one = call(7, 1)
    assert looks(0, framed(one), PORTS)
    assert looks(0, one, PORTS)
    assert looks(1, framed(answer(7)), PORTS)
    assert looks(0, one[:20], PORTS) is None
    assert looks(0, bytes(40), PORTS) is False
    assert looks(0, one, (900, 2050)) is False
