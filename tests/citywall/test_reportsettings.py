from __future__ import annotations

import pytest

from citywall.errors import SettingsError
from citywall.settings import load


def test_defaults():
    settings = load(environment={})
    assert (settings.report.time_zone, settings.report.day_begins_hour) == ("Asia/Shanghai", 0)
    assert (settings.report.retention_days, settings.posture.window_hours) == (190, 24)


@pytest.mark.parametrize(
    "bad",
    [
        "report.time_zone=Mars/Olympus", "report.time_zone=../passwd", "report.time_zone=Asia",
        "report.day_begins_hour=24", "report.retention_days=183", "posture.window_hours=0",
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(bad: str):
    with pytest.raises(SettingsError) as caught:
        load(environment={}, assignments=[bad])
    assert caught.value.key == bad.partition("=")[0]
