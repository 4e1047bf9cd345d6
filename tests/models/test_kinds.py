"""How a kind finds what it is trained and judged on."""

from __future__ import annotations

import shutil

import msgspec
import pytest

from citywall.errors import InputError, ModelError
from models.kinds import Request, kind_of
from models.registry import Registry

REQUEST = Request("2026-03-02T00:00:00Z", lambda _: None)


def ask(**told) -> Request:
    return msgspec.structs.replace(REQUEST, **told)


@pytest.fixture(scope="module")
def kept(tmp_path_factory, kdd_model):
    registry = Registry(tmp_path_factory.mktemp("kept"))
    return registry, registry.keep(kdd_model.card, kdd_model.arrays)


def test_a_model_that_was_kept(kept, kdd_test):
    registry, made = kept
    told = kind_of("nsl-kdd").evaluate(ask(test=(kdd_test,)), registry)
    assert told["model"]["id"] == made.id
    assert told["stump"]["feature"]  # the table that it learned from was found again
    named = kind_of("nsl-kdd").evaluate(ask(test=(kdd_test,), model=made.id[:6]), registry)
    assert named["accuracy"] == told["accuracy"]


def test_trained_on_what_is_given_or_lies_beside(kept, kdd_train, kdd_test, tmp_path):
    registry, _ = kept
    given = kind_of("nsl-kdd").evaluate(ask(test=(kdd_test,), train=(kdd_train,)), registry)
    assert given["model"]["from"] == str(kdd_train)
    beside = tmp_path / "KDDTrain+_20Percent.txt"
    shutil.copy(kdd_train, beside)
    test = shutil.copy(kdd_test, tmp_path / "KDDTest+.txt")
    empty = Registry(tmp_path / "empty")
    told = kind_of("nsl-kdd").evaluate(ask(test=(tmp_path / test,)), empty)
    assert told["accuracy"] == given["accuracy"]
    assert told["model"]["from"] == str(beside)


def test_bad_use(tmp_path, kdd_test):
    kind, registry = kind_of("nsl-kdd"), Registry(tmp_path)
    with pytest.raises(ModelError, match="--train FILE"):
        kind.evaluate(ask(test=(kdd_test,)), registry)
    with pytest.raises(ModelError, match="one test file"):
        kind.evaluate(REQUEST, registry)
    with pytest.raises(ModelError, match="--table FILE"):
        kind.train(REQUEST)
    with pytest.raises(InputError):
        kind.train(ask(train=(tmp_path / "absent",)))
    with pytest.raises(ModelError, match="no kind"):
        kind_of("moon")
