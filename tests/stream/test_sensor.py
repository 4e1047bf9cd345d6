"""What a sensor refuses; that it feeds a run is tested in `end_to_end/test_kafka`."""

from __future__ import annotations

from pathlib import Path

import pytest

from citywall.errors import InputError, SettingsError, StreamError
from citywall.settings import load
from stream.sensor import send


def test_it_needs_a_cluster_and_a_capture(tmp_path: Path, standins):
    here = load(None, {}, [])
    away = load(None, {}, ["transport=kafka://127.0.0.1:9", "kafka.patience_s=0"])
    capture = standins.capture(tmp_path / "one.pcap", 3)
    with pytest.raises(SettingsError, match=r"a sensor needs kafka://HOST:PORT"):
        send(here, capture, "gate")
    with pytest.raises(InputError, match="No such file"):
        send(away, tmp_path / "missing", "gate")
    with pytest.raises(StreamError, match="no broker answers"):
        send(away, capture, "gate")
