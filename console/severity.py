"""The five grades of severity as marks that are told apart without colour."""

from __future__ import annotations

from citywall.findings import Severity
from citywall.i18n import tr

#: rich styles; the mark itself carries the meaning, so that a monochrome terminal loses nothing.
STYLES = {
    Severity.INFORMATIONAL: "dim",
    Severity.LOW: "cyan",
    Severity.MEDIUM: "yellow",
    Severity.HIGH: "red",
    Severity.CRITICAL: "bold white on red",
}
MARK_CELLS = 4


def grade(value: int) -> Severity:
    """The nearest grade for a number from a document, which may come from elsewhere."""
    return Severity(min(max(value, Severity.INFORMATIONAL), Severity.CRITICAL))


def mark(value: int, language: str) -> str:
    """Four cells that name the grade: `CRIT` or 严重."""
    return tr(f"severity.mark_{grade(value):d}", language)


def name(value: int, language: str) -> str:
    """The grade in a word."""
    return tr(f"severity.name_{grade(value):d}", language)


def style(value: int) -> str:
    """The rich style of the grade."""
    return STYLES[grade(value)]
