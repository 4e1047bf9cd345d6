from __future__ import annotations

from ingest.applications.tables import ANOMALY_KIND
from ingest.reassembly.layout import CONFIG, META, ODD


def test_every_odd_thing_is_an_anomaly_by_suricatas_name():
    assert all(f"stream.{name}" in ANOMALY_KIND for name in ODD)


def test_words_are_named_once():
    assert len(set(META)) == len(META)
    assert len(set(CONFIG)) == len(CONFIG)
