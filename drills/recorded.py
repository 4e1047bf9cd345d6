"""A scenario made of a recorded capture and what is true of it."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from citywall.i18n import tr
from drills import truthfile
from drills.planning import expected_of
from drills.scenario import Scenario, Words
from drills.truth import truth_path
from posture import reading as registers

_NOT_IN_ID = re.compile(r"[^A-Za-z0-9_-]+")


def scenario_of(
    capture: Path, truth: Path | None, title: str | None, register: str = registers.EXAMPLE
) -> Scenario:
    """The scenario that replays `capture`; its truth is beside it where `truth` does not say.

    All that is true is expected to be detected. Raises FaultyInput, InputError.
    """
    told = truth or truth_path(capture)
    known = truthfile.read(told, capture)
    name = _NOT_IN_ID.sub("-", capture.name.partition(".")[0]).strip("-_") or "capture"
    made = Scenario(
        id=name[:48],
        title=Words(title or name, title or name),
        purpose=_words("purpose"), briefing=_words("briefing"),
        register=register, seed=0,
        capture=str(capture.absolute()), truth=str(told.absolute()),
    )  # fmt: skip
    return msgspec.structs.replace(made, detections=expected_of(made, known))


def _words(key: str) -> Words:
    return Words(tr(f"drill_recorded.{key}", "zh"), tr(f"drill_recorded.{key}", "en"))
