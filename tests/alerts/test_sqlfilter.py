from __future__ import annotations

import pytest

from alerts.query import parse
from alerts.sqlfilter import compiled


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("", True),
        ("sev>=3 scan src:10.0.0.0/8", True),
        ("NOT (src:10.0.0.0/8 OR detector:sc*)", True),
        ("ip:10.0.0.5", True),
        ("time:2024-05-01 last>=2024-05-01", True),
        ("rule:scan port:22 NOT unit:*", True),
        ("technique:T1046", False),
        ("NOT technique:T1046", False),
        ("sev>=3 technique:T1046", False),
        ("message:scan", False),
    ],
)
def test_what_columns_can_answer(text: str, exact: bool) -> None:
    assert compiled(parse(text).node).exact is exact


@pytest.mark.parametrize("hostile", ["x' OR '1'='1", "x'); DROP TABLE alerts; --", '"', "%_[a-z]?*"])
def test_text_is_always_bound(hostile: str) -> None:
    quoted = '"' + hostile.replace('"', '\\"') + '"'
    found = compiled(parse(f"detector:{quoted} OR entity:{quoted} OR kind:a*").node)
    assert hostile not in found.sql
    assert found.sql.count("?") == len(found.parameters) == 3
    assert hostile.casefold() in found.parameters


def test_a_column_is_asked_once() -> None:
    assert compiled(parse("source.ip:10.0.0.5").node).sql.count("side = ?") == 1
    assert compiled(parse("src:10.0.0.5").node).sql.count("side = ?") == 2
    assert compiled(parse("ip:10.0.0.5").node).sql.count("side = ?") == 3
