from __future__ import annotations

from typing import Any


def test_an_alert_counts_on_the_day_it_began(inputs: Any, fact: Any):
    yesterday = fact(2, hour=-1)
    assert inputs(fact(), yesterday).begun == (fact(),)


def test_names(inputs: Any, blind: Any):
    facts = inputs()
    assert facts.unit_name("data") == ["大数据局", "Data Bureau"]
    assert facts.unit_name("gone") == blind.unit_name("gone") == ["gone", "gone"]
    assert facts.system_name("oa") == ["协同办公", "Office"]
    assert facts.system_name("gone") == ["gone", "gone"]
    assert facts.system_name("", "civil") == ["民政局其他主机", "Civil Bureau: other hosts"]
