"""Playbook runs of the day, and how their steps ended."""

from reports.figures import Figure, Query, absent
from reports.inputs import Inputs


def answer(inputs: Inputs) -> Figure:
    """Not observable where the room is not there or holds nothing."""
    if inputs.playbooks is None:
        return absent("playbooks", "room_absent", room="playbooks")
    return absent("playbooks", "room_empty", room="playbooks")


QUERY = Query("playbooks", "response", answer)
