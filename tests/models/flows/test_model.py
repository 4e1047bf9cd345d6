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
