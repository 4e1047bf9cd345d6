"""Misuse of accounts."""

from __future__ import annotations

import pytest
import sighting_scenes as scenes

from citywall.errors import SettingsError
from citywall.settings import PRIVATE
from detectors.registry import build


def found(scene, **parameters):
    return build({"account": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")


def kinds(scene, **parameters):
    return {f.kind for f in found(scene, **parameters)}


def logons(*outcomes, apart=10.0, hosts=1, at=0.0):
    scene = scenes.Scene()
    for i, worked in enumerate(outcomes):
        source = scenes.inside(i % hosts, net=3)
        scenes.logon(scene, at + i * apart, source, scenes.inside(5), "wangwei", bool(worked))
    return scene


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([0] * 14, set()),
        ([0] * 15, {"guessed"}),
        ([0] * 6 + [1], set()),
        ([0] * 7 + [1], {"worked"}),
        ([1] * 50, set()),
    ],
)
def test_failures_and_what_follows_them(outcomes, expected):
    assert kinds(logons(*outcomes)) == expected


def test_one_account_at_many_hosts():
    assert kinds(logons(*[1] * 12, hosts=3)) == set()
    assert kinds(logons(*[1] * 12, hosts=9)) == {"many_sources"}


def test_hours_are_those_of_the_place():
    night = logons(1, at=15 * 3600)
    assert kinds(night) == {"at_night"}
    assert kinds(night, utc_offset_h=0) == set()
    assert kinds(night, night=[0, 0]) == set()
    with pytest.raises(SettingsError, match="night"):
        build({"account": {"night": [9, 3]}}, PRIVATE)


def test_what_is_taken_out():
    assert kinds(scenes.mass_export(six=True)) == {"mass_export"}
    assert kinds(scenes.mass_export(), rows=1_000_000) == set()
    told = found(scenes.mass_export())[0]
    assert (told.entity, told.facts["account"]) == ("report@population", "report")
    assert told.facts["observed"] >= 50_000
