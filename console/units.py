"""Numbers as people read them: counts, bytes, rates, durations, moments."""

from __future__ import annotations

from datetime import UTC, datetime

_STEPS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def count(value: int) -> str:
    """`1234567` to `1,234,567`."""
    return f"{value:,}"


def short(value: float) -> str:
    """`1234567` to `1.23 M`: three digits and a decimal prefix."""
    for size, prefix in _STEPS:
        if value >= size * 0.9995:
            scaled = value / size
            digits = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
            return f"{scaled:.{digits}f} {prefix}"
    return f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def size(value: float) -> str:
    """Bytes in decimal units: `12300000` to `12.3 MB`."""
    text = short(value)
    return f"{text}B" if text[-1].isalpha() else f"{text} B"


def duration(seconds: float) -> str:
    """Seconds to `0.42 s`, `12.3 s`, `4:05` or `1:02:03`."""
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    return clock(seconds)


def clock(seconds: float) -> str:
    """Seconds to `0:04`, `4:05` or `1:02:03`: for times that change while they are looked at."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def moment(nanoseconds: int) -> str:
    """Nanoseconds since the epoch to `2026-05-04T03:02:01.234Z`; out-of-range values stay numbers."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    try:
        stamp = datetime.fromtimestamp(seconds, tz=UTC)
    except (OverflowError, ValueError, OSError):
        return str(nanoseconds)
    return f"{stamp:%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03}Z"
