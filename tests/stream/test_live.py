"""What a live sensor refuses; that it feeds a run is tested in `end_to_end/test_live`."""

from __future__ import annotations

import pytest

from citywall.errors import InputError, SettingsError, StreamError
from citywall.settings import load
from stream.live import Bounds, sense


def test_it_needs_a_cluster_and_an_interface():
    here = load(None, {}, [])
    away = load(None, {}, ["transport=kafka://127.0.0.1:9", "kafka.patience_s=0"])
    with pytest.raises(SettingsError, match=r"a sensor needs kafka://HOST:PORT"):
        sense(here, "lo", "gate")
    with pytest.raises(InputError, match=r"cwnone: (there is no such interface|capturing needs)"):
        sense(away, "cwnone", "gate")


def test_no_broker_is_said_clearly(wire):
    away = load(None, {}, ["transport=kafka://127.0.0.1:9", "kafka.patience_s=0"])
    with pytest.raises(StreamError, match="no broker answers"):
        sense(away, wire.interface, "gate", Bounds(seconds=1))
