from __future__ import annotations

from citywall.settings import Settings
from models.modelfile import Card
from models.registry import ACTIVE, Registry
from reports.day import day_of
from reports.facts import models


def test_models_in_use(tmp_path):
    day = day_of("2026-03-02", "UTC", 0)
    assert models.read(Settings(), tmp_path, day) == ()
    registry = Registry(tmp_path)
    card = Card("nsl-kdd", 1, "2025-03-02T00:00:00Z", ("a",), ("x",), 0.5, 7, {}, {}, {})
    made = registry.keep(card, {})
    registry.activate(made.id)
    (told,) = models.read(Settings(), tmp_path, day)
    assert (told.id, told.state, told.age_days) == (made.id, "stale", 366)
    (registry.folder / ACTIVE).write_bytes(b"{")
    assert models.read(Settings(), tmp_path, day) == ()
