"""Log-ins and tickets that prove an account without its password."""

from __future__ import annotations

import identity_scenes as scenes
import pytest
from identity_scenes import Scene, asked, bound, inside, ntlm, share, ticket

from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build

HOST, SERVER, CONTROLLER = inside(9, net=1), inside(3, net=2), inside(5, net=2)


def judge(scene, **parameters):
    found = build({"passhash": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in found if f.detector == "passhash"]


@pytest.mark.parametrize(
    ("account", "station", "worst"),
    [
        ("wangwei", "pc-9", None),
        ("administrator", "pc-9", Severity.LOW),  # an administrator's second account
        ("wangwei", "", Severity.MEDIUM),
        ("wangwei", "kali", Severity.MEDIUM),
        ("administrator", "", Severity.HIGH),
    ],
)
@pytest.mark.parametrize("before", [False, True], ids=["shared first", "shared later"])
def test_what_does_not_fit_is_told_where_something_is_administered(account, station, worst, before):
    scene = ticket(Scene(), 0, HOST, CONTROLLER, "wangwei", "cifs/files")
    ntlm(scene, 1, HOST, inside(4, net=2), "wangwei", "pc-9")
    (share if before else bound)(scene, 10, HOST, SERVER, *(() if before else (2,)))
    ntlm(scene, 9 if before else 12, HOST, SERVER, account, station)
    assert max((f.severity for f in judge(scene)), default=None) == worst


def test_without_administration_nothing_is_told():
    scene = ticket(Scene(), 0, HOST, CONTROLLER, "wangwei", "cifs/files")
    assert judge(ntlm(scene, 1, HOST, SERVER, "administrator", "")) == []


def test_a_controller_that_is_entered_so_is_worse():
    scene = ticket(Scene(), 0, HOST, SERVER, "wangwei", "cifs/files")
    share(ntlm(scene, 1, HOST, SERVER, "administrator", ""), 2, HOST, SERVER)
    (found,) = judge(scene)
    assert found.severity == Severity.CRITICAL
    assert found.facts["administered"] == "share"


def test_an_account_from_many_hosts():
    found = judge(scenes.machines())
    assert {f.entity for f in found} == {"svc-install"}
    assert [f.severity for f in found][-1] == Severity.LOW
    assert {f.severity for f in judge(scenes.machines(), machines=30)} == {Severity.INFORMATIONAL}
    assert judge(scenes.machines(), machines=40) == []


def test_a_habit_of_ciphers_comes_first():
    (found,) = judge(scenes.weak_proof())
    assert (found.severity, found.facts["with_aes"]) == (Severity.HIGH, 6)
    assert judge(scenes.weak_proof(), aes=9) == []
    old = Scene()
    for i in range(9):
        asked(old, i, HOST, CONTROLLER, "lidan", 23)
    assert judge(old) == []


def test_tickets_with_rc4_count_where_others_have_better():
    def tickets(n, other):
        scene = Scene()
        for i in range(n):
            ticket(scene, i, HOST, CONTROLLER, "wangwei", f"svc/{i}", 23)
        ticket(scene, 0, HOST, CONTROLLER, "wangwei", "krbtgt/city", 23)
        return ticket(scene, 0, HOST, CONTROLLER, "wangwei", "cifs/x", 18 if other else 23)

    assert judge(tickets(4, other=True)) == []
    assert {f.severity for f in judge(tickets(6, other=True))} == {Severity.MEDIUM}
    assert judge(tickets(12, other=False)) == []
    assert judge(tickets(40, other=False))[-1].severity == Severity.HIGH
