from __future__ import annotations

import copy
from typing import Any

import pytest

from bench.story.recount.comparing import differences, recount
from bench.story.recount.facts import Facts
from reports.queries.registry import QUERIES


@pytest.fixture
def told(facts: Facts) -> dict[str, Any]:
    """Figures that are what is counted."""
    head = {"audit_chain": {"inputs": {"head": "2:h2"}}}
    return copy.deepcopy(recount(head, facts))


def test_every_figure_of_the_report_is_counted(facts: Facts, told: dict[str, Any]):
    assert told.keys() == QUERIES.keys()
    assert differences(told, facts) == []


def test_whatever_differs_is_named(facts: Facts, told: dict[str, Any]):
    told["cases"]["values"]["closed"] = 9
    told["playbooks"]["rows"][0]["playbook"] = ["图", "T"]  # two languages; English is enough
    told["drills"]["rows"][0]["more"] = 1  # a number that nobody counted
    told["another"] = told.pop("sensors")
    found = [line.partition(" ")[0] for line in differences(told, facts)]
    assert found == ["another:", "sensors:", "cases:", "drills:"]
