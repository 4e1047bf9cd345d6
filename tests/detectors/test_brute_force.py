"""Password guessing: what is it, what is not, and whether it worked."""

from __future__ import annotations

import detector_scenes as scenes
import pytest
from detector_scenes import Scene

from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build

SOURCE, SERVER = "198.51.100.9", "10.2.0.7"


def judge(scene, **parameters):
    return build({"bruteforce": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")


def guesses(n, port=22, greets=b"SSH-2.0-", asks=b"", gap=1.5, lasts=1.0, scale=1.0):
    scene = Scene()
    for i in range(n):
        scene.tcp(i * gap, SOURCE, SERVER, port, "login", lasts=lasts, greets=greets, asks=asks, scale=scale)
    return scene


def worst(found):
    return max((f.severity for f in found), default=None)


@pytest.mark.parametrize(
    ("greets", "asks", "service"),
    [
        (b"SSH-2.0-OpenSSH", b"", "ssh"),
        (b"", b"SSH-2.0-libssh", "ssh"),
        (b"220 ready", b"USER", "ftp"),
        (b"220-hello", b"", "ftp"),
        (b"+OK POP", b"", "pop3"),
        (b"* OK IMAP", b"", "imap"),
        (b"RFB 003.8", b"", "vnc"),
        (b"", b"\x03\x00\x00\x2b\x26\xe0\x00\x00", "rdp"),
        (b"", b"\x00\x00\x00\x45\xfeSMB", "smb"),
        (b"\xff\xfd\x18\xff\xfd\x20", b"", "telnet"),
    ],
)
def test_a_service_is_known_by_what_it_says(greets, asks, service):
    mail = service in ("pop3", "imap")
    found = judge(guesses(20, 50123, greets, asks))
    assert worst(found) == (None if mail else Severity.MEDIUM)
    if mail:  # its clients connect often and alike
        found = judge(guesses(80, 50123, greets, asks))
        assert worst(found) == Severity.MEDIUM
    assert found[-1].facts["service"] == service
    assert found[-1].entity == f"{SOURCE}>{SERVER}:50123"


def test_a_service_is_known_by_its_port():
    assert worst(judge(guesses(20, 3389, b"", b"").logged())) == Severity.MEDIUM
    assert judge(guesses(20, 8443, b"", b"")) == []
    found = judge(guesses(20, 8443, b"", b""), ports=[8443])
    assert found[-1].facts["service"] == "login"


def test_mail_at_its_port_is_mail():
    found = judge(guesses(20, 25, b"220 mx"), mail_factor=1)
    assert found[-1].facts["service"] == "smtp"
    assert found[-1].facts["threshold"] == 10
    assert judge(guesses(20, 25, b"220 mx")) == []


@pytest.mark.parametrize(("n", "expected"), [(5, None), (7, Severity.INFORMATIONAL), (12, Severity.MEDIUM)])
def test_few_attempts_are_told_softly(n, expected):
    assert worst(judge(guesses(n))) == expected


def test_many_at_a_time():
    scene = Scene()
    for i in range(60):
        scene.tcp(i // 20 * 4.0, SOURCE, SERVER, 902, "login", lasts=3.5, greets=b"SSH-2.0-")
    found = judge(scene)
    assert worst(found) == Severity.MEDIUM
    assert (found[-1].time - scenes.T0) / scenes.SECOND < 15


def test_success_is_suspected():
    found = judge(scenes.ssh_guessing())
    assert [f.severity for f in found][-1] == Severity.CRITICAL
    assert found[-1].facts["suspected_success"] == 1
    assert found[-1].facts["success_bytes"] > 2 * found[-1].facts["largest_bytes"]
    assert {f.entity for f in found} == {"10.1.0.9>10.2.0.7:902"}


def test_a_session_open_before_the_guessing_is_no_success():
    scene = guesses(40)
    scene.tcp(-5, SOURCE, SERVER, 22, "login", lasts=300, greets=b"SSH-2.0-", scale=50)
    assert worst(judge(scene)) == Severity.MEDIUM


def test_attempts_far_apart_do_not_add_up():
    assert judge(guesses(50, gap=90)) == []


def test_long_or_large_connections_are_no_attempts():
    assert judge(guesses(40, gap=5, lasts=90)) == []
    assert judge(guesses(40, scale=20)) == []


def test_connections_that_differ_are_no_attempts():
    scene = Scene()
    for i in range(60):
        scene.tcp(
            i * 2.0, SOURCE, SERVER, 25, "login", lasts=1.0, greets=b"220 mx", scale=0.2 + i * 5 % 17 / 4
        )
    assert judge(scene) == []


def test_a_port_that_is_only_probed_is_no_log_in():
    scene = Scene()
    for i in range(60):
        scene.tcp(i * 1.0, SOURCE, SERVER, 22, ["half_open", "refused", "connect_only"][i % 3])
    assert [f for f in judge(scene) if f.detector == "bruteforce"] == []
