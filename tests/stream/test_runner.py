"""The Faust application end to end, with stand-in stages."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest

from citywall.errors import DataFolderBusy, DataFolderError, SettingsError, StoreError, StreamError
from stream import eventloop, runner
from stream.data_folder import DataFolder
from stream.local import folder
from stream.runner import run_paths

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).parent / "standins.py"


def kept(data: Path) -> list[tuple[str, int, int]]:
    base = sqlite3.connect(data / "kept.db")
    rows = base.execute("select session, n, sum from kept order by 1, 2, 3").fetchall()
    base.close()
    return rows


def test_captures_go_through_in_order(tmp_path: Path, standins):
    one = standins.capture(tmp_path / "one.pcap", 2000, seed=1)
    two = standins.capture(tmp_path / "two.pcap", 700, seed=2)
    seen = []
    report = run_paths(
        [one, two], tmp_path / "data", standins.settings(), seen.append, assemble=standins.assembler()
    )
    assert [s.packets for s in report.sessions] == [2000, 700]
    assert report.packets == 2700
    ids = [s.id for s in report.sessions]
    assert kept(tmp_path / "data") == sorted(standins.expected(ids[0], 2000) + standins.expected(ids[1], 700))
    assert report.seconds["total"] > 0
    assert report.peak_memory_bytes > 1 << 20
    assert not report.resumed
    assert seen[-1].packets == 2700
    assert seen[-1].session == seen[-1].sessions == 2
    assert seen[-1].bytes_total == one.stat().st_size + two.stat().st_size
    left = sorted(p.name for p in (tmp_path / "data").iterdir())
    assert left == ["LOCK", "kept.db", "sessions.json", "status.json"]


def test_a_run_again_gives_the_same_ids(tmp_path: Path, standins):
    path = standins.capture(tmp_path / "one.pcap", 100)
    first = run_paths([path], tmp_path / "data", standins.settings(), assemble=standins.assembler())
    rows = kept(tmp_path / "data")
    received = DataFolder(tmp_path / "data")
    stamped = dict(received.ledger.received)
    received.close()
    second = run_paths([path], tmp_path / "data", standins.settings(), assemble=standins.assembler())
    assert [s.id for s in first.sessions] == [s.id for s in second.sessions] == list(stamped)
    assert kept(tmp_path / "data") == rows
    again = DataFolder(tmp_path / "data")
    assert again.ledger.received == stamped
    again.close()


def test_bad_paths_are_refused_and_the_others_go_on(tmp_path: Path, standins):
    (tmp_path / "text").write_text("hello\n")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    good = standins.capture(tmp_path / "good.pcap", 10)
    names = ["missing", "text", "empty", "folder", "good.pcap"]
    report = run_paths(
        [tmp_path / n for n in names], tmp_path / "data", standins.settings(), assemble=standins.assembler()
    )
    refused = [s.refused for s in report.sessions]
    assert refused[-1] is None
    for name, why in zip(names[:-1], refused[:-1], strict=True):
        assert why is not None
        assert str(tmp_path / name) in why
    assert report.packets == 10
    assert report.sessions[-1].path == str(good)


def test_the_same_content_twice_is_one_session(tmp_path: Path, standins):
    one = standins.capture(tmp_path / "one.pcap", 50)
    two = standins.capture(tmp_path / "two.pcap", 50)
    report = run_paths([one, two], tmp_path / "data", standins.settings(), assemble=standins.assembler())
    assert report.packets == 50
    assert [s.same_as for s in report.sessions] == [None, str(one)]
    assert report.sessions[1].packets == 50


def test_a_bad_message_is_set_aside_and_counted(tmp_path: Path, standins):
    path = standins.capture(tmp_path / "one.pcap", 500)
    with path.open("ab") as f:
        f.write(b"\0" * 7)  # a record header cut short: the block that says so is refused by the stand-in
    report = run_paths([path], tmp_path / "data", standins.settings(), assemble=standins.assembler())
    assert report.sessions[0].errors == {"message_set_aside": 1}
    assert report.decode_errors == {"message_set_aside": 1}
    assert 0 < report.packets <= 500


@pytest.mark.parametrize("error", [StoreError("the store is gone"), DataFolderError("no space left")])
def test_a_store_that_fails_stops_the_run_and_the_next_goes_on(tmp_path: Path, standins, error):
    path = standins.capture(tmp_path / "one.pcap", 3000)

    def failing(settings, data, now):
        assembly = standins.assembler()(settings, data, now)
        keep = assembly.roles[-1].make(0)
        receive, count = keep.receive, [0]

        def refuse(message):
            count[0] += 1
            if count[0] > 5:
                raise error
            return receive(message)

        keep.receive = refuse
        return assembly

    with pytest.raises(type(error), match=str(error)):
        run_paths([path], tmp_path / "data", standins.settings(), assemble=failing)
    report = run_paths([path], tmp_path / "data", standins.settings(), assemble=standins.assembler())
    assert report.resumed
    assert kept(tmp_path / "data") == standins.expected(report.sessions[0].id, 3000)


def test_an_unknown_fault_stops_the_run_too(tmp_path: Path, standins):
    path = standins.capture(tmp_path / "one.pcap", 100)

    def failing(settings, data, now):
        assembly = standins.assembler()(settings, data, now)
        sums = assembly.roles[1].make(0)
        sums.flush = lambda: 1 / 0
        assembly.roles[1] = standins.role(sums)
        return assembly

    with pytest.raises(ZeroDivisionError):
        run_paths([path], tmp_path / "data", standins.settings(), assemble=failing)


def test_a_held_folder_is_busy(tmp_path: Path, standins):
    path = standins.capture(tmp_path / "one.pcap", 10)
    held = DataFolder(tmp_path / "data")
    with pytest.raises(DataFolderBusy, match=f"pid {os.getpid()}"):
        run_paths([path], tmp_path / "data", standins.settings(), assemble=standins.assembler())
    held.close()


def test_a_damaged_checkpoint_is_named(tmp_path: Path, standins):
    path = standins.capture(tmp_path / "one.pcap", 4000)
    process = start(tmp_path / "data", 0.005, path)
    wait_for(tmp_path / "data" / "checkpoints" / "sums-0.checkpoint")
    process.kill()
    process.communicate()
    file = tmp_path / "data" / "checkpoints" / "sums-0.checkpoint"
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(StreamError, match=str(file)):
        run_paths([path], tmp_path / "data", standins.settings(), assemble=standins.assembler())


def start(data: Path, delay: float, *paths: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(data), str(delay), *map(str, paths)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def wait_for(path: Path, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.01)


def wait_for_some_kept(data: Path, seconds: float = 60) -> None:
    """Until what was fed has come out at the end."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(sqlite3.OperationalError):  # no file yet, or no table
            base = sqlite3.connect(f"file:{data / 'kept.db'}?mode=ro", uri=True)
            with contextlib.closing(base):
                if base.execute("select count(*) from kept").fetchone()[0]:
                    return
        assert time.monotonic() < deadline, "nothing was ever kept"
        time.sleep(0.01)


def test_killed_at_any_moment_the_result_is_the_same(tmp_path: Path, standins):
    one = standins.capture(tmp_path / "one.pcap", 9000, seed=1)
    two = standins.capture(tmp_path / "two.pcap", 3000, seed=2)
    data = tmp_path / "data"
    chance = random.Random(1)
    resumed = 0
    for _ in range(5):
        process = start(data, 0.004, one, two)
        wait_for(data / "log" / "topics")
        time.sleep(chance.uniform(0.2, 0.9))
        process.kill()
        out, err = process.communicate()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, err
        resumed += 1
    done = start(data, 0, one, two)
    out, err = done.communicate()
    assert done.returncode == 0, err
    report = json.loads(out)
    assert resumed >= 2
    assert [s["packets"] for s in report["sessions"]] == [9000, 3000]
    ids = [s["id"] for s in report["sessions"]]
    assert kept(data) == sorted(standins.expected(ids[0], 9000) + standins.expected(ids[1], 3000))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 1), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_stops(tmp_path: Path, standins, number, code):
    path = standins.capture(tmp_path / "one.pcap", 20_000)
    data = tmp_path / "data"
    process = start(data, 0.02, path)
    wait_for_some_kept(data)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode in {code, -number}, err
    names = {p.name for p in (data / "checkpoints").glob("*.checkpoint")}
    assert "numbers-0.checkpoint" in names
    report = run_paths([path], data, standins.settings(), assemble=standins.assembler())
    assert report.resumed
    assert kept(data) == standins.expected(report.sessions[0].id, 20_000)


def test_another_run_abandons_what_was_cut_off(tmp_path: Path, standins):
    one = standins.capture(tmp_path / "one.pcap", 9000, seed=1)
    two = standins.capture(tmp_path / "two.pcap", 10, seed=2)
    data = tmp_path / "data"
    process = start(data, 0.02, one)
    wait_for(data / "log" / "topics")
    process.kill()
    process.communicate()
    report = run_paths([two], data, standins.settings(), assemble=standins.assembler())
    assert not report.resumed
    assert report.packets == 10
    assert [r for r in kept(data) if r[0] == report.sessions[0].id] == standins.expected(
        report.sessions[0].id, 10
    )


def test_a_slow_disk_does_not_hold_up_the_end(tmp_path: Path, standins, monkeypatch):
    """A stage may still be saving when the last session is over."""
    sync = folder._sync_all

    def slow(fds: list[int]) -> None:
        time.sleep(0.3)
        sync(fds)

    monkeypatch.setattr(folder, "_sync_all", slow)
    path = standins.capture(tmp_path / "one.pcap", 1000)
    for _ in range(3):
        began = time.monotonic()
        run_paths([path], tmp_path / "data", standins.settings(), assemble=standins.assembler())
        assert time.monotonic() - began < eventloop._PATIENCE


def test_a_full_budget_stops_the_run_when_nothing_more_can_go(tmp_path: Path, standins, monkeypatch):
    monkeypatch.setattr(runner, "_BUDGET_EVERY", 0.0)
    path = standins.capture(tmp_path / "one.pcap", 20_000)
    asked: list[int] = []

    def assemble(settings, data, now):
        assembly = standins.assembler(0.01)(settings, data, now)
        assembly.shrink = asked.append
        return assembly

    plain = standins.settings()
    small = msgspec.structs.replace(
        plain, storage=msgspec.structs.replace(plain.storage, disk_budget_gib=1e-6)
    )
    with pytest.raises(DataFolderError, match=r"over its budget of 1e-06 GiB \(storage\.disk_budget_gib\)"):
        run_paths([path], tmp_path / "data", small, assemble=assemble)
    assert asked
    assert asked[0] > 0
    report = run_paths([path], tmp_path / "data", plain, assemble=standins.assembler())
    assert report.resumed
    assert kept(tmp_path / "data") == standins.expected(report.sessions[0].id, 20_000)


def test_it_runs_in_any_thread(tmp_path: Path, standins):
    path = standins.capture(tmp_path / "one.pcap", 10)
    found = []

    def run() -> None:
        found.append(run_paths([path], tmp_path / "d", standins.settings(), assemble=standins.assembler()))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found[0].packets == 10


def test_a_sensor_needs_a_shared_transport(tmp_path: Path, standins):
    with pytest.raises(SettingsError, match="transport: sensor gate needs kafka://HOST:PORT"):
        run_paths(
            [Path("sensor:gate")], tmp_path / "data", standins.settings(), assemble=standins.assembler()
        )
