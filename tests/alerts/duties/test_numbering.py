from __future__ import annotations

from alerts import times
from alerts.duties import numbering

#: New Year in Beijing, still the old year in UTC.
MOMENT = times.from_iso("2026-12-31T16:00:05Z")


def test_numbers_are_dated_in_beijing() -> None:
    assert numbering.number("14010000300001", MOMENT, 7) == "14010000300001_20270101000005_7"
    assert numbering.letter(MOMENT, 7) == "〔2027〕7号"
    assert numbering.year(MOMENT) == "year:2027"
    assert numbering.year(MOMENT - 5 * times.SECOND - 1) == "year:2026"
