"""Portals: when what a probe found is told, and what captures show of the places they are served from."""

from __future__ import annotations

import msgspec
import pytest
import sighting_scenes as scenes

from citywall import batches as b
from citywall.findings import Severity
from citywall.portals import PAST_DAYS, Portal
from citywall.settings import PRIVATE
from detectors.frontage import Front, Frontage
from detectors.ground import Ground
from detectors.registry import build

HOUR = 3600
DAY = 86_400
TODAY = scenes.T0 // 10**9 // DAY


def found(scene, ground=None, **parameters):
    detectors = build({"portal": parameters}, PRIVATE, ground=ground)
    told = detectors.process(scene.reports(), scene.events(), "s", "live")
    return [f for f in told if f.detector == "portal"]


def grades(scene, **parameters):
    return [(f.kind, int(f.severity)) for f in found(scene, **parameters)]


@pytest.mark.parametrize(
    ("before", "measure", "severity"),
    [(0, 1, None), (1, 2, 3), (2, 3, None), (3, 4, 3), (4, 5, None), (7, 8, 4)],
)
def test_a_page_that_stays_away_is_told_at_each_doubling(before, measure, severity):
    scene = scenes.drift(scenes.Scene(), 0, "down", "timeout", measure, before=before)
    assert [s for _, s in grades(scene)] == ([] if severity is None else [severity])


@pytest.mark.parametrize(
    ("before", "left", "severity"),
    [
        (31, 30, 2),
        (30, 29, None),
        (20, 15, 2),
        (9, 7, 3),
        (1, 0, 4),
        (0, -1, None),
        (None, 31, None),
        (None, -9, 4),
    ],
)
def test_a_certificate_that_ends_is_told_as_its_time_halves(before, left, severity):
    past = 0 if before is None else PAST_DAYS + before
    scene = scenes.drift(scenes.Scene(), 0, "expiry", str(left), PAST_DAYS + left, before=past)
    assert [s for _, s in grades(scene)] == ([] if severity is None else [severity])


def test_what_lasts_is_told_once_a_day():
    def again(hours, previous, **more):
        scene = scenes.drift(
            scenes.Scene(), hours * HOUR, "script", "x.test", before=1, began=0, previous=previous * HOUR
        )
        return found(scene, **more)

    assert not again(23.9, 23.4)
    (reminder,) = again(24.1, 23.6)
    assert reminder.facts["since"] == "2023-11-14T22:13:20Z"
    assert not again(24.6, 24.1)
    assert again(48.2, 47.7)
    assert not again(24.1, 23.6, remind_h=0)


def test_thresholds_are_parameters():
    scene = scenes.drift(scenes.Scene(), 0, "rewritten", "", 700)
    assert grades(scene) == [("rewritten", 4)]
    assert grades(scene, rewritten=701) == []


def test_a_finding_explains_itself():
    (told,) = found(scenes.drift(scenes.Scene(), 0, "redirected", "evil.test", six=True, grave=True))
    assert told.entity == "www"
    assert told.source is None
    assert (told.target.address, told.target.port) == (scenes.inside(3, True, 2), 443)
    assert told.facts["observed"] == "evil.test"
    assert told.facts["url"] == "https://www.city.example.gov.cn/"
    assert all(e.source.prefix for e in told.evidence)  # the probe is nobody that the alert is about


def test_two_new_scripts_are_two_findings_and_two_portals_two_entities():
    scene = scenes.drift(scenes.Scene(), 0, "script", "a.test")
    scenes.drift(scene, 0, "script", "b.test")
    scenes.drift(scene, 0, "script", "b.test", portal="other")
    assert sorted((f.entity, f.facts["observed"]) for f in found(scene)) == [
        ("other", "b.test"), ("www", "a.test"), ("www", "b.test"),
    ]  # fmt: skip


def test_hostile_rows_are_survived():
    scene = scenes.drift(scenes.Scene(), 0, "script", "a.test")
    for change in ({"type": 999}, {"answers": 2**64 - 1}, {"answer_hi": 2**64 - 1}, {"name_size": 255},
                   {"text": [255] * b.TEXT}):  # fmt: skip
        row = scene.resolution[0] | change
        spoiled = scenes.Scene()
        spoiled.resolution.append(row)
        found(spoiled)


# --- what captures show ------------------------------------------------------------------------------------

PORTAL = Portal("www", "门户", ("https://www.city.example.gov.cn/",), domains=("*.gov.cn",))


def ground(six=False, pins=(), **more):
    hi, lo = scenes.to_words(scenes.inside(3, six, 2))
    portal = msgspec.structs.replace(PORTAL, **more)
    place = hi << 64 | lo
    return Ground((), {}, Frontage([Front(portal, 0, place, place, (443, 80), pins)]))


def shows(scene, at, key=1, issuer="cfca", name="www.city.example.gov.cn", six=False, left=300, server=3):
    return scenes.say(
        scene, at, b.TLS_CERTIFICATE, scenes.inside(server, six, 2), scenes.inside(9, six, 1), name, issuer,
        ports=(443, 40000), digest=key, answer_hi=key, answers=scenes.digest(issuer), number=TODAY + left,
    )  # fmt: skip


@pytest.mark.parametrize("six", [False, True])
def test_another_certificate_in_captures(six):
    scene = shows(scenes.Scene(), 0, six=six)
    shows(scene, 1, six=six)
    assert found(scene, ground(six)) == []
    renewed = shows(scene, 2, key=2, six=six)
    assert [(f.kind, f.severity) for f in found(renewed, ground(six))] == [("certificate", Severity.LOW)]
    other = shows(renewed, 3, key=3, issuer="somebody", six=six)
    (_, foreign) = found(other, ground(six))
    assert (foreign.kind, foreign.severity, foreign.entity) == ("certificate", Severity.MEDIUM, "www")
    assert foreign.target.port == 443
    assert found(other) == []  # nobody declared that a portal is there


@pytest.mark.parametrize(
    ("declared", "certificate", "kinds"),
    [
        ({"pins": (1,)}, {}, []),
        ({"pins": (1,)}, {"key": 2}, [("certificate", 4)]),
        ({"issuers": ("CFCA",)}, {}, []),
        ({"issuers": ("CFCA",)}, {"issuer": "somebody"}, [("issuer", 4)]),
        ({"pins": (1,)}, {"key": 2, "name": "mail.example.cn"}, []),  # another site of the same server
        ({"pins": (1,)}, {"key": 2, "server": 4}, []),
        ({}, {"left": 5}, [("expiry", 3)]),
        ({}, {"left": -2}, [("expiry", 4)]),
    ],
)
def test_what_is_declared_holds_in_captures_from_the_first_on(declared, certificate, kinds):
    scene = shows(scenes.Scene(), 0, **certificate)
    assert [(f.kind, int(f.severity)) for f in found(scene, ground(**declared))] == kinds


@pytest.mark.parametrize("six", [False, True])
def test_redirects_and_errors_in_captures(six):
    scene, server, client = scenes.Scene(), scenes.inside(3, six, 2), scenes.inside(9, six, 1)
    for i, host in enumerate(("evil.test", "sso.gov.cn", "www.city.example.gov.cn", "evil.test")):
        scenes.say(scene, i, b.HTTP_RESPONSE, server, client, host, ports=(80, 40000), code=302)
    (led,) = found(scene, ground(six))
    assert (led.kind, led.severity, led.facts["observed"]) == ("redirected", Severity.MEDIUM, "evil.test")
    for i in range(60):
        scenes.say(scene, 10 + i, b.HTTP_RESPONSE, server, client, ports=(80, 40000), code=503)
    assert [f.kind for f in found(scene, ground(six))] == ["redirected", "failing"]
    assert [f.kind for f in found(scene, ground(six), errors=100)] == ["redirected"]


def test_partitions_see_together_what_one_sees():
    scene = shows(shows(scenes.Scene(), 0), 1, key=2, issuer="somebody")
    scenes.say(scene, 2, b.HTTP_RESPONSE, scenes.inside(3, net=2), scenes.inside(9, net=1), "evil.test",
               ports=(80, 40000), code=302)  # fmt: skip
    from detectors.registry import sharing

    whole = found(scene, ground())
    parts = []
    for p, rows in enumerate(sharing({}, 5).events([scene.events()])):
        one = build({}, PRIVATE, share=(p, 5), ground=ground())
        parts += [f for f in one.process(scene.reports(), rows, "s", "live") if f.detector == "portal"]
    assert sorted(f.id for f in parts) == sorted(f.id for f in whole)
    assert len(whole) == 2
