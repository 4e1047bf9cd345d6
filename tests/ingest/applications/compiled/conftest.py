"""The same packets read by kernels, and by the parsers in Python alone."""

from __future__ import annotations

import numpy as np
import pytest

from citywall.applicationsettings import ApplicationSettings
from ingest.applications import analysis
from ingest.applications.analysis import Analyser
from ingest.applications.compiled.layout import PYTHON
from ingest.applications.compiled.reading import Reading
from ingest.applications.wanted import ALL

NAMES = ("flows", "transactions", "buffers", "numbers", "units", "anomalies", "arena", "packet_flow")


def read(rows, buffer, size=0, *, growing=False, wanted=ALL, settings=None):
    """The tables of packets, `size` at a time."""
    analyser = Analyser(
        settings or ApplicationSettings(midstream=True), keep_streams=True, growing=growing, wanted=wanted
    )
    told = []
    for at in range(0, len(rows), size or len(rows)):
        analyser.add(rows[at : at + (size or len(rows))], 1 + at, buffer)
        if growing:
            told.append(analyser.tables())
    analyser.end()
    return [*told, analyser.tables()]


def equal(ours, theirs):
    """Every column of every table."""
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        for name in NAMES:
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)


class PythonAlone(Reading):
    """A reading that leaves every piece to Python."""

    def __init__(self, *given, **named):
        super().__init__(*given, **named)
        self.seen = set()

    def read(self, batch, _sessions, _places):
        self.seen |= set(batch.pieces["number"].tolist())
        return np.full(len(batch.pieces), PYTHON, np.uint16)

    def end(self, numbers, _frames):
        return np.array([number in self.seen for number in numbers.tolist()], np.bool_)


@pytest.fixture
def alike():
    """Checks that kernels say what the parsers in Python say; what they say."""

    def check(rows, buffer, size=0, **options):
        ours = read(rows, buffer, size, **options)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(analysis, "Reading", PythonAlone)
            theirs = read(rows, buffer, size, **options)
        equal(ours, theirs)
        return ours

    return check
