"""Models of flows and hosts: trained in order of time, kept, read back."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from citywall.errors import ModelError, ModelRefused
from models import modelfile
from models.flows import features, hosts, model


def test_attacks_of_later_are_found(flow_files, flows_of):
    found = model.of(flow_files[0], "flow", "f")
    rows, attack = flows_of(9, 500)
    score = found.score(features.features(rows))
    assert (score[attack] > found.threshold).mean() > 0.95
    assert (score[~attack] > found.threshold).mean() < 0.05
    (why,) = found.reasons(features.features(rows[attack][:1]))
    assert 1 <= len(why) <= 3
    assert sum(share for _, share in why) <= 1.0001
    told = flow_files[0].card.metrics
    assert told["time_ordered"]["roc_auc"] > 0.95
    assert told["stump"]["feature"] in features.NAMES


def test_strange_hosts_score_higher(flow_files, flows_of):
    found = model.of(flow_files[1], "host", "h")
    rows, _ = flows_of(10, 2000)
    windows = hosts.host_windows(rows)
    scanner = rows["src_lo"][windows.first] == 0xFFFF0A140100 + 200
    score = found.score(windows.rows)
    assert score[scanner].min() > np.quantile(score[~scanner], 0.9)
    assert found.reasons(windows.rows[:2])[0][0][0] in hosts.NAMES


def test_what_is_refused(flow_files, flows_of):
    flow, host = flow_files
    with pytest.raises(ModelRefused, match="kind host, not flow"):
        model.of(host, "flow", "f")
    arrays = {k: v for k, v in flow.arrays.items() if k != "edges"}
    with pytest.raises(ModelRefused, match="makes no sense"):
        model.of(modelfile.Model(flow.card, arrays, ""), "flow", "f")
    card = msgspec.structs.replace(flow.card, features=flow.card.features[:-1])
    with pytest.raises(ModelRefused, match="another order"):
        model.of(modelfile.Model(card, flow.arrays, ""), "flow", "f")
    rows, _ = flows_of(1, 100)
    with pytest.raises(ModelError, match="too few"):
        model.train_flow(rows, np.zeros(100, bool), "d", 1, "n")
    with pytest.raises(ModelError, match="too few"):
        model.train_host(rows[:5], "d", 1, "n")


def test_the_method_that_orders_later_rows_best_is_chosen(flows_of, monkeypatch):
    monkeypatch.setattr(model, "TREES", 10)
    rows, attack = flows_of(3, 1500)
    given = features.features(rows)
    method, tried = model._chosen(given, attack, 3)
    assert set(tried) == {"forest", "boosted"}
    assert tried[method] == max(tried.values())
    assert model._chosen(given, np.zeros(len(given), bool), 3) == ("forest", {})


def test_boosted_trees_are_kept_and_read_back(flows_of, monkeypatch):
    monkeypatch.setattr(model, "TREES", 10)
    monkeypatch.setattr(model, "_METHODS", {"boosted": model._METHODS["boosted"]})
    rows, attack = flows_of(3, 1500)
    card, arrays = model.train_flow(rows, attack, "d", 3, "2026-03-02T00:00:00Z")
    assert card.metrics["method"]["chosen"] == "boosted"
    found = model.of(modelfile.unpack(modelfile.pack(card, arrays), "flow"), "flow", "f")
    later, bad = flows_of(9, 500)
    score = found.score(features.features(later))
    assert (score[bad] > found.threshold).mean() > 0.9
    assert (score[~bad] > found.threshold).mean() < 0.05
    (why,) = found.reasons(features.features(later[bad][:1]))
    assert 1 <= len(why) <= 3
