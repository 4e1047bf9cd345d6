"""Times as documents and queries write them: ISO 8601, UTC, down to the nanosecond."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORM = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(Z|z|[+-]\d\d:?\d\d)?)?"
)


@lru_cache(maxsize=4096)
def to_iso(time: int) -> str:
    """Nanoseconds since the epoch to `2024-05-01T12:00:00.000000001Z` (nine digits, always UTC)."""
    minutes, rest = divmod(time, MINUTE)
    return f"{_minute(minutes)}{rest // SECOND:02d}.{rest % SECOND:09d}Z"


@lru_cache(maxsize=4096)
def from_iso(text: str) -> int:
    """The first nanosecond of an ISO 8601 time; raises ValueError on anything else."""
    # As `to_iso` writes it, and so most documents: a few to a minute, which is remembered.
    if len(text) == 30 and text[16] == ":" and text[19] == "." and text[29] == "Z" and text.isascii():
        second, rest = text[17:19], text[20:29]
        if rest.isdecimal() and second.isdecimal() and second < "60":
            return _minute_begins(text[:16]) + int(second) * SECOND + int(rest)
    return interval(text)[0]


def interval(text: str) -> tuple[int, int]:
    """What a time means as a span `[start, stop)` in ns: a day, a minute, a second or less.

    `2024-05-01` is that day, `2024-05-01T12:00` that minute, and so on. Without a zone it is UTC.
    Raises ValueError where it is not a time.
    """
    form = _FORM.fullmatch(text)
    if form is None:
        raise ValueError(f"{text!r} is not a time such as 2024-05-01 or 2024-05-01T12:00:00Z")
    year, month, day, hour, minute, second, fraction, zone = form.groups()
    moment = datetime(
        int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC
    )
    elapsed = moment - _EPOCH
    start = (elapsed.days * 86400 + elapsed.seconds) * SECOND - _zone_offset(zone)
    if fraction is not None:
        return start + int(fraction.ljust(9, "0")), start + int(fraction.ljust(9, "0")) + 10 ** (
            9 - len(fraction)
        )
    for part, length in ((second, SECOND), (minute, MINUTE)):
        if part is not None:
            return start, start + length
    return start, start + DAY


def day_of(time: int) -> str:
    """The UTC day of a time, `2024-05-01`."""
    return to_iso(time)[:10]


def bounded(time: int) -> int:
    """A time as near as 64 bits can hold it: ISO years run further than nanoseconds do."""
    return max(-(1 << 63), min(time, (1 << 63) - 1))


@lru_cache(maxsize=4096)
def _minute(minutes: int) -> str:
    return f"{_EPOCH + timedelta(minutes=minutes):%Y-%m-%dT%H:%M}:"


@lru_cache(maxsize=4096)
def _minute_begins(text: str) -> int:
    return interval(text)[0]


def _zone_offset(zone: str | None) -> int:
    if zone is None or zone in "Zz":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    return (-1 if zone[0] == "-" else 1) * (hours * HOUR + minutes * MINUTE)
