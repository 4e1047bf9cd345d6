from __future__ import annotations

from typing import Any

from reports.inputs import Service
from reports.queries.cleartext_management import QUERY


def test_services_most_used_first(inputs: Any):
    services = (Service("10.0.0.5", 21, "portal", "data", 1), Service("10.0.0.6", 23, "", "", 4))
    figure = QUERY.answer(inputs(services=services))
    assert figure.rows == (
        ("10.0.0.6", "telnet/23", None, 4),
        ("10.0.0.5", "ftp/21", ["大数据局", "Data Bureau"], 1),
    )
    assert figure.values == {"services": 2, "hosts": 2}


def test_nothing_to_say(inputs: Any, blind: Any):
    assert QUERY.answer(blind).reasons[0].code == "no_register"
    assert QUERY.answer(inputs(flows=0)).state == "not_observable"
    assert QUERY.answer(inputs()).values["hosts"] == 0
