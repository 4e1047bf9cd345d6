from __future__ import annotations


def test_the_example(said):
    found = said("iec104")
    assert (found.integers("iec104.type"), found.integers("iec104.cause")) == ([100], [6])


def test_acknowledgements_are_no_transactions(speak):
    found = speak("iec104", [(0, b"\x68\4\1\0\2\0" + b"\x68\4\7\0\0\0")], (4000, 2404))
    assert found.integers("iec104.frame") == [3]


def test_what_is_no_frame_ends_the_reading(speak):
    assert speak("iec104", [(0, b"nonsense")], (4000, 2404)).parser.done[0]
