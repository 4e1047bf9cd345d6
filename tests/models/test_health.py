"""Which models are too old, refused, or see something else."""

from __future__ import annotations

import msgspec
import numpy as np

from models.health import health, spread_of
from models.modelfile import Card
from models.registry import Registry

NOW = "2026-03-02T00:00:00Z"


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
    made = registry.keep(card(NOW, "flow"), {})
    registry.activate(made.id)
    assert spread_of("flow", registry.path("flow"), [tmp_path / "absent.parquet"]) == {}
    (told,) = health(tmp_path, NOW, 90, [tmp_path / "absent.parquet"])
    assert told.state == "fine"
