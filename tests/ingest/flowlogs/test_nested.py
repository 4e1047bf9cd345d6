"""Objects inside of JSON lines."""

from __future__ import annotations

import numpy as np

from ingest.flowlogs.fields import Fields, read_json
from ingest.flowlogs.lines import REASON, split
from ingest.flowlogs.nested import complain, inside


def test_fields_inside_and_what_is_wrong_there():
    text = b'{"a":{"n":5,"m":{"n":6}}}\n{"a":7}\n{"b":1}\n{"a":{"n":"x"}}\n'
    fields = Fields(split(text, 1), ("a",))
    read_json(fields)
    inner = inside(fields, "a", ("n",))
    assert inner.counts("n").tolist() == [5, 0, 0, 0]
    complain(fields, inner)
    assert np.flatnonzero(fields.status).tolist() == [1, 3]
    assert fields.status[3] == REASON["bad_number"]
