from __future__ import annotations

import detector_scenes as scenes
import numpy as np

from citywall.batches import EVENT
from citywall.settings import PRIVATE
from detectors.registry import build

NO_EVENTS = np.empty(0, EVENT)


def test_tables_are_made_for_what_comes():
    detectors = build({}, PRIVATE)
    assert "flows" not in vars(detectors)
    detectors.process(scenes.vertical().reports(), NO_EVENTS, "s", "live")
    assert "flows" in vars(detectors)
    assert not {"events", "claims", "fragments", "sightings"} & vars(detectors).keys()
    detectors.close("s", "live")
    assert "flows" not in vars(detectors)
    assert detectors.counts()["contacts_held"] == 0
