"""The card's constant parts."""

from __future__ import annotations

from models import making
from models.modelfile import SCHEMA


def test_a_card_says_what_made_it():
    told = {"features": ("a",), "labels": ("x",), "threshold": 0.5, "seed": 1, "data": {}, "metrics": {}}
    card = making.card("dga", "2026-03-02T00:00:00Z", **told)
    assert (card.schema, card.kind) == (SCHEMA, "dga")
    assert set(card.versions) == {"citywall", "scikit-learn", "numpy", "python"}
