"""Who works which partitions: what one station takes from goes to one worker, evenly, and stays where it is.

Each member tells the topics it takes, the units they form (a role's topics at one partition, with a weight)
and the partitions it holds. Whichever member leads the group decides the same from what all told.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

from citywall.errors import StreamError

VERSION = 1


class Unit(msgspec.Struct, frozen=True, array_like=True):
    """Topics that one station takes from, how many partitions they have, and how much work one is."""

    topics: tuple[str, ...]
    partitions: int
    weight: int


class Told(msgspec.Struct, frozen=True, array_like=True):
    """What a member tells when it joins: every unit it could work, and the partitions it holds."""

    units: tuple[Unit, ...]
    held: tuple[tuple[str, int], ...] = ()


_Place = tuple[tuple[str, ...], int]  # topics, partition


def share_out(members: Mapping[str, tuple[frozenset[str], Told]]) -> dict[str, list[_Place]]:
    """The places of each member, from the topics it subscribed to and what it told.

    A place goes to a member that takes all its topics: to the one that holds it, as long as that one has not
    more than its share, else to the one with least to do.
    """
    weights = {
        (unit.topics, partition): unit.weight
        for _, told in members.values()
        for unit in told.units
        for partition in range(unit.partitions)
    }
    able = {
        place: sorted(m for m, (topics, _) in members.items() if topics.issuperset(place[0]))
        for place in weights
    }
    order = sorted((p for p in weights if able[p]), key=lambda p: (len(able[p]), -weights[p], p))
    fair = math.ceil(sum(weights[place] for place in order) / max(len(members), 1))
    given: dict[str, list[_Place]] = {member: [] for member in members}
    loads = dict.fromkeys(members, 0)

    def give(place: _Place, member: str) -> None:
        given[member].append(place)
        loads[member] += weights[place]

    left = []
    for place in order:
        holders = [m for m in able[place] if (place[0][0], place[1]) in members[m][1].held]
        alone = len(able[place]) == 1
        if holders and (alone or loads[holders[0]] + weights[place] <= fair):
            give(place, holders[0])
        else:
            left.append(place)
    for place in left:
        give(place, min(able[place], key=lambda m: (loads[m], m)))
    return given


class Assignor(AbstractPartitionAssignor):
    """`share_out` as aiokafka wants it. `held` is kept by the consumer."""

    name = "citywall"

    def __init__(self, units: Sequence[Unit]) -> None:
        self._units = tuple(units)
        self.held: tuple[tuple[str, int], ...] = ()

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        """What we tell when joining."""
        mine = sorted(topics)
        told = msgspec.msgpack.encode(Told(self._units, self.held))
        return ConsumerProtocolMemberMetadata(VERSION, mine, told)

    def assign(
        self,
        cluster: Any,  # noqa: ARG002 (members tell what counts)
        members: Mapping[str, ConsumerProtocolMemberMetadata],
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        """Share out as the group's leader."""
        told = {}
        for member, metadata in members.items():
            if metadata.version != VERSION:
                raise StreamError(
                    f"{member} speaks version {metadata.version} of the assignment, not {VERSION}"
                )
            known = msgspec.msgpack.decode(metadata.user_data, type=Told)
            told[member] = (frozenset(metadata.subscription), known)
        return {
            member: ConsumerProtocolMemberAssignment(VERSION, _by_topic(places), b"")
            for member, places in share_out(told).items()
        }

    def on_assignment(self, assignment: ConsumerProtocolMemberAssignment) -> None:
        """Remember what we hold from now on."""
        self.held = tuple((tp.topic, tp.partition) for tp in assignment.partitions())


def _by_topic(places: Iterable[_Place]) -> list[Any]:
    found: dict[str, list[int]] = {}
    for topics, partition in places:
        for topic in topics:
            found.setdefault(topic, []).append(partition)
    return sorted((topic, sorted(partitions)) for topic, partitions in found.items())
