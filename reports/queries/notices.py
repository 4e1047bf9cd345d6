"""Notices (通报) to units: sent, received, answered, closed, overdue."""

from reports.figures import Figure, Query, absent
from reports.inputs import Inputs


def answer(inputs: Inputs) -> Figure:
    """Not observable where the room is not there or holds nothing."""
    if inputs.notices is None:
        return absent("notices", "room_absent", room="notices")
    return absent("notices", "room_empty", room="notices")


QUERY = Query("notices", "response", answer)
