"""Runs on a real Kafka: the same alerts whatever the partitions, workers and deaths."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drills import packets

from .conftest import ROOT, Citywall, busy_frames

# Small blocks and a checkpoint at every chance, so that a short capture has many moments to die in.
CUT = ("--set", "capture.block_bytes=32768", "--set", "checkpoint.interval_s=0.2",
       "--set", "checkpoint.cost_factor=2")  # fmt: skip
SEED = 20261122


class Fleet:
    """A cluster's runs of one test: a prefix of its own, workers that are stopped at the end."""

    def __init__(self, url: str, folder: Path) -> None:
        self.folder = folder
        self.workers: list[subprocess.Popen[bytes]] = []
        self.options = [
            "--set", f"transport={url}", "--set", f"kafka.prefix=t{uuid.uuid4().hex[:8]}",
            "--set", "kafka.session_timeout_s=1.5", "--set", "kafka.heartbeat_s=0.5",
            "--set", "kafka.patience_s=20",
        ]  # fmt: skip

    def worker(self) -> subprocess.Popen[bytes]:
        """Start one; its log is `worker-N.log`."""
        log = (self.folder / f"worker-{len(self.workers)}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "console", "worker", *self.options], stdout=log, stderr=log, cwd=ROOT,
            env=os.environ | {"NO_COLOR": "1"},
        )  # fmt: skip
        log.close()
        self.workers.append(process)
        return process

    def log(self, number: int) -> str:
        return (self.folder / f"worker-{number}.log").read_text()

    def wait(self, number: int, pattern: str, limit_s: float = 40.0) -> None:
        """Until a worker's log shows `pattern`."""
        deadline = time.monotonic() + limit_s
        while not re.search(pattern, self.log(number)):
            assert time.monotonic() < deadline, self.log(number)
            assert self.workers[number].poll() is None, self.log(number)
            time.sleep(0.05)

    def stop(self) -> None:
        for process in self.workers:
            if process.poll() is None:
                process.terminate()
        for process in self.workers:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def fleet(kafka_url: str, tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(kafka_url, tmp_path)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def usual(busy: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The alerts of the embedded log, one partition."""
    citywall = Citywall(tmp_path_factory.mktemp("usual"))
    citywall.run(busy)
    alerts = citywall.alerts()
    assert alerts
    return alerts


@pytest.mark.parametrize(("partitions", "workers"), [(1, 0), (2, 1), (4, 2)])
def test_partitions_and_workers(
    citywall: Citywall,
    fleet: Fleet,
    busy: Path,
    usual: dict[str, dict[str, Any]],
    partitions: int,
    workers: int,
):
    for _ in range(workers):
        fleet.worker()
    report = citywall.run(busy, *CUT, *fleet.options, "--set", f"partitions={partitions}")
    assert citywall.alerts() == usual
    assert report["alerts"] == len(usual)
    for number in range(workers):
        fleet.wait(number, "run .* is over|waiting for runs")


def test_partitions_on_the_embedded_log(citywall: Citywall, busy: Path, usual: dict[str, dict[str, Any]]):
    citywall.run(busy, *CUT, "--set", "partitions=3")
    assert citywall.alerts() == usual


def test_real_captures(citywall: Citywall, fleet: Fleet, shared_data: Path, tmp_path: Path):
    """A dozen, one session after another, as from the embedded log."""
    folder = shared_data / "captures" / "pcap"
    names = [
        "scan/synscan.pcapng", "scan/test8-malicious.pcap", "bruteforce/malicious-ssh-bruteforce.pcap",
        "bruteforce/bruteforce.pcap", "dos/rsmurf6.pcap", "dos/amp.TCP.reflection.SYNACK.pcap",
        "arp-spoof/arppoison.pcapng", "benign/http_ipv6.pcap", "benign/chrome.pcap", "benign/Teredo.pcap",
        "c2/trickbot.pcap", "covert/icmp-tunnel.pcap",
    ]  # fmt: skip
    paths = [folder / name for name in names]
    plain = Citywall(tmp_path / "plain")
    expected = plain.run(*paths)
    report = citywall.run(*paths, *fleet.options)
    assert citywall.alerts() == plain.alerts() != {}
    same = ("packets", "flows", "events", "findings", "alerts", "decode_errors", "bytes")
    assert [report[k] for k in same] == [expected[k] for k in same]


def test_workers_that_die_and_come(
    citywall: Citywall, fleet: Fleet, busy: Path, usual: dict[str, dict[str, Any]]
):
    """One worker is killed while it works, another comes, a third is asked to go."""
    dice = random.Random(SEED)
    fleet.worker()
    run = citywall.start("run", busy, *CUT, *fleet.options, "--set", "partitions=2", "--json")
    fleet.wait(0, "given out: .*capture")
    time.sleep(dice.uniform(0.2, 1.0))
    fleet.workers[0].kill()
    fleet.worker()
    fleet.worker()
    deadline = time.monotonic() + 40
    while not re.search("given out: .*capture", fleet.log(1)) and run.poll() is None:  # it may end before
        assert time.monotonic() < deadline, fleet.log(1)
        time.sleep(0.05)
    time.sleep(dice.uniform(0.1, 0.5))
    fleet.workers[2].terminate()
    out, err = run.communicate(timeout=90)
    assert run.returncode == 0, err
    assert json.loads(out)["alerts"] == len(usual)
    assert citywall.alerts() == usual
    told = (citywall.data / "logs" / "citywall.log").read_text() + fleet.log(1)
    assert re.search(r"\d+ restored in [\d.]+ s; paused for [\d.]+ s", told)


def test_the_runner_dies_and_goes_on(
    citywall: Citywall, fleet: Fleet, busy: Path, usual: dict[str, dict[str, Any]]
):
    """Killed twice beside a living worker, the run goes on from its checkpoints on the cluster."""
    dice = random.Random(SEED + 1)
    fleet.worker()
    command = ("run", busy, *CUT, *fleet.options, "--set", "partitions=2", "--json")
    for _ in range(2):
        run = citywall.start(*command)
        fleet.wait(0, "given out: .*capture")
        time.sleep(dice.uniform(0.3, 1.5))
        run.kill()
        run.communicate()
    citywall(*command)
    assert citywall.alerts() == usual


def test_an_abandoned_run_leaves_nothing(
    citywall: Citywall, fleet: Fleet, busy: Path, tmp_path: Path, usual: dict[str, dict[str, Any]]
):
    """Cut off and never gone on with, a run's topics go when the next begins; none of it comes up there."""
    run = citywall.start("run", busy, *CUT, *fleet.options, "--json")
    ledger, log = citywall.data / "sessions.json", citywall.data / "logs" / "citywall.log"
    deadline = time.monotonic() + 40
    while not (log.is_file() and "given out" in log.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    run.kill()
    run.communicate()
    abandoned = json.loads(ledger.read_text())["stream"]
    other = tmp_path / "other.pcap"
    packets.write_pcap(other, busy_frames(seed=8, connections=20))
    expected = Citywall(tmp_path / "expected")
    expected.run(other)
    before = set(citywall.alerts())
    citywall.run(other, *fleet.options)
    assert {k: a for k, a in citywall.alerts().items() if k not in before} == expected.alerts()
    told = json.loads(ledger.read_text())
    assert (told["abandoned"], told["stream"]) == ([], "")
    assert f"run {abandoned} is over" in log.read_text()
    citywall.run(busy, *fleet.options)
    assert citywall.alerts() == usual | expected.alerts()


def test_a_sensor_sends_what_nobody_else_can_read(
    citywall: Citywall, fleet: Fleet, busy: Path, usual: dict[str, dict[str, Any]], tmp_path: Path
):
    """Killed once on the way; the alerts are those of the file itself, but for where it lies."""
    to = fleet.options[1].removeprefix("transport=")
    command = [
        sys.executable,
        "-m",
        "console",
        "sensor",
        "--capture",
        str(busy),
        "--name",
        "gate",
        "--to",
        to,
    ]
    command += fleet.options[2:]
    fleet.worker()
    run = citywall.start("run", "sensor:gate", *fleet.options, "--set", "partitions=2", "--json")
    with (tmp_path / "sensor.log").open("wb") as log:
        first = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
        time.sleep(random.Random(SEED + 2).uniform(2.0, 4.0))
        first.kill()
        first.wait()
        second = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
        out, err = run.communicate(timeout=90)
        second.terminate()  # where the first had sent everything, it waits for another run
        second.wait()
    assert run.returncode == 0, err
    assert json.loads(out)["alerts"] == len(usual)
    there = json.dumps(usual).replace(json.dumps(str(busy))[1:-1], "sensor:gate:busy.pcap")
    assert citywall.alerts() == json.loads(there)


def test_no_broker_is_said_clearly(citywall: Citywall, busy: Path):
    done = citywall(
        "run", busy, "--set", "transport=kafka://127.0.0.1:9", "--set", "kafka.patience_s=0.5", code=1
    )
    assert "kafka://127.0.0.1:9: no broker answers" in done.stderr


def test_waiting_for_a_broker_can_be_stopped(citywall: Citywall, busy: Path):
    run = citywall.start(
        "run", busy, "--set", "transport=kafka://127.0.0.1:9", "--set", "kafka.patience_s=600"
    )
    log = citywall.data / "logs" / "citywall.log"
    deadline = time.monotonic() + 40
    while not (log.is_file() and "waiting for it" in log.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=20)
    assert run.returncode == 130


def under_way(citywall: Citywall, run: subprocess.Popen[str]) -> Path:
    """Wait until a run has its partitions, and a little longer; its log."""
    log = citywall.data / "logs" / "citywall.log"
    deadline = time.monotonic() + 40
    while not (log.is_file() and "given out" in log.read_text()):
        assert time.monotonic() < deadline
        assert run.poll() is None
        time.sleep(0.05)
    time.sleep(0.7)
    return log


# A minute and more is as long as a few times what a request is waited for: from then on calls fail.
@pytest.mark.parametrize(("away_s", "answer_s"), [(3.0, 30.0), (8.0, 1.0)])
def test_the_cluster_goes_away(
    citywall: Citywall,
    own_kafka: Any,
    busy: Path,
    usual: dict[str, dict[str, Any]],
    tmp_path: Path,
    away_s: float,
    answer_s: float,
):
    """Killed and started again in the middle of a run, the broker is waited for; nothing is lost."""
    fleet = Fleet(own_kafka.url, tmp_path)
    fleet.options += ["--set", f"kafka.answer_s={answer_s}"]
    fleet.worker()
    run = citywall.start("run", busy, *CUT, *fleet.options, "--json")
    log = under_way(citywall, run)
    own_kafka.kill()
    time.sleep(away_s)
    assert run.poll() is None
    own_kafka.restart()
    out, err = run.communicate(timeout=120)
    assert run.returncode == 0, err
    assert json.loads(out)["alerts"] == len(usual)
    assert citywall.alerts() == usual
    assert fleet.workers[0].poll() is None, fleet.log(0)
    fleet.stop()
    if away_s > answer_s:
        # The worker may have joined too late to be in the middle of a call, or wait in one as the run ends;
        # who was taken for dead meanwhile begins anew.
        for said, times in ((log.read_text(), {(1, 1)}), (fleet.log(0), {(0, 0), (1, 1), (1, 0)})):
            counts = said.count("the cluster is away ("), said.count("the cluster is back after")
            assert counts in times or (counts == (1, 0) and "starting anew from the checkpoints" in said), (
                said
            )


def test_a_run_whose_cluster_is_away_can_be_stopped(
    citywall: Citywall, own_kafka: Any, busy: Path, usual: dict[str, dict[str, Any]], tmp_path: Path
):
    """It ends before long, says what was left, and goes on when the cluster is back."""
    fleet = Fleet(own_kafka.url, tmp_path)
    command = ("run", busy, *CUT, *fleet.options, "--set", "kafka.patience_s=6", "--json")
    run = citywall.start(*command)
    log = under_way(citywall, run)
    own_kafka.kill()
    time.sleep(1.0)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 130, err
    assert "the last dead letters could not be read" in log.read_text()
    own_kafka.restart()
    citywall(*command)
    assert citywall.alerts() == usual
