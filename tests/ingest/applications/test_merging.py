from __future__ import annotations

import numpy as np

from ingest.applications.merging import Index


def test_rows_are_found_by_number():
    index = Index(np.array([2, 5, 9], np.int64))
    assert index.of(np.array([9, 3, 2, -1, 99], np.int64)).tolist() == [2, -1, 0, -1, -1]
    assert Index(np.zeros(0, np.int64)).of(np.array([1], np.int64)).tolist() == [-1]


def test_both_kinds_stand_in_order_of_flow(packets, examples):
    from ingest.applications.analysis import analyse

    flows = []
    for i, name in enumerate(("modbus", "dcerpc", "modbus", "smb")):
        turns, ports, _ = examples[name]
        flows += packets.conversation(turns, (4000 + i, ports[1]))
    rows, buffer = packets.decoded(flows)
    made = analyse([(rows, 1, buffer)])
    keys = made.transactions["flow"].astype(np.int64) << 32 | made.transactions["number"]
    assert (np.diff(keys) > 0).all()
    assert (np.diff(made.buffers["transaction"].astype(np.int64)) >= 0).all()
    assert made.values("modbus.data")
    assert made.values("dcerpc.iface")
