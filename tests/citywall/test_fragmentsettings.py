from __future__ import annotations

import msgspec
import pytest

from citywall.fragmentsettings import FragmentSettings
from citywall.settings import Settings, results_digest


def test_the_defaults_are_suricatas() -> None:
    settings = FragmentSettings()
    assert (settings.policy, settings.timeout_s, settings.memory_mib) == ("bsd", 60, 32)


@pytest.mark.parametrize("wrong", [{"policy": "plan9"}, {"memory_mib": 0}, {"timeout_s": 0}])
def test_what_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, FragmentSettings)


def test_they_change_results() -> None:
    other = msgspec.structs.replace(Settings(), fragments=FragmentSettings(policy="linux"))
    assert results_digest(other) != results_digest(Settings())
