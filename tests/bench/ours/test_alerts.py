from __future__ import annotations

import msgspec

from alerts import times
from bench.ours.alerts import FINDABLE, documents


def test_alerts_are_whole_and_apart():
    made = list(documents(900))
    assert len({d["event"]["id"] for d in made}) == len({d["citywall"]["entity"] for d in made}) == 900
    assert sorted({d["@timestamp"] for d in made}) == [d["@timestamp"] for d in made]
    assert all(FINDABLE.matches(d) for d in made)
    assert {times.day_of(times.from_iso(d["event"]["ingested"])) for d in made} == {"2024-05-02"}
    assert len({d["rule"]["id"] for d in made}) > 1
    size = sum(len(msgspec.json.encode(d)) for d in made) / 900
    assert 4_000 < size < 7_000


def test_the_same_each_time():
    assert list(documents(5)) == list(documents(5))
