"""Reporting clocks of the day's cases (国家网络安全事件报告管理办法 Art. 4)."""

from reports.figures import Figure, Query, absent
from reports.inputs import Inputs


def answer(inputs: Inputs) -> Figure:
    """Not observable where the room is not there or holds nothing."""
    if inputs.cases is None:
        return absent("reporting_clocks", "room_absent", room="cases")
    return absent("reporting_clocks", "room_empty", room="cases")


QUERY = Query("reporting_clocks", "response", answer)
