"""Numbers of notices and warnings.

`ZZZZZZDDDUUUXX_YYYYMMDDhhmmss_N`: area (GB/T 2260), unit, sub-unit and extension, Beijing time, serial: the
form of warning ids that GB/T 35965 (emergency information, read in a secondary source) uses. Beside it the
serial of the year that letters carry, `〔2026〕12号`.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from alerts import times

BEIJING = timezone(timedelta(hours=8))
#: CAP's status of a message: what a drill says is never to be taken for the real thing.
STATUSES = {"live": "Actual", "drill": "Exercise", "test": "Test"}


def beijing(moment: int) -> datetime:
    """Nanoseconds since the epoch in the time that letters are dated in."""
    return datetime.fromtimestamp(moment // times.SECOND, BEIJING)


def number(sender_code: str, moment: int, serial: int) -> str:
    """The id of the `serial`th document of the year of a moment (ns)."""
    return f"{sender_code}_{beijing(moment):%Y%m%d%H%M%S}_{serial}"


def letter(moment: int, serial: int) -> str:
    """The number on paper."""
    return f"〔{beijing(moment):%Y}〕{serial}号"


def year(moment: int) -> str:
    """What documents of one year refer to, so that they can be counted."""
    return f"year:{beijing(moment):%Y}"
