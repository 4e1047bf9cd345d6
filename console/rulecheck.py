"""`citywall rules check` and `list` for what is no signature: lists of indicators and Sigma rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from console.terminal import Terminal
    from rules.indicators.model import Indicators
    from rules.language.model import Rule
    from rules.sets.folder import RuleFolder
    from rules.sigma.reading import SigmaSet

_SIGMA = frozenset({".yml", ".yaml"})


def _kind(file: Path) -> str:
    from rules.indicators.reading import SUFFIXES

    suffix = file.suffix.lower()
    return "sigma" if suffix in _SIGMA else "indicators" if suffix in SUFFIXES else "signatures"


def is_signatures(file: Path) -> bool:
    """Whether a file is taken for one of signatures, by its name."""
    return _kind(file) == "signatures"


@dataclass
class Others:
    """What lists and Sigma rules hold, by file."""

    lists: dict[str, Indicators] = field(default_factory=dict)
    sigma: SigmaSet | None = None

    def __bool__(self) -> bool:
        return bool(self.lists) or self.sigma is not None

    @property
    def rejected(self) -> int:
        """How many entries and rules cannot be used."""
        sigma = len(self.sigma.rejected) if self.sigma is not None else 0
        return sum(found.refused_count for found in self.lists.values()) + sigma

    def packed(self) -> dict[str, Any]:
        """As JSON has it; nothing where there is nothing."""
        told: dict[str, Any] = {}
        if self.lists:
            told["indicators"] = [
                {
                    "file": file,
                    "accepted": found.counts(),
                    "rejected_count": found.refused_count,
                    "rejected": [
                        {"place": r.place, "value": r.value, "reason": r.reason} for r in found.refused
                    ],
                    "left_out": found.left_out,
                }
                for file, found in self.lists.items()
            ]
        if self.sigma is not None:
            told["sigma"] = {
                "accepted": [
                    {"id": r.id, "title": r.title, "source": r.source.name} for r in self.sigma.rules
                ],
                "rejected": [
                    {"file": r.file, "document": r.document, "id": r.id, "reason": r.reason}
                    for r in self.sigma.rejected
                ],
            }
        return told

    def tell(self, look: Terminal) -> None:
        """The same for people."""
        for file, found in self.lists.items():
            for entry in found.refused:
                look.say(f"{file}: {entry.place}: {entry.value}: {entry.reason}")
            left = sum(found.left_out.values())
            look.say(
                look.tr(
                    "rulelife.indicators", file=file, found=len(found.found), refused=found.refused_count,
                    left_out=left,
                )
            )  # fmt: skip
        if self.sigma is not None:
            for fault in self.sigma.rejected:
                look.say(f"{fault.file}: {fault.id or fault.document}: {fault.reason}")
            accepted, refused = len(self.sigma.rules), len(self.sigma.rejected)
            look.say(look.tr("rulelife.sigma", accepted=accepted, refused=refused))


def others(files: Sequence[Path]) -> Others:
    """Lists and Sigma rules among files; raises InputError."""
    from rules.indicators import reading

    found = Others({str(f): reading.read([f]) for f in files if _kind(f) == "indicators"})
    if sigma := [file for file in files if _kind(file) == "sigma"]:
        from rules.sigma import reading as rules

        found.sigma = rules.read(sigma)
    return found


def sigma(folder: RuleFolder) -> list[dict[str, Any]]:
    """The Sigma rules of a folder of rules, switched on or off."""
    from rules.sets.changing import sigma_of
    from rules.sets.choices import sigma_on

    version = folder.current()
    found = sigma_of(folder, version)
    return [
        {
            "sigma": rule.id, "title": rule.title, "source": rule.source.name, "file": rule.file,
            "severity": int(rule.severity), "on": sigma_on(rule.id, version.choices),
        }
        for rule in (found.rules if found is not None else ())
    ]  # fmt: skip


def answered(rules: Sequence[Rule]) -> dict[str, Any]:
    """How many rules flow logs can answer, and why not the others."""
    from rules.flowlogs.answering import why_not

    counts = Counter(map(why_not, rules))
    able = counts.pop("", 0)
    return {"answered": able, "not": dict(counts.most_common())}


def tell_answered(rules: Sequence[Rule], look: Terminal) -> None:
    """The same for people."""
    told = answered(rules)
    look.say(look.tr("rulelife.flow_logs", answered=told["answered"], rules=len(rules)))
    for why, count in told["not"].items():
        look.say(f"  {count}: {why}")
