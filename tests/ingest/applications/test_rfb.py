from __future__ import annotations


def test_the_example(said):
    found = said("rfb")
    assert found.values("rfb.name") == [b"desk"]
    assert found.integers("rfb.secresult") == [0]
    assert found.integers("rfb.sectype") == [1]


def test_a_security_that_is_not_known_ends_the_reading(speak, examples):
    turns = [*examples["rfb"][0][:3], (0, b"\x13")]
    assert speak("rfb", turns, (4000, 5900)).parser.done == [True, True]
