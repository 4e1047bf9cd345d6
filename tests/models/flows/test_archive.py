"""What is trained on is what is served: the archive's flows are the stream's."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from alerts import flowtable
from citywall.batches import CLOSED
from citywall.errors import InputError
from models.flows import archive, features, hosts


@pytest.fixture
def folder(tmp_path, flows_of):
    rows, _ = flows_of(3, 400)
    closed = np.zeros(len(rows), CLOSED)
    closed["flow_id"] = rows["flow_id"]
    ids = np.full(len(rows), b"1:" + b"x" * 28)
    (tmp_path / "flows" / "live").mkdir(parents=True)
    for part, some in enumerate((slice(0, 150), slice(150, 400))):
        table = flowtable.table(rows[some], closed[some], ids[some])
        pq.write_table(table, tmp_path / "flows" / "live" / f"{part}.parquet", row_group_size=100)
    return tmp_path, rows


def test_training_and_serving_see_the_same(folder):
    place, rows = folder
    names = list(dict.fromkeys([*features.NEEDED, *hosts.NEEDED, *archive.PLACES]))
    flows = archive.read(archive.files(place), names)
    served = rows[np.lexsort((rows["flow_id"], rows["last"]))]
    for name in names:
        np.testing.assert_array_equal(flows[name], served[name], err_msg=name)
    np.testing.assert_array_equal(features.features(flows), features.features(served))
    np.testing.assert_array_equal(hosts.host_windows(flows).rows, hosts.host_windows(served).rows)


def test_what_holds_no_flows(tmp_path):
    with pytest.raises(InputError, match="holds no flows"):
        archive.read(archive.files(tmp_path), ["first"])
    wrong = tmp_path / "x.parquet"
    wrong.write_bytes(b"PAR1 not")
    with pytest.raises(InputError, match="no file of flows"):
        archive.read([wrong], ["first"])
