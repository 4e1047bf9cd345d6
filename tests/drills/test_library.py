"""Every scenario that ships can be read, and its name gives nothing away."""

from __future__ import annotations

from pathlib import Path

import pytest

from citywall.i18n import LANGUAGES
from drills import library, reading
from drills.classes import CLASSES
from drills.traffic.kinds import KINDS


def test_every_file_is_a_line():
    files = {p.stem for p in (Path(library.__file__).parent / "scenarios").iterdir()}
    assert files == set(library.SHIPPED)
    assert library.find("nothing") is None


@pytest.mark.parametrize("name", library.SHIPPED)
def test_shipped_scenarios(name: str):
    scenario, faults = reading.examine(name)
    assert faults == []
    assert scenario is not None
    assert scenario.id == name
    assert {d.attack for d in scenario.detections} == {a.id for a in scenario.attacks}
    assert {r.attack for r in scenario.responses} == {a.id for a in scenario.attacks}
    for language in LANGUAGES:
        told = " ".join(
            words.text(language) for words in (scenario.title, scenario.purpose, scenario.briefing)
        ).lower()
        assert scenario.storyline.text(language)
        for word in (*CLASSES, *(kind.title(language) for kind in KINDS.values())):
            assert word.lower() not in told.split(), word
