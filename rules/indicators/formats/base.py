"""What the readers of lists share: who a list is of, and how an entry becomes an indicator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from citywall.errors import InputError
from citywall.findings import Severity
from rules.indicators import values
from rules.indicators.model import CONFIDENCE, Indicator, Indicators, Refused, severity_for

_SEVERITIES = {
    "informational": Severity.INFORMATIONAL, "info": Severity.INFORMATIONAL, "low": Severity.LOW,
    "medium": Severity.MEDIUM, "moderate": Severity.MEDIUM, "high": Severity.HIGH,
    "critical": Severity.CRITICAL, "提示": Severity.INFORMATIONAL, "低": Severity.LOW,
    "中": Severity.MEDIUM, "高": Severity.HIGH, "严重": Severity.CRITICAL,
}  # fmt: skip


@dataclass
class Entry:
    """What a list says of one value, as it is written there. An empty kind is to be guessed."""

    value: str
    place: str
    kind: str = ""
    source: str = ""
    confidence: object = None
    severity: object = None
    begins: object = None
    ends: object = None
    title: str = ""


@dataclass
class Listing:
    """A file under reading."""

    file: str
    source: str
    into: Indicators = field(default_factory=Indicators)

    def take(self, entry: Entry) -> None:
        """Make an indicator of an entry, or say why not."""
        try:
            if entry.kind:
                kind, value = entry.kind, values.normal(entry.kind, entry.value)
            else:
                kind, value = values.guess(entry.value)
            sure = CONFIDENCE if _blank(entry.confidence) else values.confidence(entry.confidence)
            begins = 0 if _blank(entry.begins) else values.moment(entry.begins)
            ends = 0 if _blank(entry.ends) else values.moment(entry.ends)
            if ends and ends <= begins:
                raise ValueError("it ends before it begins")
            grade = severity_for(sure) if _blank(entry.severity) else _severity(entry.severity)
        except (ValueError, OverflowError) as e:
            self.refuse(entry.place, entry.value, str(e))
            return
        source, title = entry.source or self.source, entry.title.strip()[:200]
        self.into.found.append(
            Indicator(kind, value, source, sure, grade, begins, ends, title, self.file, entry.place)
        )

    def refuse(self, place: str, value: str, reason: str) -> None:
        """Note an entry that cannot be used."""
        self.into.refuse(Refused(self.file, place, value[:120], reason))

    def broken(self, reason: str) -> InputError:
        """The error that the whole file is not what it seems."""
        return InputError(self.file, reason)


#: Reads the text of a file into a listing; raises InputError where nothing of it can be read.
Reader = Callable[[str, Listing], None]


def _blank(value: object) -> bool:
    return value is None or value == ""


def _severity(value: object) -> Severity:
    if isinstance(value, str) and value.strip().lower() in _SEVERITIES:
        return _SEVERITIES[value.strip().lower()]
    raise ValueError(f"{str(value)[:40]!r} is no severity (informational, low, medium, high, critical)")


def text_of(value: Any) -> str:
    """A text out of JSON, empty where there is none."""
    return value if isinstance(value, str) else ""
