from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from citywall.batches import FLOW
from citywall.settings import Settings
from ingest.flowlogs import registry
from stream import codecs
from stream.agents.flowlog import FlowlogStage
from stream.codecs import Tally

FIELDS = (
    "ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto duration orig_bytes resp_bytes conn_state"
    " orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes"
)
HEAD = "#separator \\x09\n#fields\t" + FIELDS.replace(" ", "\t") + "\n"


@pytest.fixture(scope="module")
def log(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("z") / "conn.log"
    rows = [
        (
            f"{1000 + i * 0.7:.6f} C{i} 10.0.0.{i % 9 + 1} {1024 + i} 10.0.1.1 80 tcp",
            "0.5 10 20 SF 5 300 4 200",
        )
        for i in range(200)
    ]
    lines = [" ".join(row).replace(" ", "\t") + "\n" for row in rows]
    lines.insert(50, "nonsense\n")
    path.write_text(HEAD + "".join(lines))
    return path


def run(log: Path, session, hand, chunk_bytes: int, save_at: int = -1) -> tuple[np.ndarray, Tally]:
    stage = FlowlogStage(Settings())
    feeding = hand(stage, session)
    out = feeding.open()
    parser = registry.sniff(log)
    assert parser is not None
    for i, ref in enumerate(registry.chunks(log, parser, chunk_bytes, session.id)):
        out += feeding.data(codecs.pack(ref), count=1)
        out += feeding.flush()
        if i == save_at:
            parts = stage.snapshot()
            stage = feeding.stage = FlowlogStage(Settings())
            stage.restore(parts)
    out += feeding.end()
    rows = [codecs.decode_rows(b"".join(o.body), FLOW) for o in out if o.topic == "flows" and o.count]
    return np.concatenate(rows), codecs.unpack(out[-1].body, Tally)


def test_a_log_becomes_flows(log: Path, session, hand):
    rows, tally = run(log, session, hand, 1 << 20)
    assert len(rows) == tally.flows == 200
    assert (np.diff(rows["time"]) >= 0).all()
    assert sum(tally.errors.values()) == 1
    assert tally.bytes == log.stat().st_size


def test_chunks_and_crashes_change_nothing(log: Path, session, hand):
    rows, tally = run(log, session, hand, 1 << 20)
    for chunk_bytes, save_at in ((500, -1), (700, 3), (2000, 1)):
        again, counted = run(log, session, hand, chunk_bytes, save_at)
        assert again["flow_id"].tolist() == rows["flow_id"].tolist()
        assert again["time"].tolist() == rows["time"].tolist()
        assert counted == tally
