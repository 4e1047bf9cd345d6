from __future__ import annotations

import numpy as np


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
