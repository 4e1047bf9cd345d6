from __future__ import annotations

import pytest

from citywall.errors import UsageError
from console import since

NOW = 1_714_564_800_000_000_000  # 2024-05-01T12:00:00Z


@pytest.mark.parametrize(
    ("text", "seconds_ago"), [("90s", 90), ("30m", 1800), ("24h", 86400), ("7d", 604_800), (" 1h ", 3600)]
)
def test_ages(text: str, seconds_ago: int):
    assert since.parse(text, "en", now=NOW) == NOW - seconds_ago * 1_000_000_000


def test_times():
    assert since.parse("2024-05-01T12:00:00Z", "en") == NOW
    assert since.parse("2024-05-01T20:00+08:00", "en") == NOW
    assert since.parse("2024-05-01", "en") == NOW - 43200 * 1_000_000_000


@pytest.mark.parametrize("text", ["", "yesterday", "1y", "2024-13-01", "-5m"])
def test_anything_else_is_bad_use(text: str):
    with pytest.raises(UsageError, match="--since"):
        since.parse(text, "en")
