from __future__ import annotations

import json
from typing import Any

from citywall import canonical
from reports.nightly import build, document, encode
from reports.queries.registry import QUERIES


def test_the_document_is_canonical_and_repeats_itself(inputs: Any, fact: Any):
    report = build(inputs(fact(), fact(2, status="resolved")))
    data = encode(report)
    assert data == encode(build(inputs(fact(2, status="resolved"), fact())))  # in whatever order they come
    assert canonical.decode(data.rstrip(b"\n")) == json.loads(data)


def test_every_query_and_clause_is_in_it(inputs: Any, fact: Any):
    told = document(build(inputs(fact())))
    assert list(told["figures"]) == list(QUERIES)
    assert sorted(name for names in told["sections"].values() for name in names) == sorted(QUERIES)
    assert sum(told["verdicts"].values()) == len(told["clauses"]) == 22
    assert told["figures"]["alerts_by_class"]["rows"] == [
        {"class": "attack", "subclass": "网络扫描探测", "alerts": 1, "false_alarms": 0}
    ]
