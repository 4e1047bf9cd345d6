from __future__ import annotations

from typing import Any

import pytest

from console import listing


@pytest.mark.parametrize("unit", [True, False])
@pytest.mark.parametrize("status", [None, "new"])
@pytest.mark.parametrize("compact", [True, False])
def test_a_row_has_a_cell_for_each_column(make_alert: Any, unit: bool, status: str | None, compact: bool):
    columns = listing.alert_columns("en", unit=unit, status=status is not None, compact=compact)
    row = listing.alert_row(make_alert(), "en", unit=unit, status=status, compact=compact)
    assert len(row) == len(columns) == 7 + unit + (status is not None)
    assert row[0] == ("05-01 12:00:03" if compact else "2024-05-01 12:00:03")


def test_flows_too():
    document = {"@timestamp": "2024-05-01T12:00:03Z", "source": {"ip": "10.0.0.1"}}
    assert listing.flow_row(document, "en", compact=True)[:2] == ["05-01 12:00:03", "10.0.0.1"]
    assert len(listing.flow_row(document, "en")) == len(listing.flow_columns("zh"))
