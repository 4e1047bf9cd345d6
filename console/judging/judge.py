"""Judging: whether the alerts of a capture say what the capture is known to hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from citywall.findings import Severity
from citywall.i18n import tr
from console import documents, severity
from console.judging.manifest import Row
from drills.classes import detectors_of, signature_class


@dataclass(frozen=True)
class Said:
    """What an alert says, as far as judging goes."""

    rule: str
    severity: int
    source: str
    target: str
    first: str
    hosts: tuple[str, ...]
    attack: str = ""  # the class of attack that a signature, or another sensor, speaks of

    @classmethod
    def of(cls, document: Mapping[str, Any], language: str) -> Said:
        """Read an alert's document."""
        alert = documents.Alert.of(document, language)
        hosts = documents.hosts(document, "source") + documents.hosts(document, "destination")
        attack = signature_class(documents.words(document, "event.action")) if _signed(alert.rule) else ""
        return cls(alert.rule, alert.severity, alert.source, alert.target, alert.first, tuple(hosts), attack)

    @property
    def informational(self) -> bool:
        """Whether it wakes nobody."""
        return self.severity <= Severity.INFORMATIONAL

    def as_object(self) -> dict[str, Any]:
        """The alert as `--json` gives it."""
        return {
            "rule": self.rule,
            "severity": self.severity,
            "source": self.source or None,
            "target": self.target or None,
            "first": self.first or None,
        }


@dataclass(frozen=True)
class Verdict:
    """The judgement on one row. `found` is None where it could not be run."""

    row: Row
    found: bool | None
    reason: str
    alerts: tuple[Said, ...] = ()

    @property
    def false_alerts(self) -> int:
        """Alerts above informational on a benign capture."""
        return sum(not a.informational for a in self.alerts) if self.row.benign else 0

    def as_object(self) -> dict[str, Any]:
        """The verdict as `--json` gives it."""
        return {
            "file": self.row.file,
            "class": self.row.class_,
            "judged_as": self.row.attack,
            "basis": self.row.basis,
            "found": self.found,
            "reason": self.reason,
            "alerts": [alert.as_object() for alert in self.alerts],
        }


def judge(row: Row, alerts: Sequence[Said], language: str) -> Verdict:
    """Judge a row by all alerts of its session.

    An attack is found by a detector or signature of its class, above informational (or informational
    where that is expected), with a named host as its source or target; where the row names no host,
    by class alone. A benign row is never "found"; its alerts above informational are false.
    """
    said = tuple(alerts)
    if row.benign:
        return Verdict(row, found=False, reason=_benign(said, language), alerts=said)
    found, reason = _attack(row, said, language)
    return Verdict(row, found=found, reason=reason, alerts=said)


def _benign(alerts: Sequence[Said], language: str) -> str:
    loud = [alert for alert in alerts if not alert.informational]
    if not loud:
        return tr("evaluate.quiet", language)
    return tr("evaluate.false_alerts", language, count=len(loud), rules=_rules(loud))


def _attack(row: Row, alerts: Sequence[Said], language: str) -> tuple[bool, str]:
    wanted = detectors_of(row.attack)
    if not wanted and not any(alert.attack == row.attack for alert in alerts):
        return False, tr("evaluate.no_detector", language, class_=row.attack)
    if not alerts:
        return False, tr("evaluate.no_alert", language)
    of_class = [a for a in alerts if a.rule.partition(".")[0] in wanted or a.attack == row.attack]
    if not of_class:
        return False, tr("evaluate.only_other_class", language, rules=_rules(alerts))
    heard = [alert for alert in of_class if row.informational or not alert.informational]
    if not heard:
        return False, tr("evaluate.only_informational", language, rules=_rules(of_class))
    best = max(heard, key=lambda alert: alert.severity)
    if not row.hosts:
        grade = severity.name(best.severity, language)
        return True, tr("evaluate.found_by_class", language, rule=best.rule, severity=grade)
    right = [alert for alert in heard if any(row.hosts.covers(host) for host in alert.hosts)]
    if not right:
        named = ", ".join(sorted({host for alert in heard for host in alert.hosts})[:5])
        return False, tr("evaluate.other_hosts", language, rule=best.rule, hosts=named)
    best = max(right, key=lambda alert: alert.severity)
    hosts = ", ".join(dict.fromkeys(host for host in best.hosts if row.hosts.covers(host)))
    grade = severity.name(best.severity, language)
    return True, tr("evaluate.found", language, rule=best.rule, hosts=hosts, severity=grade)


def _signed(rule: str) -> bool:
    """Whether what an alert is about stands in its kind: of signatures, and of what other sensors report."""
    return rule.partition(".")[0] in ("signature", "reported")


def _rules(alerts: Sequence[Said]) -> str:
    return ", ".join(sorted({alert.rule for alert in alerts}))


@dataclass(frozen=True)
class Score:
    """All verdicts, counted."""

    verdicts: tuple[Verdict, ...]

    @property
    def attacks(self) -> list[Verdict]:
        """Attack rows that were run."""
        return [v for v in self.verdicts if v.found is not None and not v.row.benign]

    @property
    def found(self) -> int:
        """Attack rows found."""
        return sum(v.found is True for v in self.verdicts)

    @property
    def recall(self) -> float | None:
        """Found among attack rows run; None where none was run."""
        return self.found / len(self.attacks) if self.attacks else None

    @property
    def unseen(self) -> list[Verdict]:
        """Attack rows of a class that no detector or rule here speaks of; in `recall` they are missed."""
        return [v for v in self.attacks if not v.found and not detectors_of(v.row.attack)]

    @property
    def recall_of_seen(self) -> float | None:
        """Recall without the `unseen`."""
        count = len(self.attacks) - len(self.unseen)
        return self.found / count if count else None

    @property
    def benign_alerts(self) -> int:
        """Alerts above informational on benign rows."""
        return sum(v.false_alerts for v in self.verdicts)

    def by_class(self) -> dict[str, dict[str, int]]:
        """Attack rows run and found, by class of the manifest, in its order."""
        counts: dict[str, dict[str, int]] = {}
        for verdict in self.attacks:
            entry = counts.setdefault(verdict.row.class_, {"captures": 0, "found": 0})
            entry["captures"] += 1
            entry["found"] += verdict.found is True
        return counts

    def as_object(self) -> dict[str, Any]:
        """The evaluation as `--json` gives it; `captures` holds the rows that were run."""
        benign = [v for v in self.verdicts if v.row.benign and v.found is not None]
        return {
            "recall": self.recall,
            "recall_of_classes_seen": self.recall_of_seen,
            "classes_not_seen": [v.row.file for v in self.unseen],
            "benign_alerts": self.benign_alerts,
            "by_class": self.by_class(),
            "benign": {"captures": len(benign), "with_alerts": sum(v.false_alerts > 0 for v in benign)},
            "captures": [v.as_object() for v in self.verdicts if v.found is not None],
            "not_evaluated": [
                {"file": v.row.file, "class": v.row.class_, "reason": v.reason}
                for v in self.verdicts
                if v.found is None
            ],
        }
