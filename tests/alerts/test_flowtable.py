from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from alerts.flowtable import _BLOCK, STATISTICS, table
from citywall.batches import END_IDLE

Make = Callable[..., Any]

ROOT = Path(__file__).resolve().parents[2]
_TABLES = """
import sys
import numpy as np
import pyarrow as pa
from alerts import eventtable, flowtable
from citywall.batches import CLOSED, EVENT, FLOW
ids = np.array([b"1:" + b"x" * 28] * 2)
print(flowtable.table(np.zeros(2, FLOW), np.zeros(2, CLOSED), ids).num_rows)
print(eventtable.table(np.zeros(2, EVENT), 0, ids).num_rows)
print("pandas" in sys.modules)
pa.array([1])
print("pandas" in sys.modules)
"""


def test_a_row_a_flow(make_flows: Make) -> None:
    reports, closed, ids = make_flows(
        [{"src": "10.0.0.1", "dst": "2001:db8::1", "reason": END_IDLE}, {"proto": 200}]
    )
    rows = table(reports, closed, ids)
    assert rows.num_rows == 2
    assert rows["src"].to_pylist() == ["10.0.0.1", "10.0.0.1"]
    assert rows["dst"].to_pylist() == ["2001:db8::1", "10.0.0.1"]
    assert rows["dst_address"].to_pylist()[0] == bytes.fromhex("20010db8" + "0" * 23 + "1")
    assert rows["src_address"].to_pylist()[0] == bytes.fromhex("0" * 20 + "ffff0a000001")
    assert rows["proto"].to_pylist() == ["tcp", "200"]
    assert rows["reason"].to_pylist() == ["idle", "none"]
    assert rows["community_id"].to_pylist() == ids.astype(str).tolist()
    assert rows.schema.field("last").type == pa.timestamp("ns", tz="UTC")
    assert set(STATISTICS) <= set(rows.column_names)


def test_no_rows(make_flows: Make) -> None:
    assert table(*make_flows([])).num_rows == 0


def test_more_rows_than_a_block(make_flows: Make) -> None:
    found = table(*make_flows([{"flow_id": i, "src_bytes": 2 * i} for i in range(1, 4500)]))
    assert found["src_bytes"].to_pylist() == [2 * i for i in found["flow_id"].to_pylist()]
    assert found.num_rows == 4499 > 2 * _BLOCK


def test_statistics_of_other_flows_are_refused(make_flows: Make) -> None:
    reports, closed, ids = make_flows([{}, {}])
    with pytest.raises(ValueError, match="belong"):
        table(reports, closed[::-1], ids)


def test_pandas_is_not_loaded_for_a_table() -> None:
    pytest.importorskip("pandas")
    done = subprocess.run(
        [sys.executable, "-c", _TABLES], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.split() == ["2", "2", "False", "True"]  # else this is no longer needed
