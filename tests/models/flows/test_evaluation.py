"""Reports with and without labels; labels from a truth file."""

from __future__ import annotations

import json

import numpy as np
import pytest

from citywall.errors import InputError
from models.flows import evaluation, model


def columns(rows):
    return {name: rows[name] for name in evaluation.COLUMNS}


def test_truth_is_by_frames(tmp_path, flows_of):
    rows, _ = flows_of(1, 50)
    truth = tmp_path / "t.json"
    truth.write_text(json.dumps({"attacks": [{"frames": [[3, 5], [9, 9]]}, {"frames": [[4, 7]]}]}))
    marked = evaluation.attacks(columns(rows), truth)
    assert sorted(rows["frame"][marked].tolist()) == [3, 4, 5, 6, 7, 9]
    truth.write_text(json.dumps({"attacks": []}))
    assert not evaluation.attacks(columns(rows), truth).any()
    for wrong in ("{", "{}", '{"attacks": [{"frames": [[1]]}]}'):
        truth.write_text(wrong)
        with pytest.raises(InputError, match="no truth file"):
            evaluation.attacks(columns(rows), truth)


@pytest.mark.parametrize("kind", ["flow", "host"])
def test_reports(flow_files, flows_of, kind):
    found = model.of(flow_files[kind == "host"], kind, kind)
    rows, attack = flows_of(12, 1500)
    told = evaluation.evaluate(found, columns(rows), attack)
    assert {"accuracy", "interval", "confusion", "by_class", "stump", "drift"} <= set(told)
    assert told["roc_auc"] > 0.9
    alone = evaluation.evaluate(found, columns(rows), None)
    assert "accuracy" not in alone
    assert alone["over_threshold"] == told["over_threshold"]
    assert np.isfinite(alone["alerts_a_day"])
