"""What a list says: one indicator, an entry that cannot be used, and all of several files."""

from __future__ import annotations

from dataclasses import dataclass, field

from citywall.findings import Severity

ADDRESS, DOMAIN, URL = "address", "domain", "url"
MD5, SHA1, SHA256, JA3, JA3S, JA4 = "md5", "sha1", "sha256", "ja3", "ja3s", "ja4"
KINDS = (ADDRESS, DOMAIN, URL, MD5, SHA1, SHA256, JA3, JA3S, JA4)
#: Kinds that packets show by themselves; the others need the application layers of a capture.
IN_ROWS = frozenset({ADDRESS, DOMAIN, URL})
#: Kinds that events show: of logs those that tell fingerprints and files, and of packets whole hellos.
IN_EVENTS = IN_ROWS | {JA3, JA3S, JA4, MD5, SHA1, SHA256}
#: For lists that say nothing of it.
CONFIDENCE = 0.7
#: Entries that are told one by one.
MOST_TOLD = 1000


@dataclass(frozen=True, slots=True)
class Indicator:
    """One thing that is known to be bad.

    `value` is normal (`rules.indicators.values`); `source` is who says so; `confidence` from 0 to 1; it holds
    from `begins` until before `ends` (ns of event time; 0: no bound). `place` is where in `file` it stands.
    """

    kind: str
    value: str
    source: str
    confidence: float
    severity: Severity
    begins: int = 0
    ends: int = 0
    title: str = ""
    file: str = ""
    place: str = ""

    def holds(self, time: int) -> bool:
        """Whether it counts at a moment of event time."""
        return self.begins <= time and (self.ends == 0 or time < self.ends)


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry that is not used, and why. `place`: `line 7`, `objects[3]`, `Attribute[2]`."""

    file: str
    place: str
    value: str
    reason: str


@dataclass
class Indicators:
    """All of several files. `left_out` counts, by reason, what the lists themselves say not to use."""

    found: list[Indicator] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    refused_count: int = 0
    left_out: dict[str, int] = field(default_factory=dict)

    def refuse(self, entry: Refused) -> None:
        """Note an entry that cannot be used: counted always, told up to a bound."""
        self.refused_count += 1
        if len(self.refused) < MOST_TOLD:
            self.refused.append(entry)

    def leave(self, reason: str) -> None:
        """Count an entry that its list says not to use."""
        self.left_out[reason] = self.left_out.get(reason, 0) + 1

    def counts(self) -> dict[str, int]:
        """Indicators by kind."""
        counted = dict.fromkeys(KINDS, 0)
        for indicator in self.found:
            counted[indicator.kind] += 1
        return {kind: count for kind, count in counted.items() if count}


def severity_for(confidence: float) -> Severity:
    """The grade of a hit of which the list says only how sure it is."""
    return Severity.HIGH if confidence >= 0.8 else Severity.MEDIUM if confidence >= 0.5 else Severity.LOW
