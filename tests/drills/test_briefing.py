"""The trainees' briefing tells nothing of what will happen; the trainers' tells all."""

from __future__ import annotations

import pytest

from citywall.i18n import LANGUAGES
from drills.briefing import attacks, brief, general
from drills.folder import Planned
from drills.traffic.kinds import KINDS


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_trainees_are_told(small_drill: Planned, language: str):
    told = brief(small_drill, language).markdown()
    assert small_drill.scenario.briefing.text(language) in told
    secrets = {a.id for a in small_drill.truth.attacks} | {a.kind for a in small_drill.truth.attacks}
    for attack in small_drill.truth.attacks:
        secrets |= {*attack.sources, *attack.targets, *attack.attck}
        secrets |= {str(attack.packets), str(attack.first_frame)} - {"1"}
    secrets |= {KINDS[a.kind].title(language) for a in small_drill.scenario.attacks}
    secrets.add(small_drill.scenario.storyline.text(language))
    whole = brief(small_drill, language, trainer=True).markdown()
    words = told.replace("|", " ").split()
    for secret in secrets:
        assert secret not in words, secret
        if not secret.isdecimal():
            assert secret in whole or secret.replace(".", "\\.") in whole, secret


def test_participants_and_general(small_drill: Planned):
    told = brief(small_drill, "zh").markdown()
    assert "市大数据局" in told
    assert "孙主任" in told
    assert "Big Data Bureau" in brief(small_drill, "en").markdown()
    assert ("演练名称", "small-1") in general(small_drill, "zh")
    assert [row[0] for row in attacks(small_drill, "en")] == ["ports", "theft"]
