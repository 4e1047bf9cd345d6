"""What there is of a day, raw: documents as `--json` gives them, files as they lie in the data folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bench.story.recount.places import Places

ZONE = ZoneInfo("Asia/Shanghai")
Json = dict[str, Any]


class Facts:
    """What the counts are made of. `cases` are as `cases show` gives them, `audit` are the log's own lines.

    Times are texts in UTC with so many digits as they have; `since` and `until` bound the day (seconds).
    """

    def __init__(
        self, data: Path, day: str, *, alerts: Sequence[Json], workflows: Mapping[str, Json],
        cases: Sequence[Json], runs: Sequence[Json], drills: Sequence[Json], detectors: Sequence[Json],
        accounts: Sequence[Sequence[str]], places: Places, store: str = "sqlite",
    ) -> None:  # fmt: skip
        self.data = data
        self.day = day
        first = datetime.fromisoformat(day).replace(tzinfo=ZONE)
        self.since, self.until = first.timestamp(), (first + timedelta(days=1)).timestamp()
        live = [a for a in alerts if a["citywall"]["lane"] == "live"]
        self.spanning = [a for a in live if self._spans(a)]
        self.alerts = [a for a in self.spanning if date(a["@timestamp"]) == day]
        self.stored = live
        self.workflows = workflows
        self.cases = [c for c in cases if c["lane"] == "live"]
        self.runs = [r for r in runs if date(r["requested"]) == day and r["lane"] == "live"]
        self.drills = drills
        self.detectors = detectors
        self.accounts = accounts
        self.places = places
        self.store = store
        self.audit = audit_of(data)
        self.status: Json = json.loads((data / "status.json").read_bytes())

    def _spans(self, alert: Json) -> bool:
        last = alert["citywall"].get("dedup", {}).get("last_seen") or alert["@timestamp"]
        return seconds(alert["@timestamp"]) < self.until and seconds(last) >= self.since

    def status_of(self, alert: Json) -> str:
        """What people made of an alert."""
        return str(self.workflows.get(alert["event"]["id"], {}).get("status", "new"))


def seconds(time: str) -> float:
    """A moment in UTC as seconds since 1970, to the microsecond."""
    return datetime.fromisoformat(time[:26].rstrip("Z")).replace(tzinfo=UTC).timestamp()


def date(time: str) -> str:
    """The day of a moment where the report's day is."""
    return local(seconds(time))[:10]


def local(moment: float) -> str:
    """A moment as clocks show it there."""
    return f"{datetime.fromtimestamp(int(moment), ZONE):%Y-%m-%d %H:%M:%S}"


def utc_day(moment: float) -> str:
    """The day of a moment in UTC."""
    return datetime.fromtimestamp(moment, UTC).date().isoformat()


def audit_of(data: Path) -> list[Json]:
    """The records of the audit log, from its files; `size` is the bytes of their lines."""
    files = sorted((data / "audit").glob("*.jsonl"))
    lines = [line for path in files for line in path.read_bytes().splitlines(keepends=True)]
    return [json.loads(line) | {"size": len(line)} for line in lines]
