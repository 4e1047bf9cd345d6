"""The service as people meet it: alerts from a wire and a folder, commands through its socket, kills."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from citywall.settings import load
from console import signin
from console.service import protocol
from drills import packets
from ingest.capture import open_capture
from trust import chain
from trust.accountfile import AccountFile
from trust.accounts import Accounts
from trust.audit import AuditLog
from trust.passwords import Passwords

from .conftest import ROOT, SECOND, START, Citywall, session, syn_scan

PASSWORD = "a long enough one 7"


def wait(done: Callable[[], Any], why: Callable[[], str] = str) -> Any:
    deadline = time.monotonic() + 90
    while not (found := done()):
        assert time.monotonic() < deadline, why()
        time.sleep(0.1)
    return found


class Up:
    """A data folder with accounts, and its service."""

    def __init__(self, folder: Path) -> None:
        self.citywall = Citywall(folder / "data")
        self.data = self.citywall.data
        self.watch = folder / "in"
        self.watch.mkdir()
        self.process: subprocess.Popen[str] | None = None
        self.log = folder / "up.log"
        settings, hashing = load(None, {}), Passwords(memory_kib=64, passes=1, lanes=1)
        with AuditLog(self.data / chain.FOLDER) as log:
            accounts = Accounts(AccountFile(self.data), log, settings.accounts, hashing=hashing)
            accounts.init(signin.local(), "root1", PASSWORD)
            root = accounts.login("root1", PASSWORD, "test")
            for name, roles in {"ann": ["analyst"], "wang": ["approver"], "zhao": ["approver"]}.items():
                _, first = accounts.add(root, name, roles)
                accounts.passwd(name, first, PASSWORD, "test")

    def start(self, *more: str, inside: tuple[str, ...] = ()) -> None:
        command = [*inside, *self.citywall.command("up", "--watch", self.watch), *more]
        with self.log.open("a") as err:
            self.process = subprocess.Popen(command, stderr=err, stdout=err, text=True, cwd=ROOT)
        wait(self.answers, self.told)

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.told()
        connection = protocol.connect(self.data) if self.data.is_dir() else None
        if connection is not None:
            connection.close()
        return connection is not None

    def told(self) -> str:
        log = self.data / "logs" / "citywall.log"
        status = self.data / "status.json"
        return (
            (status.read_text() if status.exists() else "")
            + self.log.read_text()
            + (log.read_text()[-5000:] if log.exists() else "")
        )

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(60)
        self.process = None
        return code

    def act(self, *arguments: str, code: int = 0) -> Any:
        """A command of somebody with a password, and what it says as JSON."""
        done = self.acting(*arguments)
        out, err = done.communicate(PASSWORD + "\n", timeout=120)
        assert done.returncode == code, f"{out}\n{err}\n{self.told()}"
        return json.loads(out) if code == 0 else err

    def acting(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.citywall.command(*arguments, "--json"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip

    def shown(self, run: str) -> Any:
        """A run as it is."""
        return json.loads(self.citywall("playbooks", "status", run, "--json").stdout)

    def put(self, name: str, frames: list[packets.Frame]) -> Path:
        """A file into the watched folder, whole at once."""
        path = self.watch.parent / name
        packets.write_pcap(path, frames)
        return path.rename(self.watch / name)

    def status(self) -> dict[str, Any]:
        try:
            found = json.loads((self.data / "status.json").read_bytes())
        except FileNotFoundError:
            return {}
        assert isinstance(found, dict)
        assert self.process is None or self.process.poll() is None, self.told()
        return found

    def files(self) -> dict[str, int]:
        found = (self.status().get("service") or {}).get("files", {})
        assert isinstance(found, dict)
        return found


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    made = Up(tmp_path)
    yield made
    if made.process is not None:
        made.process.kill()
        made.process.wait()


def screens_of(data: Path) -> Any:
    """Saves screens where `STORY` names a folder."""
    place = ROOT / "tests" / "screens.py"
    spec = importlib.util.spec_from_file_location("citywall_test_screens", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Screens(data, os.environ.get("STORY", ""))


def scan(number: int) -> list[packets.Frame]:
    """A scan by a host of its own, and ordinary traffic around it."""
    frames: list[packets.Frame] = []
    for i in range(40):
        frames += session(
            START + i * SECOND // 4, f"10.1.{number}.{i + 2}", "10.9.0.3", 20_000 + i, 443, [300]
        )
    targets = [f"10.9.{number}.{i}" for i in range(2, 90)]
    frames += syn_scan(START + SECOND, f"10.66.0.{number + 1}", targets, 445)
    return sorted(frames, key=lambda frame: frame[0])


def test_from_the_wire_to_a_block_that_one_of_two_approvers_allows(up: Up, wire: Any, tmp_path: Path):
    """The service runs in the far namespace: what it blocks, it blocks there."""
    capture = tmp_path / "scan.pcap"
    packets.write_pcap(capture, scan(0))
    up.start(
        "--interface", wire.far, "--set", 'service.triggers={contain-scan="rule.id:scan"}',
        inside=("ip", "netns", "exec", wire.space),
    )  # fmt: skip
    wait(lambda: any(s["packets"] >= 0 and not s["ended"] for s in up.status().get("sensors", ())), up.told)
    subprocess.run(
        [
            sys.executable,
            "-S",
            str(ROOT / "bench" / "live" / "wire.py"),
            wire.interface,
            str(capture),
            "1",
            "paced",
        ],
        check=True,
    )
    [alert] = wait(up.citywall.alerts, up.told).values()
    assert alert["source"]["ip"] == "10.66.0.1"
    assert alert["citywall"]["evidence"][0]["path"] == f"interface:{wire.far}"
    name = alert["event"]["id"]
    screens = screens_of(up.data)
    screens.shoot("alert", "10.66.0.1", "alerts")
    screens.shoot("status", f"interface:{wire.far}", "status")

    # What the service begins by itself is a dry run, once an alert.
    def runs() -> list[dict[str, Any]]:
        found = up.citywall("playbooks", "status", "--json").stdout.splitlines()
        return [json.loads(line) for line in found]

    [begun] = wait(runs, up.told)
    assert (begun["alert"], begun["live"], begun["requester"]) == (name, False, "citywall")

    # Commands go through the socket.
    assert up.act("alerts", "work", name, "--as", "ann", "--status", "in_progress")["workflow"]["owner"] == ""
    run = up.act("playbooks", "run", "contain-scan", "--alert", name, "--live", "--as", "ann")
    up.act("playbooks", "answer", run["id"], "done", "--out", "verdict=malicious", "--as", "ann")
    [kept] = [a for a in up.shown(run["id"])["actions"] if a["action"] == "evidence"]
    with open_capture(Path(kept["outputs"]["evidence"]) / "packets-1.pcap") as sliced:
        assert sum(ref.packets for ref in sliced.blocks(1 << 20)) > 5  # those the alert knew of by then
    [waits] = [a for a in up.shown(run["id"])["actions"] if a["state"] == "approval"]
    screens.shoot("approvals", "ann", "approvals")
    err = up.act("playbooks", "approve", run["id"], "--seen", waits["digest"], "--as", "ann", code=1)
    assert "refused" in err

    both = [up.acting("playbooks", "approve", run["id"], "--seen", waits["digest"], "--as", who)
            for who in ("wang", "zhao")]  # fmt: skip
    said = [process.communicate(PASSWORD + "\n", timeout=120) for process in both]
    assert sorted(process.returncode for process in both) == [0, 1], said
    [loser] = [err for process, (_, err) in zip(both, said, strict=True) if process.returncode]
    assert "approved_already" in loser
    [block] = [a for a in up.shown(run["id"])["actions"] if a["key"] == waits["key"]]
    assert (block["state"], [a["by"] for a in block["approvals"]]) in [
        ("done", ["wang"]), ("done", ["zhao"]),
    ]  # fmt: skip
    assert blocked(wire) in {None, True}

    # The case is closed, the block is taken back, the day is reported.
    [case] = [json.loads(line) for line in up.citywall("cases", "list", "--json").stdout.splitlines()]
    screens.shoot("case", "10.66", "cases")
    for status in ("triage", "handling", "resolved"):
        up.act("cases", "move", case["id"], status, "--text", status, "--as", "ann")
    closed = up.act("cases", "close", case["id"], "--outcome", "handled", "--text", "blocked", "--as", "ann")
    assert closed["status"] == "closed"
    up.act("playbooks", "rollback", run["id"], "--reason", "it is over", "--as", "ann")
    assert blocked(wire) in {None, False}
    screens.shoot("runs", "ann", "runs")
    if os.environ.get("STORY"):
        report(up, tmp_path)

    assert up.end() == 0
    sensors = up.status()["sensors"]
    assert [s["ended"] for s in sensors] == [True]
    up.citywall("audit", "verify")


def blocked(wire: Any) -> bool | None:
    """Whether the far namespace blocks the scanner; None where nobody can tell."""
    if shutil.which("nft") is None:
        return None
    table = subprocess.run(
        ["ip", "netns", "exec", wire.space, "nft", "list", "table", "inet", "citywall"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return "10.66.0.1" in table.stdout


def report(up: Up, folder: Path) -> None:
    """Today's report, in both languages; its figures are those of an independent recount."""
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date().isoformat()
    told = json.loads(up.citywall("report", "nightly", "--date", today, "--json").stdout)
    alerts = up.citywall.alerts()
    by_class = told["figures"]["alerts_by_class"]["rows"]
    assert sum(row["alerts"] for row in by_class) == len(alerts)
    saved = Path(os.environ["STORY"]) / "report"
    shutil.copytree(told["folder"], saved, dirs_exist_ok=True)


def test_killed_at_random_it_loses_and_doubles_nothing(up: Up, tmp_path: Path):
    rules = ("--set", 'service.triggers={contain-scan="rule.id:scan"}', "--set", "service.settle_s=0")
    dice = random.Random(11)
    up.start(*rules)
    for i in range(3):
        up.put(f"{i}.pcap", scan(i))
        time.sleep(dice.uniform(0.2, 2.5))
        up.end(signal.SIGKILL)
        up.start(*rules)
    up.put("again.pcap", scan(1))
    (up.watch / "none.txt").write_text("no capture\n")
    wait(lambda: up.files() == {"done": 3, "refused": 1, "same": 1}, lambda: f"{up.files()}\n{up.told()}")
    wait(lambda: len(up.citywall("playbooks", "status", "--json").stdout.splitlines()) == 3, up.told)
    assert up.end() == 0
    plain = Citywall(tmp_path / "plain")
    paths = [up.watch / f"{i}.pcap" for i in range(3)]
    plain.run(*paths)
    assert up.citywall.alerts() == plain.alerts()
    assert len(up.citywall.alerts()) == 3
    up.citywall("audit", "verify")
