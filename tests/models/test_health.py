"""Which models are too old, refused, or see something else."""

from __future__ import annotations

import msgspec
import numpy as np
import pyarrow.parquet as pq

from alerts import flowtable
from citywall.batches import CLOSED
from models.health import health, recent, spread_of
from models.modelfile import Card
from models.registry import Registry

NOW = 1_772_409_600 * 1_000_000_000  # 2026-03-02T00:00:00Z


def card(created: str, kind: str = "nsl-kdd") -> Card:
    return Card(kind, 1, created, ("a",), ("x",), 0.5, 7, {}, {}, {})


def test_states(tmp_path):
    registry = Registry(tmp_path)
    assert health(tmp_path, NOW, 90) == []  # what ships is not watched
    made = registry.keep(card("2026-02-20T00:00:00Z"), {"x": np.zeros(3)})
    registry.activate(made.id)
    (told,) = health(tmp_path, NOW, 90)
    assert (told.state, told.age_days) == ("fine", 10)
    (told,) = health(tmp_path, NOW, 9)
    assert told.state == "stale"
    path = registry.path("nsl-kdd")
    path.write_bytes(path.read_bytes() + b"x")
    (told,) = health(tmp_path, NOW, 90)
    assert told.state == "refused"
    assert "changed" in told.reason
    msgspec.json.encode(told)


def test_a_file_that_holds_no_flows(tmp_path):
    registry = Registry(tmp_path)
    made = registry.keep(card("2026-03-01T00:00:00Z", "flow"), {})
    registry.activate(made.id)
    assert spread_of("flow", registry.path("flow"), [tmp_path / "absent.parquet"]) == {}
    (told,) = health(tmp_path, NOW, 90, [tmp_path / "absent.parquet"])
    assert told.state == "fine"


def test_other_flows_are_noticed(tmp_path, flow_files, flows_of):
    registry, flow = Registry(tmp_path), flow_files[0]
    registry.activate(registry.keep(flow.card, flow.arrays).id)

    def archived(rows, name):
        closed = np.zeros(len(rows), CLOSED)
        closed["flow_id"] = rows["flow_id"]
        path = tmp_path / "flows" / name
        path.parent.mkdir(exist_ok=True)
        pq.write_table(flowtable.table(rows, closed, np.full(len(rows), b"1:" + b"x" * 28)), path)
        return path

    same, _ = flows_of(30, 600)
    (told,) = health(tmp_path, NOW, 90, [archived(same, "a.parquet")])
    assert (told.state, told.rows) == ("fine", 600)
    other, _ = flows_of(31, 600, attacks=0.9)
    path = archived(other, "b.parquet")
    (told,) = health(tmp_path, NOW, 90, recent(tmp_path, 1))
    assert told.state == "drifting"
    assert told.worst[0][1] > 250
    (told,) = health(tmp_path, NOW, 90, [path], (0, 1))
    assert (told.state, told.rows) == ("fine", 0)
