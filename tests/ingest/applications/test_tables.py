from __future__ import annotations

import numpy as np

from ingest.applications import tables
from ingest.applications.tables import BUFFER, FIELD, KIND, NUMBER, TRANSACTION, Tables


def test_no_name_stands_twice() -> None:
    for names in (tables.KINDS, tables.FIELDS, tables.ANOMALIES, tables.PROTOCOLS):
        assert len(set(names)) == len(names)


def test_buffers_and_numbers_are_read_back_by_name() -> None:
    made = Tables(
        transactions=np.zeros(1, TRANSACTION), buffers=np.zeros(2, BUFFER), numbers=np.zeros(1, NUMBER),
        arena=np.frombuffer(b"GET/index", np.uint8),
    )  # fmt: skip
    made.transactions["protocol"] = tables.PROTOCOL["http"]
    made.buffers["kind"] = [KIND["http.method"], KIND["http.uri"]]
    made.buffers["at"], made.buffers["length"] = [0, 3], [3, 6]
    made.numbers["field"], made.numbers["value"] = FIELD["urilen"], 6
    assert made.values("http.uri") == [b"/index"]
    assert made.integers("urilen") == [6]
    assert list(made.describe()) == [("http", 0, {"http.method": [b"GET"], "http.uri": [b"/index"]})]
