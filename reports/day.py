"""The day that a report is about: a date, a time zone and the hour at which days begin."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from citywall.errors import UsageError

_SECOND = 1_000_000_000


class Day(msgspec.Struct, frozen=True):
    """`date` is ISO (`2024-05-01`); `[since, until)` is its span in ns since the epoch.

    Where clocks are put forward or back a day has 23 or 25 hours.
    """

    date: str
    zone: str
    begins: int
    since: int
    until: int

    def hour(self, moment: int) -> int:
        """How many whole hours after its beginning a time (ns) lies."""
        return (moment - self.since) // (3600 * _SECOND)

    @property
    def hours(self) -> int:
        """Its length in hours."""
        return -((self.since - self.until) // (3600 * _SECOND))

    def local(self, moment: int) -> str:
        """A time (ns) as the zone's clocks show it, `2024-05-01 08:00:00`."""
        return f"{datetime.fromtimestamp(moment // _SECOND, ZoneInfo(self.zone)):%Y-%m-%d %H:%M:%S}"


def day_of(text: str, zone: str, begins: int) -> Day:
    """The report day named `2024-05-01`; raises UsageError for what is no date."""
    try:
        first = date.fromisoformat(text)
        since, until = (_start(d, zone, begins) for d in (first, first + timedelta(days=1)))
    except (ValueError, OverflowError) as e:
        raise UsageError(f"{text!r} is not a date such as 2024-05-01") from e
    return Day(first.isoformat(), zone, begins, since, until)


def last_whole(now: int, zone: str, begins: int) -> Day:
    """The newest report day that is over at `now` (ns)."""
    local = datetime.fromtimestamp(now // _SECOND, ZoneInfo(zone))
    before = local.date()
    while (day := day_of(before.isoformat(), zone, begins)).until > now:
        before -= timedelta(days=1)
    return day


def _start(first: date, zone: str, begins: int) -> int:
    return int(datetime.combine(first, time(begins), ZoneInfo(zone)).timestamp()) * _SECOND
