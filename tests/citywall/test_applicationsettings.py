from __future__ import annotations

import msgspec
import pytest

from citywall.applicationsettings import ApplicationSettings


def test_the_defaults_are_suricatas_but_for_what_began_unseen() -> None:
    settings = ApplicationSettings()
    assert (settings.inline, settings.policy, settings.depth_bytes) == (False, "bsd", 1 << 20)
    assert settings.midstream  # a capture that was begun late is looked at all the same


@pytest.mark.parametrize("wrong", [{"policy": "plan9"}, {"memory_mib": 1}, {"max_streams": 2}])
def test_what_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, ApplicationSettings)
