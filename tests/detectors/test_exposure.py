"""Passwords and sessions in the open."""

from __future__ import annotations

import pytest
import sighting_scenes as scenes

from citywall import batches as b
from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build


def found(scene, **parameters):
    return build({"exposure": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")


def hello(version, cipher, server="10.2.0.3"):
    more = {"code": version, "type": cipher, "ports": (443, 40000)}
    return scenes.say(scenes.Scene(), 0, b.TLS_SERVER, server, "10.1.0.9", **more)


@pytest.mark.parametrize(
    ("version", "cipher", "kind"),
    [
        (0x0304, 0x1301, None),
        (0x0303, 0xC02F, None),
        (0x0303, 0x000A, None),  # three DES: old, not broken
        (0x0302, 0xC014, "old_tls"),
        (0x0300, 0x0035, "old_tls"),
        (0x0303, 0x0005, "weak_cipher"),
        (0x0301, 0x0003, "weak_cipher"),
        (0x0303, 0xC011, "weak_cipher"),
    ],
)
def test_versions_and_ciphers(version, cipher, kind):
    assert [f.kind for f in found(hello(version, cipher))] == ([kind] if kind else [])


def test_grades_are_for_servers_of_ours():
    assert found(hello(0x0301, 0xC014), severity=3)[0].severity is Severity.MEDIUM
    assert found(hello(0x0301, 0xC014, "198.51.100.7"), severity=3)[0].severity is Severity.INFORMATIONAL


def test_a_log_in_is_told_once_in_a_day():
    scene = scenes.Scene()
    for i in range(3):
        more = {"type": 1, "flags": b.CLEAR_PASSWORD, "ports": (40000 + i, 21)}
        scenes.say(scene, i * 60, b.LOGIN_NAME, "10.1.0.9", "10.2.0.3", "wangwei", **more)
    (told,) = found(scene)
    assert (told.kind, told.facts["name"], told.facts["observed"]) == ("clear_login", "wangwei", "ftp")
    cookie = {"type": 10, "flags": 0, "ports": (40000, 3389)}
    scene = scenes.say(scenes.Scene(), 0, b.LOGIN_NAME, "10.1.0.9", "10.2.0.3", "wangwei", **cookie)
    assert found(scene) == []  # a name alone
