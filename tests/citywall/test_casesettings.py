from __future__ import annotations

import pytest

from citywall.errors import SettingsError
from citywall.settings import load, results_digest


def test_the_kind_of_operator_is_never_guessed() -> None:
    assert load(environment={}).reporting.operator == ""
    assert load(environment={}, assignments=["reporting.operator=cii"]).reporting.operator == "cii"


@pytest.mark.parametrize("wrong", ["reporting.operator=city", "reporting.sender_code=14", "cases.window_s=5"])
def test_what_cannot_be_is_refused(wrong: str) -> None:
    with pytest.raises(SettingsError, match=wrong.split("=", maxsplit=1)[0]):
        load(environment={}, assignments=[wrong])


def test_how_cases_are_made_changes_no_alert() -> None:
    changed = load(environment={}, assignments=["cases.window_s=60", "reporting.operator=other"])
    assert results_digest(changed) == results_digest(load(environment={}))
