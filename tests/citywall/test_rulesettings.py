from __future__ import annotations

import pytest

from citywall import settings
from citywall.errors import InputError, SettingsError


def test_a_run_with_other_rules_is_another_session(tmp_path):
    path = tmp_path / "a.rules"
    path.write_text("one")
    plain = settings.load()
    ruled = settings.load(assignments=[f'rules.files=["{path}"]'])
    first = settings.results_digest(ruled)
    assert settings.results_digest(plain) != first
    path.write_text("two")
    assert settings.results_digest(ruled) != first


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(InputError):
        settings.results_digest(settings.load(assignments=[f'rules.files=["{tmp_path}/none"]']))
    with pytest.raises(SettingsError):
        settings.load(assignments=["rules.nonsense=1"])
