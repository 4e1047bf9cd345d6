"""Cases (事件) of the day: opened, closed, and how complete their files are."""

from reports.figures import Figure, Query, absent
from reports.inputs import Inputs


def answer(inputs: Inputs) -> Figure:
    """Not observable where the room is not there or holds nothing."""
    if inputs.cases is None:
        return absent("cases", "room_absent", room="cases")
    return absent("cases", "room_empty", room="cases")


QUERY = Query("cases", "response", answer)
