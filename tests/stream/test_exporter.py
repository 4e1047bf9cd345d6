from __future__ import annotations

import time
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from citywall.errors import SettingsError
from stream.exporter import Exporter
from stream.health import Fault, Health, SensorHealth, StageHealth, StoreHealth

HEALTH = Health(
    "running", "", 7, time.time_ns(), 1, "local://", 1, 2, "one.pcap", {"packets": 9, "alerts": 2}, 3,
    1 << 20,
    StoreHealth("sqlite://", 4, 2.5, "no room"),
    [
        StageHealth("capture", 0, 40, 2, 0.5, {"capture": 6}, None),
        StageHealth("capture", 1, 40, 2, 0.25, {"capture": 5}, 12.0),
    ],
    [SensorHealth("sensor:a:x", 7, 3, 0.5, False), SensorHealth("sensor:b:x", 8, 0, 9.0, True)],
    [Fault("dropped", "sensor:a:x", 3)],
)  # fmt: skip


def served(exporter: Exporter) -> dict[tuple[str, ...], float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{exporter.port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return {
        (
            sample.name,
            *(sample.labels[n] for n in ("stage", "partition", "topic", "sensor") if n in sample.labels),
        ): (sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_everything_known_is_served():
    exporter = Exporter("127.0.0.1:0")
    try:
        assert served(exporter) == {}
        exporter.show(HEALTH)
        assert served(exporter) == {
            ("citywall_up",): 1, ("citywall_peak_memory_bytes",): 1 << 20, ("citywall_dead_letters",): 3,
            ("citywall_packets_total",): 9, ("citywall_alerts_total",): 2,
            ("citywall_store_available",): 0, ("citywall_store_waits_total",): 4,
            ("citywall_store_waited_seconds_total",): 2.5,
            ("citywall_stage_items_total", "capture", "0"): 40,
            ("citywall_stage_items_total", "capture", "1"): 40,
            ("citywall_stage_messages_total", "capture", "0"): 2,
            ("citywall_stage_messages_total", "capture", "1"): 2,
            ("citywall_stage_cpu_seconds_total", "capture", "0"): 0.5,
            ("citywall_stage_cpu_seconds_total", "capture", "1"): 0.25,
            ("citywall_checkpoint_age_seconds", "capture", "1"): 12.0,
            ("citywall_lag_messages", "capture", "0", "capture"): 6,
            ("citywall_lag_messages", "capture", "1", "capture"): 5,
            ("citywall_sensor_packets_total", "sensor:a:x"): 7,
            ("citywall_sensor_packets_total", "sensor:b:x"): 8,
            ("citywall_sensor_dropped_packets_total", "sensor:a:x"): 3,
            ("citywall_sensor_dropped_packets_total", "sensor:b:x"): 0,
            ("citywall_sensor_behind_seconds", "sensor:a:x"): 0.5,
            ("citywall_faults",): 1,
        }  # fmt: skip
    finally:
        exporter.close()
    with pytest.raises(OSError, match="refused"):
        served(exporter)


def test_an_address_that_is_taken_or_none_is_named():
    exporter = Exporter("127.0.0.1:0")
    try:
        for address in (f"127.0.0.1:{exporter.port}", "127.0.0.1:70000"):
            with pytest.raises(SettingsError, match="metrics"):
                Exporter(address)
    finally:
        exporter.close()
