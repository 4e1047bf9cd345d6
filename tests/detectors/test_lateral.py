"""Movement between our hosts."""

from __future__ import annotations

import pytest
import relation_scenes as related
from relation_scenes import RPC, Scene, inside, outside

from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build


def judge(scene, **parameters):
    found = build({"lateral": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in found if f.detector == "lateral"]


def fan(n, port=445, form="talk", place=inside, gap=2.0):
    scene = Scene()
    for i in range(n):
        scene.tcp(i * gap, inside(9, net=1), place(i), port, form, lasts=1.0)
    return scene


@pytest.mark.parametrize(("n", "worst"), [(8, None), (20, Severity.MEDIUM), (60, Severity.HIGH)])
def test_the_fan_is_counted(n, worst):
    assert max((f.severity for f in judge(fan(n))), default=None) == worst


def test_only_our_hosts_in_use_at_ports_of_administration_within_the_window():
    assert judge(fan(40, place=outside)) == []
    assert judge(fan(40, port=8080)) == []
    assert judge(fan(40, form="half_open")) == []
    assert judge(fan(40, gap=400)) == []
    assert judge(fan(40), exempt=[inside(9, net=1)]) == []


def test_a_program_put_and_run():
    assert [f.kind for f in judge(related.remote_execution())] == ["remote_execution"]
    assert judge(related.remote_execution(), share_bytes=1 << 20) == []


def test_calls_to_a_server_that_many_call_are_usual():
    scene = related.remote_calls()
    crowd = Scene()
    for i in range(25):
        crowd.tcp(i * 0.2, inside(i, net=6), inside(7, net=2), 135, "talk", asks=RPC)
    for row in scene.rows:
        row["time"] += 60 * 10**9
        row["flow_id"] = (row["flow_id"] + 1) % (1 << 64)
    crowd.rows += scene.rows
    assert judge(scene)
    assert judge(crowd) == []


def test_a_burst_of_calls():
    assert [f.kind for f in judge(related.call_burst())] == ["call_burst"]
    assert judge(related.call_burst(), calls=400) == []
