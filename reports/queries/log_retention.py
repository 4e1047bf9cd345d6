"""How long logs are kept: alerts, flows and the audit log against what the law asks.

网络安全法第二十三条（原第二十一条）: not less than six months; GB/T 22239-2019 8.1.5.4 d.
"""

from datetime import date

from reports.figures import Column, Figure, Query, Said, State, absent
from reports.inputs import Inputs, Stream


def answer(inputs: Inputs) -> Figure:
    """A row a log: oldest day, days from then on, days without records, what is configured."""
    if not inputs.streams:
        return absent("log_retention", "no_logs")
    rows = [(s, *_span(s)) for s in inputs.streams]
    short = [s.name for s, *_ in rows if s.configured is not None and s.configured < inputs.required_days]
    young = [s.name for s, kept, _ in rows if kept < inputs.required_days]
    reasons = [Said("retention_short", {"log": name, "days": inputs.required_days}) for name in short]
    reasons += [
        Said("retention_young", {"log": n, "days": inputs.required_days}) for n in young if n not in short
    ]
    state: State = "partial" if young else "observed"
    return Figure(
        "log_retention", state, tuple(reasons),
        {"required_days": inputs.required_days, "store": inputs.store},
        {"short": short, "young": young, "least": min(kept for _, kept, _ in rows)},
        (Column("log", "stream"), Column("oldest", "day"), Column("to", "day"),
         Column("kept_days", "count"),
         Column("empty_days", "count"), Column("configured_days", "count"), Column("records", "count"),
         Column("bytes", "bytes")),
        tuple(
            (s.name, s.days[0] if s.days else None, s.to, kept, empty, s.configured, s.records, s.bytes)
            for s, kept, empty in rows
        ),
    )  # fmt: skip


def _span(stream: Stream) -> tuple[int, int]:
    """Days from the oldest record on, and how many of them hold none."""
    if not stream.days:
        return 0, 0
    oldest, end = date.fromisoformat(stream.days[0]), date.fromisoformat(stream.to)
    kept = max((end - oldest).days + 1, 0)
    held = sum(date.fromisoformat(day) <= end for day in stream.days)
    return kept, kept - held


QUERY = Query("log_retention", "logs", answer)
