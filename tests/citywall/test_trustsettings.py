from __future__ import annotations

import pytest

from citywall.errors import SettingsError
from citywall.settings import load


def test_where_they_come_from() -> None:
    loaded = load(environment={"CITYWALL_ACCOUNTS__FAILURES": "3"}, assignments=["audit.file_mib=2"])
    assert (loaded.accounts.failures, loaded.audit.file_mib) == (3, 2)
    assert (loaded.accounts.lock_minutes, loaded.audit.retention_days) == (30, 730)


@pytest.mark.parametrize(
    "bad", ["audit.retention_days=180", "accounts.password_length=6", "accounts.failures=0"]
)
def test_less_than_the_law_or_sense_asks_is_refused(bad: str) -> None:
    with pytest.raises(SettingsError):
        load(environment={}, assignments=[bad])
