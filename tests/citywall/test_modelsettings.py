"""Settings of models."""

from __future__ import annotations

import pytest

from citywall.errors import SettingsError
from citywall.modelsettings import ModelSettings
from citywall.settings import Settings, load, results_digest


def test_off_unless_named():
    assert not ModelSettings().any
    assert ModelSettings(host="active").any


def test_a_model_changes_results_and_its_age_does_not():
    plain = results_digest(Settings())
    assert results_digest(load(environment={}, assignments=["models.stale_days=5"])) == plain
    assert results_digest(load(environment={}, assignments=["models.flow=/a/x1.model"])) != plain
    one = load(environment={}, assignments=["models.flow=/a/x1.model"])
    two = load(environment={}, assignments=["models.flow=/b/x1.model"])
    assert results_digest(one) == results_digest(two)
    with pytest.raises(SettingsError):
        load(environment={}, assignments=["models.stale_days=0"])
