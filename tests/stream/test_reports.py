from __future__ import annotations

from stream.reports import RunReport, SessionReport


def test_totals_are_of_every_input_once():
    report = RunReport()
    report.add(SessionReport("a", "1", packets=3, bytes=30, alerts=1, errors={"x": 1}))
    report.add(SessionReport("b", refused="not there"))
    report.add(SessionReport("c", "1", packets=3, bytes=30, alerts=1, errors={"x": 1}, same_as="a"))
    report.add(SessionReport("d", "2", packets=4, flows=2, errors={"x": 2, "y": 1}))
    assert (report.packets, report.bytes, report.flows, report.alerts) == (7, 30, 2, 1)
    assert report.decode_errors == {"x": 3, "y": 1}
    assert [s.path for s in report.sessions] == ["a", "b", "c", "d"]
