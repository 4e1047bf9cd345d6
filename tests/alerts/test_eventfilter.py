"""Fields of events; what queries over them find is in `test_eventarchive`."""

from __future__ import annotations

from alerts.eventfilter import _ALSO, EVENTS, FIELDS
from alerts.eventtable import table
from citywall.batches import EVENT_NAMES


def test_every_name_is_a_field():
    for name in EVENTS.names:
        fields, kind = EVENTS.resolve(name)
        assert {FIELDS[field].type for field in fields} == {kind}
    assert EVENTS.resolve("bytes") is None


def test_every_field_is_a_column_of_the_archive():
    import numpy as np

    from citywall.batches import EVENT

    columns = {*table(np.zeros(0, EVENT), 0, np.zeros(0, "S3")).column_names, "session", "lane", "path"}
    assert {field.column for field in FIELDS.values()} - {"protocol", "sign"} <= columns
    assert not _ALSO.keys() & FIELDS.keys()
    assert all(kind in EVENT_NAMES for field in FIELDS.values() for kind in field.kinds)
