from __future__ import annotations

from bench.story.recount import standing
from bench.story.recount.facts import Facts
from bench.story.recount.logs import Flows


def test_posture_by_hand(facts: Facts):
    found = standing.counted(facts, Flows(facts))
    # The cloud: a medium alert (6), a false alarm (0), a high one (15): 100 * 100 / 121 = 82.6.
    # The office system: seen, no alert. The city: (5 * 826 + 1 * 1000 + 1 * 1000) / 7 with civil's others.
    attack = found["posture_city"]["rows"][0]
    assert (attack["index"], attack["observation"], attack["alerts"]) == (876, "partial", 3)
    assert (attack["observed"], attack["systems"]) == (3, 3)
    assert attack["worst"] == ["政务云", "Cloud"]
    assert found["posture_city"]["values"]["leak"] is None  # no detector of it
    assert found["posture_systems"]["values"] == {"unseen": 0, "lowest": 826}
    assert [row["attack"] for row in found["posture_units"]["rows"]] == [826, 1000]


def test_who_attacks_loses_more_than_who_is_attacked(facts: Facts):
    own = facts.spanning[0]["citywall"]["asset"]
    facts.spanning = facts.spanning[:1]
    own["src"] = own["dst"]
    found = standing.counted(facts, Flows(facts))
    assert found["posture_systems"]["values"]["lowest"] == 917  # 100 * 100 / 109
