"""What can go wrong with a benchmark."""

from __future__ import annotations

from citywall.errors import CitywallError, UsageError


class BenchError(CitywallError):
    """A measured process failed, or the machine cannot hold what is to be measured."""


class BenchUsageError(UsageError):
    """A benchmark that does not exist, or options that contradict each other."""
