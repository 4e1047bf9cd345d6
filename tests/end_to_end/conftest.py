"""The whole program as a user runs it: the command, a capture, a data folder."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from drills import packets
from drills.packets import ACK, FIN, PSH, RST, SYN
from stream.letters import LetterBox

ROOT = Path(__file__).resolve().parent.parent.parent
SECOND = 1_000_000_000
START = 1_767_225_600 * SECOND


class Citywall:
    """Runs the command with one data folder."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.started: list[subprocess.Popen[str]] = []

    def command(self, *arguments: str | Path) -> list[str]:
        return [sys.executable, "-m", "console", *map(str, arguments), "--data", str(self.data)]

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            self.command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
            env=os.environ | {"NO_COLOR": "1"},
        )  # fmt: skip
        self.started.append(process)
        return process

    def close(self) -> None:
        """End what a test that failed has left running: it would wait for its servers for ever."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def __call__(self, *arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=300)
        assert process.returncode == code, (
            f"exit {process.returncode}, not {code}\n{self.set_aside()}\n{out}\n{err}"
        )
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def set_aside(self) -> str:
        """Why messages were set aside, if any were."""
        return "\n".join(
            f"{x.stage}/{x.partition} {x.path}: {x.reason}" for x in LetterBox(self.data).letters()
        )

    def run(self, *arguments: str | Path, code: int = 0) -> dict[str, Any]:
        """`citywall run … --json`, decoded."""
        report = json.loads(self("run", *arguments, "--json", code=code).stdout)
        assert isinstance(report, dict)
        return report

    def alerts(self) -> dict[str, dict[str, Any]]:
        """Every alert by id, without the one field that is of the wall clock."""
        documents = {}
        for line in self("alerts", "--json", "--limit", "100000").stdout.splitlines():
            document = json.loads(line)
            document["event"].pop("ingested")
            assert document["event"]["id"] not in documents
            documents[document["event"]["id"]] = document
        return documents


@pytest.fixture
def citywall(tmp_path: Path) -> Iterator[Citywall]:
    found = Citywall(tmp_path / "data")
    yield found
    found.close()


def session(
    at: int, client: str, server: str, sport: int, dport: int, sizes: Sequence[int], **tags: Any
) -> Iterator[packets.Frame]:
    """One TCP connection: handshake, one exchange for each of `sizes`, close."""
    step = 20_000_000
    there, back = (client, server, sport, dport), (server, client, dport, sport)
    yield at, packets.tcp_frame(*there, SYN, **tags)
    yield at + step // 4, packets.tcp_frame(*back, SYN | ACK, **tags)
    yield at + step // 2, packets.tcp_frame(*there, ACK, **tags)
    for size in sizes:
        at += step
        yield at, packets.tcp_frame(*there, PSH | ACK, payload=b"q" * 40, **tags)
        yield at + step // 2, packets.tcp_frame(*back, PSH | ACK, payload=b"a" * size, **tags)
    at += step
    yield at, packets.tcp_frame(*there, FIN | ACK, **tags)
    yield at + step // 4, packets.tcp_frame(*back, FIN | ACK, **tags)


def syn_scan(at: int, source: str, targets: Sequence[str], port: int, **tags: Any) -> Iterator[packets.Frame]:
    """A horizontal scan: every fourth target refuses, the others are silent."""
    for i, target in enumerate(targets):
        yield at + i * 50_000_000, packets.tcp_frame(source, target, 40_000 + i, port, SYN, **tags)
        if i % 4 == 0:
            refusal = packets.tcp_frame(target, source, port, 40_000 + i, RST | ACK, **tags)
            yield at + i * 50_000_000 + 1_000_000, refusal


def busy_frames(seed: int = 7, connections: int = 400) -> list[packets.Frame]:
    """Ninety seconds of ordinary traffic with a scan over IPv4 and IPv6, guessing, and a flood."""
    dice = random.Random(seed)
    frames: list[packets.Frame] = []
    for i in range(connections):
        client = f"10.1.{i % 7}.{dice.randrange(2, 200)}"
        server = f"10.9.0.{dice.randrange(2, 12)}"
        sizes = [dice.randrange(100, 1400) for _ in range(dice.randrange(1, 30))]
        at = START + dice.randrange(85 * SECOND)
        frames += session(at, client, server, 20_000 + i, dice.choice((80, 443, 25)), sizes)
    frames += syn_scan(START + 10 * SECOND, "10.1.0.66", [f"10.9.1.{i}" for i in range(2, 90)], 445)
    frames += syn_scan(START + 20 * SECOND, "2001:db8::66", [f"2001:db8:1::{i:x}" for i in range(2, 90)], 22)
    for i in range(40):
        frames += session(
            START + 30 * SECOND + i * SECOND, "10.1.3.77", "10.9.0.5", 50_000 + i, 22, [60, 400, 300, 80]
        )
    for i in range(3000):
        spoofed = f"198.51.{i % 100}.{dice.randrange(1, 250)}"
        frame = packets.tcp_frame(spoofed, "10.9.0.8", 1024 + i, 443, SYN)
        frames.append((START + 60 * SECOND + i * 2_000_000, frame))
    frames.sort(key=lambda frame: frame[0])
    return frames


@pytest.fixture(scope="session")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture of `busy_frames`."""
    path = tmp_path_factory.mktemp("captures") / "busy.pcap"
    packets.write_pcap(path, busy_frames())
    return path
