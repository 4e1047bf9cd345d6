from __future__ import annotations

import pytest

from citywall.errors import SettingsError
from citywall.settings import load


def test_settings_are_checked() -> None:
    assert load(None, {}, ["portals.timeout_s=5", "portals.spider="]).portals.timeout_s == 5
    for bad in ("portals.timeout_s=0", "portals.max_kib=1", "portals.at_once=0", "portals.more=1"):
        with pytest.raises(SettingsError):
            load(None, {}, [bad])
