"""Live traffic on a wire of our own, through a sensor and a real Kafka, to alerts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from drills import packets

from .conftest import ROOT, SECOND, START, Citywall, session, syn_scan

MS = 1_000_000


def hurried_frames() -> list[packets.Frame]:
    """Eight seconds with a scan over IPv4 and IPv6, guessing, a flood, tags, and ordinary traffic."""
    frames: list[packets.Frame] = []
    for i in range(60):
        frames += session(START + i * 120 * MS, f"10.1.0.{i + 2}", "10.9.0.3", 20_000 + i, 443, [300, 900])
    frames += syn_scan(START + 100 * MS, "10.1.0.66", [f"10.9.1.{i}" for i in range(2, 90)], 445, vlans=(7,))
    frames += syn_scan(START + 200 * MS, "2001:db8::66", [f"2001:db8:1::{i:x}" for i in range(2, 90)], 22)
    for i in range(40):
        frames += session(START + i * 180 * MS, "10.1.3.77", "10.9.0.5", 50_000 + i, 22, [60, 400, 300, 80])
    for i in range(3000):
        spoofed = f"198.51.{i % 100}.{i % 249 + 1}"
        frames.append((START + SECOND + i * 2 * MS, packets.tcp_frame(spoofed, "10.9.0.8", 1024 + i, 443, 2)))
    frames.sort(key=lambda frame: frame[0])
    return frames


class Live:
    """A run that waits for the sensor `gate`, and sensors."""

    def __init__(self, citywall: Citywall, url: str, folder: Path) -> None:
        self.citywall, self.folder = citywall, folder
        self.options = ["--set", f"kafka.prefix=t{uuid.uuid4().hex[:8]}", "--set", "kafka.patience_s=20"]
        self.url = url
        self.processes: list[subprocess.Popen[str]] = []

    def run(self, *more: str) -> subprocess.Popen[str]:
        """`citywall run sensor:gate --json`."""
        options = ("--set", f"transport={self.url}", *self.options, *more)
        self.processes.append(self.citywall.start("run", "sensor:gate", *options, "--json"))
        return self.processes[-1]

    def sensor(self, interface: str, *more: str) -> subprocess.Popen[str]:
        """One that is there and captures."""
        log = self.folder / f"sensor-{len(self.processes)}.log"
        command = [sys.executable, "-m", "console", "sensor", "--interface", interface, "--to", self.url,
                   "--name", "gate", "--json", *self.options, *more]  # fmt: skip
        with log.open("w") as err:
            started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=err, text=True, cwd=ROOT)
        self.processes.append(started)
        wait(lambda: "capturing from" in log.read_text(), log.read_text, started)
        return started

    def status(self) -> dict[str, Any]:
        done = subprocess.run(
            self.citywall.command("status", "--json"), capture_output=True, text=True, check=False, cwd=ROOT
        )
        found = json.loads(done.stdout) if done.stdout else {}
        assert isinstance(found, dict)
        return found

    def sensed(self) -> int:
        return sum(sensor["packets"] for sensor in self.status().get("sensors", ()))

    def end(self, process: subprocess.Popen[str], limit_s: float = 90.0) -> dict[str, Any]:
        """What it says at its end, with exit code 0."""
        out, err = process.communicate(timeout=limit_s)
        assert process.returncode == 0, err
        said = json.loads(out)
        assert isinstance(said, dict)
        return said

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            if process.stdout and not process.stdout.closed:
                process.communicate()


def wait(
    done: Callable[[], bool], why: Callable[[], str] = str, process: subprocess.Popen[str] | None = None
) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline, why()
        assert process is None or process.poll() is None, why()
        time.sleep(0.2)


@pytest.fixture
def live(citywall: Citywall, kafka_url: str, tmp_path: Path) -> Iterator[Live]:
    made = Live(citywall, kafka_url, tmp_path)
    yield made
    made.stop()


def told(alerts: dict[str, dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What alerts say apart from times: kind, hosts, and how many of them."""
    return sorted(
        (
            a["event"]["code"], a["event"]["severity"], a["citywall"]["entity"],
            a.get("source", {}).get("address", ""), a.get("destination", {}).get("address", ""),
            a["citywall"]["targets"]["count"],
        )
        for a in alerts.values()
    )  # fmt: skip


@pytest.mark.parametrize("killed", [False, True])
def test_alerts_are_those_of_the_file(live: Live, wire: Any, tmp_path: Path, killed: bool):
    """Also where the run is killed meanwhile and goes on."""
    path = tmp_path / "hurried.pcap"
    frames = hurried_frames()
    packets.write_pcap(path, frames, nanosecond=True)
    plain = Citywall(tmp_path / "plain")
    expected = plain.run(path)
    run = live.run("--set", "partitions=2")
    sensor = live.sensor(wire.interface)
    sending = wire.sending(path, paced=True)
    if killed:
        wait(lambda: live.sensed() > len(frames) // 3)
        run.kill()
        run.communicate()
        run = live.run("--set", "partitions=2")
    assert sending.wait(60) == 0
    wait(lambda: live.sensed() == len(frames))
    sensor.send_signal(signal.SIGTERM)
    sent, report = live.end(sensor), live.end(run)
    assert (sent["packets"], sent["dropped"], sent["errors"], sent["unsent"]) == (len(frames), 0, {}, 0)
    assert [report[n] for n in ("packets", "flows", "decode_errors")] == [
        expected[n] for n in ("packets", "flows", "decode_errors")
    ]
    alerts = live.citywall.alerts()
    assert told(alerts) == told(plain.alerts())
    evidence = [e for a in alerts.values() for e in a["citywall"]["evidence"]]
    assert {e["path"] for e in evidence} == {f"sensor:gate:{wire.interface}"}
    assert {a["citywall"]["session"] for a in alerts.values()} == {sent["session"]}


def test_a_quiet_link_lets_flows_be_told_and_end(live: Live, wire: Any, tmp_path: Path):
    """The link falls silent after one scan: it is told all the same, while the sensor goes on."""
    path = tmp_path / "scan.pcap"
    packets.write_pcap(path, syn_scan(START, "10.1.0.66", [f"10.9.1.{i}" for i in range(2, 90)], 445))
    live.run("--set", "meter.idle_timeout_s=1")
    sensor = live.sensor(wire.interface)
    wire.send(path)
    wait(lambda: live.status().get("totals", {}).get("flows", 0) >= 88)
    wait(lambda: bool(live.citywall.alerts()))
    assert sensor.poll() is None
    found = live.status()
    assert [s["path"] for s in found["sensors"]] == [f"sensor:gate:{wire.interface}"]
    assert found["faults"] == []


def test_a_killed_sensor_and_its_successor(live: Live, wire: Any, tmp_path: Path):
    """The run takes both sessions, says that one was cut off, and keeps the alerts of both."""
    path = tmp_path / "scan.pcap"
    frames = list(syn_scan(START, "10.1.0.66", [f"10.9.1.{i}" for i in range(2, 90)], 445))
    packets.write_pcap(path, frames)
    run = live.run()
    first = live.sensor(wire.interface)
    wire.send(path)
    wait(lambda: live.sensed() == len(frames))
    first.kill()
    first.communicate()
    second = live.sensor(wire.interface)
    wire.send(path)
    wait(lambda: live.sensed() == 2 * len(frames))
    second.send_signal(signal.SIGINT)
    sent = live.end(second)
    out, _ = run.communicate(timeout=90)
    assert run.returncode == 1  # something was lost
    report = json.loads(out)
    assert report["decode_errors"] == {"sensor_cut_off": 1}
    assert report["packets"] == 2 * len(frames)
    assert sent["packets"] == len(frames)
    sessions = {a["citywall"]["session"] for a in live.citywall.alerts().values()}
    assert len(sessions) == 2
    assert sent["session"] in sessions


@pytest.mark.parametrize("killed", [False, True])
def test_two_interfaces_of_one_sensor_are_two_networks(live: Live, wires: Any, tmp_path: Path, killed: bool):
    """The same scan on both is that of two hosts, also where the run is killed between them."""
    path = tmp_path / "scan.pcap"
    frames = list(syn_scan(START, "10.1.0.66", [f"10.9.1.{i}" for i in range(2, 90)], 445))
    packets.write_pcap(path, frames)
    names = ("--set", 'domains.names=["police","health"]')
    run = live.run(*names)
    with closing(wires.Wire()) as one, closing(wires.Wire()) as two:
        sensor = live.sensor(
            one.interface, "--interface", two.interface, *names,
            "--set", f"sensor.interfaces.{one.interface}.domain=police",
            "--set", f"sensor.interfaces.{two.interface}.domain=health",
        )  # fmt: skip
        one.send(path)
        wait(lambda: live.sensed() == len(frames))
        if killed:
            run.kill()
            run.communicate()
            run = live.run(*names)
        two.send(path)
        wait(lambda: live.sensed() == 2 * len(frames))
        sensor.send_signal(signal.SIGTERM)
        sent = live.end(sensor)
    report = live.end(run)
    assert (report["packets"], report["decode_errors"]) == (2 * len(frames), {})
    assert (sent["packets"], sent["dropped"]) == (2 * len(frames), 0)
    assert {name: each["packets"] for name, each in sent["interfaces"].items()} == dict.fromkeys(
        (one.interface, two.interface), len(frames)
    )
    alerts = live.citywall.alerts().values()
    assert sorted((a["citywall"]["domain"], a["source"]["ip"]) for a in alerts) == [
        ("health", "10.1.0.66"), ("police", "10.1.0.66"),
    ]  # fmt: skip
    assert {e["path"] for a in alerts for e in a["citywall"]["evidence"]} == {
        f"sensor:gate:{wire.interface}" for wire in (one, two)
    }


def test_the_elder_of_two_leaves(live: Live, wire: Any):
    live.run()
    first = live.sensor(wire.interface)
    second = live.sensor(wire.interface)
    first.communicate(timeout=30)
    assert first.returncode == 1
    assert second.poll() is None
    second.send_signal(signal.SIGTERM)
    assert live.end(second)["packets"] == 0


def test_the_cluster_goes_away(citywall: Citywall, own_kafka: Any, wire: Any, tmp_path: Path):
    """What the sensor has room for waits; the rest the kernel drops and counts. It goes on by itself."""
    payload = os.urandom(1200)
    count = 16_000
    path, few = tmp_path / "flood.pcap", tmp_path / "few.pcap"
    frames = [
        (START, packets.udp_frame("10.0.0.1", "10.0.0.2", i % 60_000 + 1, 9, payload)) for i in range(count)
    ]
    packets.write_pcap(path, frames)
    packets.write_pcap(few, frames[:100])
    live = Live(citywall, own_kafka.url, tmp_path)
    try:
        run = live.run()
        sensor = live.sensor(wire.interface, "--set", "sensor.ring_mib=1", "--set", "sensor.buffer_mib=2")
        wire.send(few)
        wait(lambda: live.sensed() == 100)
        own_kafka.kill()
        wire.send(path)
        own_kafka.restart()
        wire.send(few)

        def counted() -> int:
            return sum(s["packets"] + s["dropped"] for s in live.status().get("sensors", ()))

        wait(lambda: counted() == count + 200)
        sensor.send_signal(signal.SIGTERM)
        sent = live.end(sensor)
        out, err = run.communicate(timeout=90)
        assert run.returncode == 1, err
    finally:
        live.stop()
    assert sent["dropped"] > 1000
    assert sent["packets"] > 100
    report = json.loads(out)
    assert (report["packets"], report["decode_errors"]) == (
        sent["packets"], {"packets_dropped": sent["dropped"]},
    )  # fmt: skip


def test_drops_are_shown_everywhere(live: Live, wire: Any, tmp_path: Path):
    """A sensor is held up while a flood passes: what its kernel dropped is told in status and report."""
    path = tmp_path / "flood.pcap"
    payload = os.urandom(1200)
    count = 4000
    frames = [
        (START + i, packets.udp_frame("10.0.0.1", "10.0.0.2", 1024 + i, 9, payload)) for i in range(count)
    ]
    packets.write_pcap(path, frames)
    run = live.run()
    sensor = live.sensor(wire.interface, "--set", "sensor.ring_mib=1")
    sensor.send_signal(signal.SIGSTOP)
    wire.send(path)
    sensor.send_signal(signal.SIGCONT)

    def dropped() -> int:
        return sum(s["dropped"] for s in live.status().get("sensors", ()))

    wait(lambda: dropped() > 0 and live.sensed() + dropped() == count)
    [fault] = live.status()["faults"]
    assert fault == {"kind": "dropped", "sensor": f"sensor:gate:{wire.interface}", "n": dropped()}
    assert "packets dropped by the kernel" in live.citywall("status", "--lang", "en").stdout
    sensor.send_signal(signal.SIGTERM)
    sent = live.end(sensor)
    out, err = run.communicate(timeout=90)
    assert run.returncode == 1
    report = json.loads(out)
    assert report["decode_errors"]["packets_dropped"] == sent["dropped"] > 1000
    assert report["packets"] + sent["dropped"] == count
    assert "dropped by the sensor's kernel" in err
    assert "the sensor's kernel dropped" in (live.citywall.data / "logs" / "citywall.log").read_text()


def test_a_second_signal_leaves_at_once_and_says_what_was_not_sent(
    citywall: Citywall, own_kafka: Any, wire: Any, tmp_path: Path
):
    path = tmp_path / "few.pcap"
    packets.write_pcap(path, [(START, packets.udp_frame("10.0.0.1", "10.0.0.2", 1, 9, b"x"))] * 50)
    live = Live(citywall, own_kafka.url, tmp_path)
    try:
        live.run()
        sensor = live.sensor(wire.interface)
        own_kafka.kill()
        wire.send(path)
        time.sleep(1.0)
        for _ in range(2):
            sensor.send_signal(signal.SIGTERM)
            time.sleep(0.5)
        out, _ = sensor.communicate(timeout=30)
    finally:
        live.stop()
    assert out, (tmp_path / "sensor-1.log").read_text()
    assert sensor.returncode == 1
    assert (json.loads(out)["packets"], json.loads(out)["unsent"]) == (0, 50)
