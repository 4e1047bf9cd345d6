"""Which model is in use, what was before, and files that are refused."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from citywall.errors import ModelError, ModelRefused
from models import modelfile
from models.modelfile import Card
from models.registry import ACTIVE, Registry


def card(created: str, kind: str = "dga") -> Card:
    return Card(kind, 1, created, ("a",), ("x", "y"), 0.5, 7, {"rows": 3}, {}, {})


@pytest.fixture
def registry(tmp_path):
    shipped = tmp_path / "shipped"
    modelfile.save(shipped / "dga.model", card("2025"), {})
    return Registry(tmp_path / "data", shipped)


def test_what_ships_is_in_use_until_another_is(registry):
    (entry,) = registry.entries()
    assert entry.active
    assert entry.shipped
    one = registry.keep(card("2026"), {"x": np.zeros(2)})
    two = registry.keep(card("2027"), {})
    assert [e.id for e in registry.entries()] == [two.id, one.id, entry.id]
    assert registry.newest("dga").id == entry.id
    registry.activate(one.id[:6])
    registry.activate(two.id)
    assert registry.load("dga")[0].id == two.id
    assert registry.rollback("dga").id == one.id
    registry.activate(entry.id)
    assert registry.load("dga")[0].id == entry.id
    assert registry.rollback("dga").id == one.id
    assert registry.rollback("dga").id == entry.id
    with pytest.raises(ModelError, match="nothing was activated"):
        registry.rollback("dga")


def test_names(registry):
    one = registry.keep(card("2026"), {})
    assert registry.find("dga").shipped
    assert registry.find(one.id[:4]).id == one.id
    for wrong in ("", "zz"):
        with pytest.raises(ModelError):
            registry.find(wrong)
    with pytest.raises(ModelError, match="no kind"):
        registry.path("moon")
    with pytest.raises(ModelError, match="in use"):
        registry.path("flow")
    assert registry.newest("flow") is None
    assert registry.path("dga", one.id[:5]).stem == one.id


def test_a_file_that_was_changed_is_listed_and_refused(registry):
    one = registry.keep(card("2026"), {"x": np.arange(4.0)})
    path = registry.path("dga", one.id)
    registry.activate(one.id)
    data = bytearray(path.read_bytes())
    data[-40] ^= 1
    path.write_bytes(data)
    entry = next(e for e in registry.entries() if e.id == one.id)
    assert entry.refusal.code == "changed"
    assert entry.card is None
    with pytest.raises(ModelRefused, match="changed"):
        registry.load("dga")
    with pytest.raises(ModelRefused):
        registry.activate(one.id)
    assert registry.newest("dga").shipped


def test_a_model_under_another_kind_is_refused(registry):
    one = registry.keep(card("2026"), {})
    wrong = registry.folder / "flow" / f"{one.id}.model"
    wrong.parent.mkdir()
    wrong.write_bytes(registry.path("dga", one.id).read_bytes())
    with pytest.raises(ModelRefused, match="kind dga, not flow"):
        registry.load("flow", one.id)


def test_a_list_that_cannot_be_read(registry):
    registry.folder.mkdir(parents=True)
    (registry.folder / ACTIVE).write_bytes(b"{")
    with pytest.raises(ModelError, match="cannot be read"):
        registry.entries()
    (registry.folder / ACTIVE).write_bytes(msgspec.json.encode({"dga": ["absent"]}))
    with pytest.raises(ModelRefused):
        registry.load("dga")
