"""`citywall models` from training to taking back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from citywall.errors import ModelError, ModelRefused
from models import kinds, making, modelfile

TOLD = {
    "accuracy": 0.875, "interval": [0.8, 0.9],
    "confusion": {"normal": {"normal": 9, "attack": 1}, "attack": {"normal": 2, "attack": 8}},
    "by_class": {"normal": {"rows": 10, "right": 9, "recall": 0.9, "interval": [0.6, 0.98]}},
    "method": "as told", "flags": ["stump_reaches"],
}  # fmt: skip


class Toy:
    """A kind that learns its seed."""

    def train(self, request: kinds.Request) -> Any:
        if request.train:
            raise ModelError("needs_table")
        request.say("half")
        told = {"features": ("a",), "labels": ("x",), "threshold": 0.5, "data": {"rows": 3}, "metrics": {}}
        return making.card("dga", request.now, seed=request.seed, **told), {"x": np.arange(2.0)}

    def evaluate(self, request: kinds.Request, registry: Any) -> Any:
        return {**TOLD, "asked": [str(p) for p in request.test]}


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    monkeypatch.setitem(kinds.KINDS, "dga", Toy)


@pytest.fixture
def train(invoke: Any, tmp_path):
    def run(seed: int, *more: str) -> dict[str, Any]:
        done = invoke("models", "train", "dga", "--seed", str(seed), "--data", str(tmp_path), "--json", *more)
        assert done.exit_code == 0, done.stderr
        assert "done: half" in done.stderr
        return json.loads(done.stdout)

    return run


def listed(invoke: Any, tmp_path) -> dict[str, dict[str, Any]]:
    lines = invoke("models", "list", "--data", str(tmp_path), "--json").stdout.splitlines()
    return {told["id"]: told for told in map(json.loads, lines)}


def test_from_training_to_taking_back(invoke: Any, train, tmp_path):
    one, two = train(1, "--activate"), train(2)
    found = listed(invoke, tmp_path)
    assert (found[one["id"]]["active"], found[two["id"]]["active"]) == (True, False)
    done = invoke("models", "activate", two["id"][:8], "--data", str(tmp_path))
    assert done.stdout == f"In use for dga: {two['id']}\n"
    assert listed(invoke, tmp_path)[two["id"]]["active"]
    done = invoke("models", "rollback", "dga", "--data", str(tmp_path))
    assert one["id"] in done.stdout
    shown = invoke("models", "show", one["id"], "--data", str(tmp_path)).stdout
    assert "in use" in shown
    assert "seed: 1" in shown
    told = json.loads(invoke("models", "show", one["id"], "--data", str(tmp_path), "--json").stdout)
    assert told["versions"]["scikit-learn"]
    table = invoke("models", "list", "--data", str(tmp_path)).stdout
    assert one["id"] in table
    assert "kept" in table


def test_a_changed_file_is_refused(invoke: Any, train, tmp_path):
    one = train(1)
    path = tmp_path / "models" / "dga" / f"{one['id']}.model"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    refused = listed(invoke, tmp_path)[one["id"]]["refused"]
    assert "changed" in refused
    done = invoke("models", "activate", one["id"], "--data", str(tmp_path))
    assert isinstance(done.exception, ModelRefused) or done.exit_code == 1
    done = invoke("models", "list", "--data", str(tmp_path), "--lang", "zh")
    assert "已拒绝" in done.stdout


def test_to_a_file(train, tmp_path):
    told = train(3, "--out", str(tmp_path / "x.model"))
    assert modelfile.load(tmp_path / "x.model").id == told["id"]


@pytest.mark.parametrize("words", [("--table", "dga"), ("dga",)])
def test_evaluate(invoke: Any, tmp_path, words):
    base = ("models", "evaluate", *words, "--test", "t.txt", "--data", str(tmp_path))
    told = json.loads(invoke(*base, "--json").stdout)
    assert {"accuracy", "interval", "confusion", "by_class"} <= set(told)
    assert told["asked"] == ["t.txt"]
    shown = invoke(*base).stdout
    assert "Accuracy 87.50% (95 %: 80.00% to 90.00%)" in shown
    assert "Beware" in shown


def test_bad_use(invoke: Any, tmp_path):
    for arguments in (
        ("evaluate", "--test", "t"),
        ("evaluate", "dga", "--table", "dga", "--test", "t"),
        ("train", "dga", "--out", "x", "--activate"),
    ):
        assert invoke("models", *arguments, "--data", str(tmp_path)).exit_code == 2
    done = invoke("models", "train", "moon", "--data", str(tmp_path))
    assert "no kind of model called moon" in done.stderr
    assert done.exit_code == 1
    done = invoke("models", "rollback", "flow", "--data", str(tmp_path))
    assert done.exit_code == 1
