"""The metrics endpoint: what is known of a run's health, for Prometheus (text format 0.0.4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from citywall.errors import SettingsError
from stream.health import Health

_STAGE = ("stage", "partition")
_SENSOR = ("sensor",)


class Exporter:
    """Serves `http://ADDRESS/metrics` from a thread of its own, until closed.

    `show` replaces what is served. Raises SettingsError where the address cannot be listened on.
    """

    def __init__(self, address: str) -> None:
        self._health: Health | None = None
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        host, _, port = address.rpartition(":")
        try:
            self._server, self._thread = start_http_server(int(port), host.strip("[]"), registry)
        except (OSError, OverflowError) as e:
            raise SettingsError("settings", "metrics", f"{address}: {e}") from e

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._server.server_port
        return port

    def show(self, health: Health) -> None:
        """Serve this from now on."""
        self._health = health

    def describe(self) -> list[Metric]:
        """Nothing is registered by name: there is one exporter a registry."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Every metric of the health shown last."""
        health = self._health
        if health is None:
            return
        yield _gauge("up", "1 while the run goes on", int(health.state == "running"))
        yield _gauge("peak_memory_bytes", "Highest resident memory so far", health.peak_memory_bytes)
        yield _gauge("dead_letters", "Dead letters not healed", health.dead_letters)
        for name, n in sorted(health.totals.items()):
            yield CounterMetricFamily(f"citywall_{name}", f"{name.capitalize()} of the run so far", value=n)
        yield _gauge("store_available", "0 while the store is waited for", int(not health.store.waiting_for))
        yield CounterMetricFamily(
            "citywall_store_waits", "Tries that failed for want of the store", value=health.store.waits
        )
        yield CounterMetricFamily(
            "citywall_store_waited_seconds", "Seconds the store was waited for", value=health.store.waited_s
        )
        yield from _stages(health)
        yield from _sensors(health)

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"citywall_{name}", text, value=value)


def _sensors(health: Health) -> Iterator[Metric]:
    packets = CounterMetricFamily("citywall_sensor_packets", "Packets of a live sensor", labels=_SENSOR)
    text = "Packets that a live sensor's kernel dropped"
    dropped = CounterMetricFamily("citywall_sensor_dropped_packets", text, labels=_SENSOR)
    text = "From what was worked of a live sensor to now"
    behind = GaugeMetricFamily("citywall_sensor_behind_seconds", text, labels=_SENSOR)
    text = "Event time that rules are behind what was metered of a live sensor"
    rules = GaugeMetricFamily("citywall_sensor_rules_behind_seconds", text, labels=_SENSOR)
    for sensor in health.sensors:
        if sensor.rules is not None:
            rules.add_metric((sensor.path,), sensor.rules.behind_s)
        packets.add_metric((sensor.path,), sensor.packets)
        dropped.add_metric((sensor.path,), sensor.dropped)
        if not sensor.ended:
            behind.add_metric((sensor.path,), sensor.behind_s)
    yield from (packets, dropped, behind, rules)
    yield _gauge("faults", "What is not as it must be: see `citywall status`", len(health.faults))


def _stages(health: Health) -> Iterator[Metric]:
    items = CounterMetricFamily("citywall_stage_items", "Items taken", labels=_STAGE)
    messages = CounterMetricFamily("citywall_stage_messages", "Messages taken", labels=_STAGE)
    cpu = CounterMetricFamily("citywall_stage_cpu_seconds", "Processor seconds spent", labels=_STAGE)
    age = GaugeMetricFamily("citywall_checkpoint_age_seconds", "Since the last checkpoint", labels=_STAGE)
    lag = GaugeMetricFamily("citywall_lag_messages", "Messages waiting", labels=(*_STAGE, "topic"))
    for stage in health.stages:
        labels = (stage.stage, str(stage.partition))
        items.add_metric(labels, stage.items)
        messages.add_metric(labels, stage.messages)
        cpu.add_metric(labels, stage.cpu_seconds)
        if stage.checkpoint_age_s is not None:
            age.add_metric(labels, stage.checkpoint_age_s)
        for topic, waiting in stage.lag.items():
            lag.add_metric((*labels, topic), waiting)
    families: tuple[Any, ...] = (items, messages, cpu, age, lag)
    yield from families
