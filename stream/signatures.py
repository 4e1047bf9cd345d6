"""Signatures over whole captures: decode, streams, application layers, rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from citywall.applicationsettings import ApplicationSettings
from citywall.batches import PACKET
from ingest.applications.analysis import Analyser
from ingest.applications.tables import ANOMALIES, FIELDS, KINDS, PROTOCOLS
from ingest.capture import open_capture
from ingest.decode import decode_block
from rules.match.engine import Alert, Engine
from rules.match.scene import Names, Scene

NAMES = Names(PROTOCOLS, KINDS, FIELDS, ANOMALIES)
_BLOCK = 8 << 20
_BATCH = 4096


def over_capture(path: Path, engine: Engine, settings: ApplicationSettings | None = None) -> list[Alert]:
    """Alerts of one capture. Raises InputError where it cannot be read."""
    analyser = Analyser(settings or ApplicationSettings(), keep_streams=True)
    rows = []
    with open_capture(path) as capture:
        for ref in capture.blocks(_BLOCK):
            frame = ref.first_frame
            for packets in decode_block(ref, capture.buffer, _BATCH):
                analyser.add(packets, frame, capture.buffer)
                rows.append(packets)
                frame += len(packets)
        analyser.end()
        packets = np.concatenate(rows) if rows else np.zeros(0, PACKET)
        return engine.match(Scene(packets, capture.buffer, analyser.tables(), NAMES))
