from __future__ import annotations

from aiokafka.coordinator.protocol import ConsumerProtocol
from hypothesis import given
from hypothesis import strategies as st

from stream.kafka.assignor import Assignor, Told, Unit, share_out

UNITS = (
    Unit(("capture",), 4, 2),
    Unit(("flows", "events"), 1, 3),
    Unit(("findings",), 1, 1),
    Unit(("alerts",), 1, 1),
)
ALL = frozenset({"capture", "flows", "events", "findings", "alerts"})
PLACES = {(unit.topics, p) for unit in UNITS for p in range(unit.partitions)}


def members(worker_held: dict[str, tuple], runner_held: tuple = ()):
    found = {"runner": (ALL, Told(UNITS, runner_held))}
    for name, held in worker_held.items():
        found[name] = (ALL - {"alerts"}, Told(UNITS, held))
    return found


def held(given) -> dict[str, tuple]:
    return {m: tuple((topic, p) for topics, p in places for topic in topics) for m, places in given.items()}


@given(st.integers(0, 6))
def test_every_place_goes_to_one_who_takes_all_its_topics(workers: int):
    given_ = share_out(members({f"w{i}": () for i in range(workers)}))
    assert sorted(place for places in given_.values() for place in places) == sorted(PLACES)
    assert (("alerts",), 0) in given_["runner"]
    weights = {unit.topics: unit.weight for unit in UNITS}
    loads = [sum(weights[topics] for topics, _ in places) for places in given_.values()]
    assert max(loads) - min(loads) <= 3


def test_places_stay_where_they_are_when_the_group_is_as_it_was():
    first = share_out(members({"w0": (), "w1": ()}))
    kept = held(first)
    again = share_out(members({"w0": kept["w0"], "w1": kept["w1"]}, kept["runner"]))
    assert {m: sorted(places) for m, places in again.items()} == {m: sorted(p) for m, p in first.items()}


def test_one_who_comes_takes_only_what_is_too_much_for_others():
    first = share_out(members({"w0": ()}))
    kept = held(first)
    second = share_out(members({"w0": kept["w0"], "w1": ()}, kept["runner"]))
    assert second["w1"]
    for name in ("runner", "w0"):
        assert set(second[name]) <= set(first[name])


def test_what_nobody_takes_is_given_to_nobody():
    given_ = share_out({"w0": (frozenset({"capture"}), Told(UNITS))})
    assert given_ == {"w0": [(("capture",), p) for p in range(4)]}


def test_it_speaks_the_group_protocol():
    ours, other = Assignor(UNITS), Assignor(UNITS)
    told = {
        "runner": ConsumerProtocol.METADATA.decode(ours.metadata(ALL).encode()),
        "w0": ConsumerProtocol.METADATA.decode(other.metadata(ALL - {"alerts"}).encode()),
    }
    answers = ours.assign(None, told)
    mine = ConsumerProtocol.ASSIGNMENT.decode(answers["runner"].encode())
    ours.on_assignment(mine)
    assert ("alerts", 0) in ours.held
    theirs = ConsumerProtocol.ASSIGNMENT.decode(answers["w0"].encode())
    other.on_assignment(theirs)
    assert len(set(ours.held) | set(other.held)) == len(ours.held) + len(other.held) == 8
