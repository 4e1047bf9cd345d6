"""`citywall models forecast` over a store of alerts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alerts.store import open_store

DAY_NS = 86_400_000_000_000


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def filled(data, real_alerts):
    store = open_store("sqlite://", data)
    store.prepare()
    store.upsert(real_alerts(12))
    store.close()
    return data


def test_too_little_is_said(invoke: Any, filled):
    done = invoke("models", "forecast", "--data", str(filled), "--at", "2024-05-02T00:00:00Z")
    assert done.exit_code == 0, done.stderr
    assert "three days are needed" in done.stderr
    assert "Next stages are not shown" in done.stdout


def test_beside_the_naive_guess(invoke: Any, filled):
    done = invoke("models", "forecast", "--data", str(filled), "--at", "2024-05-09T00:00:00Z", "--json")
    told = json.loads(done.stdout)
    names = {one["group"] for one in told["volume"]}
    assert {"all", "class:attack"} <= names
    for one in told["volume"]:
        assert len(one["naive"]) == 24
        assert one["backtest"]["shown"] == (one["total"] is not None)
    shown = invoke(
        "models", "forecast", "--data", str(filled), "--at", "2024-05-09T00:00:00Z", "--lang", "zh"
    )
    assert "季节性朴素" in shown.stdout
    assert told["stages"]["cases"] == []
