from __future__ import annotations

from ingest.applications.imap import looks


def test_the_example(said):
    found = said("imap")
    assert found.values("imap.command") == [b"a1 LOGIN bob {4}", b"a2 LOGOUT"]
    assert [t.complete for t in found.transactions] == [3, 3]


def test_literals_of_the_server_are_passed_over(speak):
    turns = [
        (0, b"a1 FETCH 1 BODY[]\r\na2 NOOP\r\n"),
        (1, b"* 1 FETCH (BODY[] {10}\r\na2 OK\r\nxyz)\r\na1 OK\r\na2 OK\r\n"),
    ]
    for cut in (None, 1, 3):
        found = speak("imap", turns, (4000, 143), cut=cut)
        assert [t.complete for t in found.transactions] == [3, 3]


def test_tls_goes_on(speak):
    turns = [(0, b"a STARTTLS\r\n"), (1, b"a OK begin\r\n")]
    assert speak("imap", turns, (4000, 143)).parser.becomes == "tls"
    assert not speak("imap", [turns[0], (1, b"a NO\r\n")], (4000, 143)).parser.becomes


def test_the_end_of_waiting_belongs_to_what_waits(speak):
    found = speak("imap", [(0, b"a IDLE\r\n"), (1, b"+ idling\r\n"), (0, b"DONE\r\n"), (1, b"a OK\r\n")])
    assert found.values("imap.command") == [b"a IDLE", b"DONE"]
    assert [t.complete for t in found.transactions] == [3, 1]


def test_commands_without_answers_are_bounded(speak):
    found = speak("imap", [(0, b"".join(b"%d NOOP\r\n" % i for i in range(3000)))])
    assert len(found.parser.asked) <= 1024
    assert len(found.transactions) == 3000


def test_it_goes_by_greetings_on_any_port():
    assert [looks(1, data, (4000, 999)) for data in (b"", b"* o", b"* ok hi", b"* BYE", b"+OK")] == [
        False, None, True, False, False,
    ]  # fmt: skip
    assert looks(0, b"tag1 CAPABILITY\r\n", (4000, 999))
    assert looks(0, b"a1", (4000, 143)) is None
    assert looks(0, b"a1", (4000, 999)) is False
