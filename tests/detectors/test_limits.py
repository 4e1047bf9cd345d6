"""What the kernels are told of the parameters."""

from __future__ import annotations

from detectors.lateral import LateralParameters
from detectors.limits import limits_of, reach_of
from detectors.policy import PolicyParameters
from detectors.prefixes import Prefixes
from detectors.registry import DETECTORS
from detectors.relations.records import ADMIN, ALWAYS, CLEAR, INDUSTRIAL, LOGIN, NAMED, NO_WEB, OVER_TCP

PARAMETERS = {name: d.Parameters() for name, d in DETECTORS.items()}


def test_ports_are_watched_by_what_they_are_for():
    watch = reach_of(PARAMETERS).watch
    assert watch[22] == LOGIN | ADMIN
    assert watch[445] & ADMIN
    assert watch[502] == INDUSTRIAL
    assert watch[143] == CLEAR
    assert watch[443] == 0


def test_ports_are_told_for_what_they_are_for():
    reach = reach_of(PARAMETERS)
    told = reach.told
    assert (told[443], told[853] & ALWAYS, told[4444] & OVER_TCP) == (NAMED, ALWAYS, OVER_TCP)
    assert (told[3389] & OVER_TCP, told[23] & OVER_TCP, told[9050] & OVER_TCP) == (OVER_TCP,) * 3
    assert (told[80], told[8080], told[1234], told[12000]) == (0, 0, NO_WEB, 0)
    assert not reach.contacts
    assert Prefixes(PolicyParameters().resolvers).words.tolist() == reach.resolvers.tolist()
    stated = PARAMETERS | {"policy": PolicyParameters(isolated=("10.1.0.0/16",))}
    assert reach_of(stated).contacts


def test_parameters_reach_the_kernels():
    changed = PARAMETERS | {"lateral": LateralParameters(edge_s=7, targets=4, ports=(7777,))}
    reach = reach_of(changed, (1, 3))
    assert (reach.edge_window, reach.gate, reach.partition, reach.partitions) == (7 * 10**9, 2, 1, 3)
    assert reach.watch[7777] == ADMIN
    limits = limits_of(changed, (1, 3))
    assert (limits.partition, limits.partitions) == (1, 3)
    assert limits.prefix_v4 == reach.prefix_v4
