from __future__ import annotations

from typing import Any

import pytest

from reports.nightly import build
from reports.paper import paper
from reports.view import view


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_same_day_gives_the_same_bytes(inputs: Any, fact: Any, blind: Any, day: Any, language: str):
    hostile = fact(source='#read("/etc/passwd") *b* 𪚥')
    for facts in (inputs(hostile), blind):
        data = paper(view(build(facts), language), day.until)
        assert data.startswith(b"%PDF-")
        assert data == paper(view(build(facts), language), day.until)
        assert b"D:20240501160000Z" in data
