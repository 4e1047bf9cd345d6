"""What each detector says of each hostile scene, word for word.

`CITYWALL_WRITE_GOLDEN=1 pytest tests/detectors/test_golden.py` writes the files anew: read the difference.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import baseline_scenes as usual
import detector_scenes as scenes
import holding_scenes as holding
import identity_scenes as identified
import msgspec
import pytest
import relation_scenes as related
import sighting_scenes as sighted

from citywall.settings import PRIVATE
from detectors.registry import DETECTORS, build

FOLDER = Path(__file__).parent / "golden"


@pytest.mark.parametrize("detector", DETECTORS)
def test_golden(detector):
    told = {}
    hostile = scenes.HOSTILE | {("scan", "arp_sweep"): scenes.arp_sweep} | related.HOSTILE | related.SOFT
    hostile |= sighted.HOSTILE | sighted.SOFT | usual.HOSTILE | holding.HOSTILE
    hostile |= identified.HOSTILE | identified.SOFT
    for (owner, kind), make in hostile.items():
        if owner != detector:
            continue
        for six in (False, True):
            scene = make(six)
            found = build({}, PRIVATE).process(scene.reports(), scene.events(), "golden", "test")
            told[f"{kind} over {'IPv6' if six else 'IPv4'}"] = msgspec.to_builtins(found)
    file = FOLDER / f"{detector}.json"
    if os.environ.get("CITYWALL_WRITE_GOLDEN"):
        FOLDER.mkdir(exist_ok=True)
        file.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")
    assert json.loads(file.read_text("utf-8")) == json.loads(json.dumps(told))
