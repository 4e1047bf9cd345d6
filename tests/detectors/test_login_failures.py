"""Log-ins that fail."""

from __future__ import annotations

import pytest
import sighting_scenes as scenes

from citywall import batches as b
from citywall.settings import PRIVATE
from detectors.registry import build


def found(scene, **parameters):
    told = build({"loginfailures": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return {f.kind for f in told if f.detector == "loginfailures"}


def logins(*outcomes, apart=2.0, service=6):
    scene = scenes.Scene()
    for i, worked in enumerate(outcomes):
        scenes.result(scene, i * apart, scenes.inside(5), scenes.inside(9), bool(worked), service)
    return scene


@pytest.mark.parametrize(
    ("outcomes", "kinds"),
    [
        ([0] * 11, set()),
        ([0] * 12, {"refused"}),
        ([0] * 7 + [1], set()),
        ([0] * 8 + [1], {"worked"}),
        ([0] * 30 + [1], {"refused", "worked"}),
        ([1, 0] * 5, set()),
    ],
)
def test_refusals_and_what_follows_them(outcomes, kinds):
    assert found(logins(*outcomes)) == kinds


def test_refusals_over_a_day_are_forgetfulness():
    assert found(logins(*[0] * 40, 1, apart=600)) == set()


def test_the_service_is_told():
    scene = logins(*[0] * 20, service=8)
    (told,) = build({}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    assert told.facts["service"] == "kerberos"


def test_web_log_ins():
    assert found(scenes.web_forms(six=True)) == {"web_forms"}
    assert found(scenes.web_refused(six=True)) == {"web_refused"}
    assert found(scenes.pages()) == set()
    assert found(scenes.web_forms(), forms=100) == set()


def test_a_machine_that_logs_in_again_and_again_guesses_nothing():
    def handed_in(different: int) -> scenes.Scene:
        scene = scenes.Scene()
        for i in range(40):
            scenes.request(
                scene,
                i * 2,
                scenes.outside(7),
                scenes.inside(3),
                "/x",
                b.LOGIN_FORM,
                number=1 + i % different,
            )
        return scene

    assert found(handed_in(40)) == found(handed_in(8)) == {"web_forms"}
    assert found(handed_in(1)) == found(handed_in(3)) == set()
