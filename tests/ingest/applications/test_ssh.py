from __future__ import annotations

import pytest

from ingest.applications.tables import ANOMALIES


def test_the_example(said):
    found = said("ssh")
    assert found.values("ssh.software") == [b"OpenSSH_9.0", b"client"]
    assert found.values("ssh.hassh.string") == [b"kex;c1;m1;z1"]
    assert found.values("ssh.hassh.server.string") == [b"kex;s1;n1;y1"]


def test_new_keys_end_the_reading(speak, examples):
    keys = b"\0\0\0\x0c\x0a\x15" + bytes(10)
    found = speak("ssh", [*examples["ssh"][0], (0, keys), (1, keys)])
    assert found.parser.done == [True, True]
    assert found.integers("ssh.encrypted") == [1]


def test_a_banner_without_an_end_is_told(speak):
    assert speak("ssh", [(0, b"SSH-" + b"x" * 3000)]).parser.anomalies


@pytest.mark.parametrize(
    ("line", "odd"),
    [
        (b"SSH-2.0-x\r\n", 0),
        (b"SSH-2.0\r\n", 1),
        (b"SSH--x\n", 1),
        (b"Exceeded MaxStartups\r\nSSH-2.0-x\n", 1),
    ],
)
def test_lines_that_are_no_banners_are_told_once(speak, line, odd):
    found = speak("ssh", [(0, b"SSH-2.0-a b\r\n"), (1, b"one\ntwo\n" * odd + line)], (4000, 22))
    assert [ANOMALIES[k] for k, *_ in found.parser.anomalies] == ["ssh.invalid_banner"] * odd
