from __future__ import annotations

import pytest

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.analysis import Analyser
from ingest.applications.tables import FIELD, KIND, PROTOCOLS
from ingest.applications.wanted import ALL, Wanted

PORTS = {"http": (4000, 80), "smb": (4000, 445), "dcerpc": (4000, 135), "tls": (4000, 443)}


def read(packets, turns, ports, wanted=ALL):
    rows, buffer = packets.decoded(packets.conversation(turns, ports))
    analyser = Analyser(ApplicationSettings(), growing=True, wanted=wanted)
    analyser.add(rows, 1, buffer)
    analyser.end()
    return analyser.tables()


def test_all_is_kept_where_nothing_is_said():
    assert (ALL.kept, ALL.noted) == (KIND, FIELD)
    assert ALL.reads("anything")
    some = Wanted(frozenset({"http"}), frozenset({"http.uri"}), frozenset({"urilen"}))
    assert (some.reads("http"), some.reads("dns")) == (True, False)
    assert {"http.uri", "http.method", "smtp.helo"} <= some.kept.keys()  # parsers look back at the others
    assert "http.host" not in some.kept
    assert dict(some.noted) == {"urilen": FIELD["urilen"]}


@pytest.mark.parametrize("name", PORTS)
def test_a_protocol_that_nobody_reads_is_recognised_as_one_that_is_read(name, examples, packets):
    turns, *_ = examples[name]
    whole = read(packets, turns, PORTS[name])
    none = read(packets, turns, PORTS[name], Wanted(frozenset()))
    assert PROTOCOLS[whole.flows["protocol"][0]] == name
    for column in ("protocol", "protocol_frame", "sides", "sides_frame"):
        assert (none.flows[column] == whole.flows[column]).all(), column
    assert len(whole.transactions)
    assert not len(none.transactions)
    assert (none.chunk_arena == whole.chunk_arena).all()  # its stream is there all the same


def test_only_what_is_wanted_is_kept_of_a_transaction(examples, packets):
    turns, *_ = examples["http"]
    whole = read(packets, turns, PORTS["http"])
    some = read(packets, turns, PORTS["http"], Wanted(kinds=frozenset({"http.uri"}), fields=frozenset()))
    assert some.values("http.uri") == whole.values("http.uri") != []
    assert some.values("http.host") == []
    assert not len(some.numbers)
    for column in ("number", "complete", "request_frame", "response_frame"):
        assert (some.transactions[column] == whole.transactions[column]).all()


def test_messages_of_dcerpc_are_whole_at_the_same_frames_without_what_they_say(examples, packets):
    turns, *_ = examples["dcerpc"]
    whole = read(packets, turns, PORTS["dcerpc"])
    marks = read(packets, turns, PORTS["dcerpc"], Wanted(kinds=frozenset(), calls=False))
    for column in ("number", "complete", "request_frame", "response_frame"):
        assert (marks.transactions[column] == whole.transactions[column]).all()
    assert len(whole.buffers) > len(marks.buffers) == 0


def smb1(command, mid, words=b"", payload=b"", *, answer=False):
    head = b"\xffSMB" + bytes([command]) + b"\0" * 4 + bytes([0x88 if answer else 0x08])
    head += b"\0" * 14 + b"\1\0" + b"\0\0" + b"\1\0" + mid.to_bytes(2, "little")
    message = head + bytes([len(words) // 2]) + words + len(payload).to_bytes(2, "little") + payload
    return len(message).to_bytes(4, "big") + message


def written_file():
    """A file written by SMB 1 between other commands, and closed."""
    at = 4 + 32 + 1 + 28 + 2 - 4
    words = (
        b"\xff\0\0\0" + b"\7\0" + b"\0" * 12 + b"\0\0" + (5).to_bytes(2, "little") + at.to_bytes(2, "little")
    )
    return [
        (0, smb1(0x72, 1)), (1, smb1(0x72, 1, answer=True)),
        (0, smb1(0x2F, 2, words + b"\0" * 4, b"hello")), (1, smb1(0x2F, 2, answer=True)),
        (0, smb1(0x32, 3)), (1, smb1(0x32, 3, answer=True)),
        (0, smb1(0x04, 4, b"\7\0" + b"\0" * 4)), (1, smb1(0x04, 4, answer=True)),
    ]  # fmt: skip


def test_files_of_smb_are_there_where_its_commands_are_not_asked_for(packets):
    whole = read(packets, written_file(), PORTS["smb"])
    files = read(packets, written_file(), PORTS["smb"], Wanted(kinds=frozenset({"file.data"}), calls=False))
    assert whole.values("file.data") == files.values("file.data") == [b"hello"]
    assert len(files.transactions) < len(whole.transactions)
    frames = [t.buffers["frame"][t.buffers["kind"] == KIND["file.data"]].tolist() for t in (whole, files)]
    assert frames[0] == frames[1]


def test_more_of_a_flow_that_is_read_no_further_changes_nothing(packets):
    turns = [(0, b"GET / HTTP/1.1\r\n\r\n"), (1, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
    rows, buffer = packets.decoded(packets.conversation(turns * 3, PORTS["http"]))
    analyser = Analyser(ApplicationSettings(), growing=True, wanted=Wanted(frozenset()))
    known = []
    for at in range(0, len(rows), 2):
        analyser.add(rows[at : at + 2], 1 + at, buffer)
        known += analyser.tables().flows["sides"].tolist()
    assert known[-1][:2] == [PROTOCOLS.index("http")] * 2
    assert sum(1 for sides in known if sides == known[-1]) > 2


@pytest.mark.parametrize("begun", [{"http"}, set()])
def test_what_is_wanted_from_now_on(begun, packets):
    """Requests that begin later are kept for more; a connection that was not read stays unread."""
    turns = [(0, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), (1, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
    rows, buffer = packets.decoded(packets.conversation(turns * 2, PORTS["http"]))
    said = Wanted(frozenset(begun), frozenset({"http.uri"}))
    analyser = Analyser(ApplicationSettings(), growing=True, wanted=said)
    half = len(rows) // 2
    analyser.add(rows[:half], 1, buffer)
    assert analyser.tables().values("http.host") == []
    analyser.want(Wanted(kinds=frozenset({"http.uri", "http.host"})))
    analyser.add(rows[half:], 1 + half, buffer)
    analyser.end()
    assert analyser.tables().values("http.host") == ([b"a"] if begun else [])
