from __future__ import annotations

import msgspec
import pytest

from citywall.errors import FaultyInput, SettingsError
from citywall.settings import Settings, load, results_digest
from posture.attach import attach, locator, portals


def settings_with(path, *more: str) -> Settings:
    return load(None, {}, [f"register={path}", *more])


def test_a_register_is_read_once_and_is_part_of_a_session(small, write):
    path = write(small)
    plain, given = Settings(), settings_with(path)
    assert attach(plain) is plain
    assert locator(plain) is None
    # A path alone changes nothing; what it holds does.
    assert results_digest(given) == results_digest(plain)
    attached = attach(given)
    assert results_digest(attached) != results_digest(plain)
    assert attach(attached) is attached
    locate = locator(attached)
    assert locate is not None
    place = locate("default", "10.0.0.5")
    assert place is not None
    assert place.asset == "web"
    # Elsewhere, and in another order, it is the same; who answers for a unit is not in alerts.
    again = attach(settings_with(write(small.replace("赵", "孙") + "# a remark\n", "elsewhere.yaml")))
    assert results_digest(again) == results_digest(attached)
    other = attach(settings_with(write(small.replace("importance: 4", "importance: 5"), "other.yaml")))
    assert results_digest(other) != results_digest(attached)


def test_a_register_with_faults_is_refused(write):
    with pytest.raises(FaultyInput, match=r"register\.yaml, line 1: zones: must be a list"):
        attach(settings_with(write("zones: 1")))


@pytest.mark.parametrize(
    ("domain", "more", "known"),
    [
        ("vlan 7", [], True),
        ("vlan 3.7", [], True),
        ("vlan 7", ["domains.by_vlan=false"], False),
        ("vlan 7", ["domains.vlans.7=hr"], False),
        ("hr", ["domains.vlans.7=hr"], True),
        ("hr", [], False),
        ("vlan seven", [], False),
        ("vlan 5000", [], False),
        ("vlan 07", [], False),
        ("vlan 0", [], False),
    ],
)
def test_domains_that_packets_are_never_put_into(small, write, domain: str, more: list[str], known: bool):
    settings = settings_with(write(small.replace("vlan 7", domain)), *more)
    if known:
        attach(settings)
        return
    with pytest.raises(SettingsError, match=f"network domain '{domain}', which"):
        attach(settings)


@pytest.mark.parametrize(
    "text", ["nonsense", '{"assets": [{"id": "a", "name": "A", "addresses": ["10.0.0.1/8"]}]}']
)
def test_what_a_run_hands_over_is_checked(text: str):
    with pytest.raises(SettingsError, match="registered"):
        locator(msgspec.structs.replace(Settings(), registered=text))


PORTALS = 'portals: [{id: www, name: W, urls: ["http://w.cn/"], system: portal, interval: 5}]\n'


def test_what_is_said_of_portals_is_part_of_a_session_but_not_how_often_they_are_visited(small, write):
    attached = attach(settings_with(write(small + PORTALS)))
    find = portals(attached)
    assert find is not None
    place = find("www")
    assert place is not None
    assert place.system == "portal"
    often = attach(
        settings_with(write((small + PORTALS).replace("interval: 5", "interval: 1"), "often.yaml"))
    )
    assert results_digest(often) == results_digest(attached)
    other = attach(settings_with(write((small + PORTALS).replace("w.cn", "x.cn"), "other.yaml")))
    assert results_digest(other) != results_digest(attached)
    assert portals(Settings()) is None
