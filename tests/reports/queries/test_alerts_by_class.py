from __future__ import annotations

from typing import Any

from reports.queries.alerts_by_class import QUERY


def test_classes_most_first(inputs: Any, fact: Any):
    before = fact(9, hour=-1, last=fact().time)
    figure = QUERY.answer(
        inputs(
            fact(), fact(2, status="false_alarm"), fact(3, gb_class="malware", gb_subclass="网络蠕虫"), before
        )
    )
    assert figure.rows == (("attack", "网络扫描探测", 2, 1), ("malware", "网络蠕虫", 1, 0))
    assert figure.inputs == {"alerts": 3, "continued": 1}


def test_no_alert_is_good_news_only_where_something_was_seen(inputs: Any, blind: Any):
    assert (QUERY.answer(inputs()).state, QUERY.answer(inputs()).values["alerts"]) == ("observed", 0)
    assert QUERY.answer(blind).reasons[0].code == "nothing_seen"
