"""`--since`: a time, or an age counted back from now."""

from __future__ import annotations

import re
import time

from citywall.errors import UsageError
from citywall.i18n import tr

_AGE = re.compile(r"(\d{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_NANO = 1_000_000_000


def parse(text: str, language: str, now: int | None = None) -> int:
    """`2024-05-01`, `2024-05-01T12:00` (UTC unless it says otherwise), `90s`, `30m`, `24h` or `7d` to ns.

    `now` is in ns since the epoch (default: the wall clock). Raises UsageError on anything else.
    """
    if age := _AGE.fullmatch(text.strip()):
        present = time.time_ns() if now is None else now
        return present - int(age[1]) * _SECONDS[age[2]] * _NANO
    from alerts.times import from_iso

    try:
        return from_iso(text.strip())
    except (ValueError, OverflowError) as error:
        raise UsageError(tr("error.bad_since", language, text=text)) from error
