from __future__ import annotations

import pytest

from citywall.applicationsettings import ApplicationSettings
from ingest.applications import tables
from ingest.applications.parser import MOST_HELD, MOST_OPEN, Parser, Stream, StreamParser
from ingest.applications.tables import PROTOCOL


class Lines(StreamParser):
    name = "telnet"

    def advance(self, direction):
        stream = self.streams[direction]
        while (end := stream.data.find(b"\n")) >= 0:
            made = self.begin(stream.frame(1), stream.time(1))
            made.put("imap.command", direction, stream.frame(end + 1), stream.data[:end])
            stream.drop(end + 1)
            self.finish(made)


def test_frames_are_those_that_brought_the_bytes():
    parser = Lines(ApplicationSettings())
    parser.feed(0, b"ab", ([1, 1], [3, 4], [30, 40]))
    parser.feed(0, b"c\nd\n", ([4], [9], [90]))
    (first, second) = parser.closed
    assert (first.first_frame, first.time, first.buffers[0][3]) == (3, 30, 9)
    assert (second.first_frame, second.protocol) == (9, PROTOCOL["telnet"])


def test_used_marks_are_dropped():
    stream = Stream()
    for i in range(1000):
        stream.data += b"x"
        stream.ends.append(i + 1)
        stream.frames.append(i)
        stream.times.append(i)
        assert stream.frame(1) == i
        stream.drop(1)
    assert len(stream.ends) < 100


def test_what_stands_behind_the_end_came_with_the_last_piece():
    stream = Stream()
    stream.take(b"abcd", ([2, 2], [7, 8], [70, 80]))
    stream.data += b"\r\n\r\n"  # as a parser does when a head has no end
    stream.drop(6)
    assert (stream.mark(0), bytes(stream.data)) == ((8, 80), b"\r\n")


def test_what_is_held_back_is_bounded():
    parser = Lines(ApplicationSettings())
    data = b"x" * (MOST_HELD + 1)
    parser.feed(0, data, ([len(data)], [1], [1]))
    assert parser.done[0]
    assert not parser.streams[0].data
    assert parser.anomalies


def test_open_transactions_are_bounded():
    parser = Parser(ApplicationSettings())
    type(parser).name = "telnet"
    for _ in range(MOST_OPEN + 5):
        parser.begin(1, 1)
    assert len(parser.open) == MOST_OPEN
    type(parser).name = ""


def test_a_gap_ends_a_direction():
    parser = Lines(ApplicationSettings())
    parser.gap(0, 5)
    parser.feed(0, b"a\n", ([2], [1], [1]))
    assert not parser.closed


UNITS = {
    "ssh": (22, {"ssh.record.hdr", "ssh.record.data", "ssh.record.pdu"}),
    "tls": (443, {"tls.pdu", "tls.hdr", "tls.data"}),
    "mqtt": (1883, {"mqtt.pdu", "mqtt.header", "mqtt.data"}),
    "ldap": (389, {"ldap.pdu"}),
    "dcerpc": (135, {"dcerpc.pdu", "dcerpc.hdr", "dcerpc.data"}),
    "rfb": (5900, {"rfb.pdu"}),
    "http": (80, {"http.request", "http.response"}),
    "smtp": (25, {"smtp.command_line", "smtp.response_line", "smtp.data"}),
    "websocket": (80, {"websocket.header", "websocket.pdu", "websocket.data"}),
}


@pytest.mark.parametrize("name", UNITS)
def test_units_are_kept_where_rules_ask_for_them(speak, examples, name):
    port, wanted = UNITS[name]
    turns = examples[name][0]
    found = speak(name, turns, (4000, port), settings=ApplicationSettings(units=True))
    units = found.parser.units
    assert wanted <= {tables.UNITS[kind] for kind, *_ in units}
    said = {d: b"".join(data for side, data in turns if side == d) for d in (0, 1)}
    assert all(data in said[d] for _, d, _, data, _ in units)
    assert not speak(name, turns, (4000, port)).parser.units


def test_numbers_follow_those_of_another_parser():
    parser = Lines(ApplicationSettings())
    early = parser.begin(0, 0)
    parser.odd("applayer.parser_failed", 0, 1, early)
    parser.odd("applayer.parser_failed", 0, 1)
    parser.count_from(3)
    assert (early.number, parser.begin(1, 1).number) == (3, 4)
    assert [row[2] for row in parser.anomalies] == [3, -1]


def test_bytes_that_came_together():
    stream = Stream()
    stream.take(b"abcdefgh", ([2, 3, 1, 2], [5, 5, 6, 7], [0, 0, 0, 0]))
    assert [stream.together(n) for n in (1, 2, 5, 6, 7)] == [5, 5, 5, 6, 8]
    stream.drop(3)
    assert [stream.together(n) for n in (1, 3, 5)] == [2, 3, 5]
