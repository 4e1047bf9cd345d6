"""What other sensors report."""

from __future__ import annotations

import pytest
import sighting_scenes as scenes

from citywall import batches as b
from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build


def found(scene, **parameters):
    told = build({"reported": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in told if f.detector == "reported"]


def notice(scene, at, name, message="", *, code=0, host="10.0.1.9", other="::", number=0):
    more = {"ports": (0, 0), "frame": -1, "code": code, "number": number}
    return scenes.say(scene, at, b.NOTICE_RAISED, host, other, name, message, "", **more)


@pytest.mark.parametrize(
    ("name", "message", "code", "kind"),
    [
        ("Scan::Port_Scan", "", 0, "scan"),
        ("Scan::Address_Scan", "scanned at least 25 unique hosts", 0, "scan"),
        ("FTP::Bruteforcing", "", 0, "bruteforce"),
        ("Heartbleed::SSL_Heartbeat_Attack", "", 0, "exploit"),
        ("TeamCymruMalwareHashRegistry::Match", "", 0, "c2"),
        ("x", "Detection of a Network Scan", 3, "scan"),
        ("x", "Malware Command and Control Activity Detected", 1, "c2"),
        ("x", "Attempted Administrator Privilege Gain", 1, "exploit"),
        ("Scan::Port_Scan", "Misc activity", 3, None),  # an alert is told by its class alone
        ("HTTP::Scandal", "Port_Scan", 0, None),
    ],
)
def test_kinds_are_told_by_name_or_by_class(name, message, code, kind):
    assert {f.kind for f in found(notice(scenes.Scene(), 0, name, message, code=code))} == {kind} - {None}


@pytest.mark.parametrize(
    ("code", "severity"),
    [(0, Severity.MEDIUM), (1, Severity.MEDIUM), (2, Severity.LOW), (3, Severity.INFORMATIONAL)],
)
def test_severity_follows_the_priority(code, severity):
    (told,) = found(notice(scenes.Scene(), 0, "Port_Scan", "Network Scan", code=code))
    assert told.severity == severity
    assert told.confidence == 0.5


def test_one_episode_is_told_once_and_as_it_doubles():
    scene = scenes.Scene()
    for i, n in enumerate((5, 6, 10, 11, 20)):
        notice(scene, i * 60, "Scan::Address_Scan", number=n)
    assert [(f.facts["observed"], f.facts["seconds"]) for f in found(scene)] == [(5, 0), (10, 120), (20, 240)]
    notice(scene, 4000, "Scan::Address_Scan", number=5)
    assert len(found(scene)) == 4
    assert len(found(scene, window_s=86400)) == 3


def test_hosts_are_those_of_the_report():
    (told,) = found(notice(scenes.Scene(), 0, "Scan::Port_Scan"))
    assert (told.source.address, told.target, told.entity) == ("10.0.1.9", None, "10.0.1.9")
    (piece,) = told.evidence
    assert (piece.source.prefix, piece.target.address, piece.target.prefix) == (None, "0.0.0.0", 0)
    (told,) = found(notice(scenes.Scene(), 0, "Scan::Port_Scan", host="::", other="10.0.2.3"))
    assert (told.source, told.target.address, told.entity) == (None, "10.0.2.3", "10.0.2.3")
    assert found(notice(scenes.Scene(), 0, "Scan::Port_Scan", host="::")) == []


def test_text_that_is_no_text_is_read():
    scene = notice(scenes.Scene(), 0, "Scan::Port_Scan", "x")
    size = scene.resolution[0]["name_size"]
    scene.resolution[0]["text"][size] = 0xFF
    (told,) = found(scene)
    assert told.facts["message"] == "�"
