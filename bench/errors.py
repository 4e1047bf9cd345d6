"""What can go wrong with a benchmark."""

from __future__ import annotations

from citywall.errors import CitywallError, UsageError


class BenchError(CitywallError):
    """A measured process failed, or the machine cannot hold what is to be measured."""


class BenchUsageError(UsageError):
    """A benchmark that does not exist, or options that contradict each other."""


class ServiceUnavailable(BenchError):
    """A service cannot be had on this machine: no Java, no Maven, or its artefacts cannot be fetched."""


class ServiceFailed(BenchError):
    """A service was started and died, or never became healthy; the message ends with its log."""
