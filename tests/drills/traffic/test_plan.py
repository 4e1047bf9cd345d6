"""Plans name what people read and what detectors are called."""

from __future__ import annotations

import pytest

from citywall.i18n import LANGUAGES
from drills.traffic import ATTACKS


@pytest.mark.parametrize("plan", ATTACKS, ids=lambda p: p.id)
def test_plans(plan):
    assert 0 < plan.at < 1
    assert plan.kind in {"scan", "bruteforce", "dos"}
    assert plan.detector in {"scan", "bruteforce", "flood"}
    assert all(technique.startswith("T1") for technique in plan.attck)
    assert len({plan.title(language) for language in LANGUAGES}) == len(LANGUAGES)


def test_they_come_one_after_another():
    assert [plan.at for plan in ATTACKS] == sorted(plan.at for plan in ATTACKS)
    assert len({plan.id for plan in ATTACKS}) == len(ATTACKS)
