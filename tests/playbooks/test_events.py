from __future__ import annotations

from typing import get_args

import msgspec

from playbooks.events import Acted, Event


def test_events_are_read_as_they_were_written() -> None:
    event = Acted(key="k", outcome="uncertain")
    assert msgspec.json.decode(msgspec.json.encode(event), type=Event) == event
    tags = [kind.__struct_config__.tag for kind in get_args(Event)]
    assert len(set(tags)) == len(tags) == 15
