from __future__ import annotations

from ingest.applications.tftp import looks


def test_the_example(said):
    found = said("tftp")
    assert (found.values("tftp.file"), found.integers("tftp.opcode")) == ([b"boot.cfg"], [1])


def test_a_write_of_text(speak):
    found = speak("tftp", [(0, b"\0\2config\0NetASCII\0")], (4000, 69), "udp")
    assert (found.values("tftp.file"), found.integers("tftp.opcode")) == ([b"config"], [2])


def test_what_is_no_request_is_no_transaction(speak):
    for data in (b"\0\4\0\1", b"\0\1open", b"\0\1name\0other\0", b"\0\1"):
        assert not speak("tftp", [(0, data)], (4000, 69), "udp").transactions


def test_it_goes_by_port_and_kind():
    assert looks(0, b"\0\1a\0", (4000, 69))
    assert not looks(0, b"\0\6a\0", (4000, 69))
    assert not looks(0, b"\0\1a\0", (4000, 70))
