"""Drills (演练) that were held, and their scores."""

from reports.figures import Figure, Query, absent
from reports.inputs import Inputs


def answer(inputs: Inputs) -> Figure:
    """Not observable where the room is not there or holds nothing."""
    if inputs.drills is None:
        return absent("drills", "room_absent", room="drills")
    return absent("drills", "room_empty", room="drills")


QUERY = Query("drills", "response", answer)
