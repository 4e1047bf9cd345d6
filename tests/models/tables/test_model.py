"""Train, keep, read back, ask."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from citywall.errors import ModelError, ModelRefused
from models import modelfile
from models.tables import kdd, model

NOW = "2026-03-02T00:00:00Z"


@pytest.fixture(scope="module")
def made(kdd_model):
    return kdd_model


def test_the_same_data_and_seed_give_the_same_file(made, kdd_train):
    said: list[str] = []
    card, arrays = model.train(kdd.read(kdd_train), 5, said.append, NOW)
    assert said[-1] == "class u2r"
    assert modelfile.unpack(modelfile.pack(card, arrays), "m").digest == made.digest


def test_attacks_of_types_never_seen_are_found(made, kdd_test):
    table = kdd.read(kdd_test)
    classifier = model.of(made, "m")
    judged = classifier.judge(classifier.rows(table))
    assert judged.attack[table.labels == "mscan"].mean() > 0.9
    assert judged.attack[~table.attack].mean() < 0.2
    half = classifier.judge(classifier.rows(table.take(np.arange(10))))
    np.testing.assert_allclose(half.score, judged.score[:10], rtol=1e-9)


def test_a_model_that_lacks_something_is_refused(made):
    for name in ("neighbours/span", "forest/roots", "isolation_tail"):
        arrays = {k: v for k, v in made.arrays.items() if k != name}
        with pytest.raises(ModelRefused, match="makes no sense"):
            model.of(modelfile.Model(made.card, arrays, made.digest), "m")
    fewer = msgspec.structs.replace(made.card, features=made.card.features[1:])
    with pytest.raises(ModelRefused):
        model.of(modelfile.Model(fewer, made.arrays, made.digest), "m")
    more = msgspec.structs.replace(made.card, features=(*made.card.features, "moon"))
    with pytest.raises(ModelRefused, match="moon"):
        model.of(modelfile.Model(more, made.arrays, made.digest), "m")


def test_what_cannot_be_learned_from(kdd_train):
    table = kdd.read(kdd_train)
    with pytest.raises(ModelError, match="0 attacks"):
        model.train(table.take(~table.attack), 1, lambda _: None, NOW)
