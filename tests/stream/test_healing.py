from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from citywall.errors import InputError, StreamError
from stream import feeder, healing
from stream.data_folder import DataFolder
from stream.letters import LetterBox
from stream.runner import run_paths

ROOT = Path(__file__).resolve().parents[2]
REPLAY = """
import sys
from pathlib import Path
import standins
from stream import healing
from stream.letters import LetterBox
from stream.runner import run_paths

data = Path(sys.argv[1])
run = lambda *given: run_paths(*given, assemble=standins.assembler(0.05))
healing.replay(LetterBox(data).letters(), data, standins.settings(), run=run)
"""


@pytest.fixture
def faulty(standins):
    """An assembler whose first stage fails at its second block as often as told."""
    left = [0]
    plain = standins.assembler()

    def assemble(settings, data, now):
        assembly = plain(settings, data, now)
        (numbers, *_) = assembly.roles
        made = numbers.make

        def make(partition):
            stage = made(partition)
            receive, seen = stage.receive, [0]

            def failing(message):
                seen[0] += message.header.count
                if message.header.count and seen[0] == 2 and left[0]:
                    left[0] -= 1
                    raise ValueError("injected")
                return receive(message)

            stage.receive = failing
            return stage

        assembly.roles[0] = msgspec.structs.replace(numbers, make=make)
        return assembly

    def fail(times: int):
        left[0] = times
        return assemble

    return fail


def kept(data: Path) -> list[tuple[str, int, int]]:
    base = sqlite3.connect(data / "kept.db")
    rows = base.execute("select session, n, sum from kept").fetchall()
    base.close()
    return rows


def run_with(assemble):
    return lambda paths, data, settings, observe: run_paths(paths, data, settings, observe, assemble=assemble)


def test_a_session_run_again_heals_its_letters(tmp_path: Path, standins, faulty):
    data, path = tmp_path / "data", standins.capture(tmp_path / "one.pcap", 30_000)
    settings = standins.settings()
    report = run_paths([path], data, settings, assemble=faulty(1))
    assert report.sessions[0].errors == {"message_set_aside": 1}
    session = report.sessions[0].id
    wanted = set(standins.expected(session, 30_000))
    assert not wanted <= set(kept(data))
    (letter,) = LetterBox(data).letters()
    assert (letter.session, letter.path, letter.stage) == (session, str(path), "numbers")
    assert "injected" in letter.reason

    again = healing.replay([letter], data, settings, run=run_with(faulty(1)))
    (newer,) = LetterBox(data).letters()
    assert (newer.session, newer.seq, newer.stage) == (session, letter.seq, "numbers")
    assert newer.id != letter.id
    assert newer.run != letter.run
    assert (again.healed, again.again) == ([letter.id], [newer.id])

    healed = healing.replay([newer], data, settings, run=run_with(faulty(0)))
    assert (healed.healed, healed.again) == ([newer.id], [])
    assert LetterBox(data).letters() == []
    assert wanted <= set(kept(data))


def test_a_plain_run_over_the_same_input_heals_too(tmp_path: Path, standins, faulty):
    data, path = tmp_path / "data", standins.capture(tmp_path / "one.pcap", 30_000)
    other = standins.capture(tmp_path / "other.pcap", 10, seed=2)
    run_paths([path], data, standins.settings(), assemble=faulty(1))
    run_paths([other], data, standins.settings(), assemble=faulty(0))
    (letter,) = LetterBox(data).letters()
    run_paths([other, path], data, standins.settings(), assemble=faulty(0))
    assert LetterBox(data).letters() == []
    (healed,) = LetterBox(data).letters(healed=True)
    assert (healed.id, healed.run) == (letter.id, letter.run)
    assert healed.healed is not None


def test_a_killed_replay_heals_nothing_and_goes_on(tmp_path: Path, standins, faulty):
    data, path = tmp_path / "data", standins.capture(tmp_path / "one.pcap", 30_000)
    run_paths([path], data, standins.settings(), assemble=faulty(1))
    letters = LetterBox(data).letters()
    process = subprocess.Popen(
        [sys.executable, "-c", REPLAY, str(data)],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'stream'}"},
    )
    deadline = time.monotonic() + 60
    while not list((data / "checkpoints").glob("sums-*")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert LetterBox(data).letters() == letters
    healed = healing.replay(letters, data, standins.settings(), run=run_with(faulty(0)))
    assert healed.report.resumed
    assert (healed.healed, healed.again) == ([letters[0].id], [])
    assert set(standins.expected(letters[0].session, 30_000)) <= set(kept(data))


def test_a_session_that_was_not_read_to_its_end_heals_nothing(tmp_path: Path, standins, faulty, monkeypatch):
    data, path = tmp_path / "data", standins.capture(tmp_path / "one.pcap", 30_000)
    run_paths([path], data, standins.settings(), assemble=faulty(1))
    letters = LetterBox(data).letters()

    def broken(*_):
        raise InputError(str(path), "input/output error")

    monkeypatch.setattr(feeder, "_some", broken)
    report = run_paths([path], data, standins.settings(), assemble=faulty(0))
    assert report.sessions[0].errors == {feeder.UNREADABLE: 1}
    assert LetterBox(data).letters() == letters


def test_what_cannot_be_run_again_is_said_before_anything_runs(tmp_path: Path, standins, faulty):
    data, path = tmp_path / "data", standins.capture(tmp_path / "one.pcap", 30_000)
    run_paths([path], data, standins.settings(), assemble=faulty(1))
    letters = LetterBox(data).letters()

    def never(*_):
        raise AssertionError

    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(StreamError, match="has changed"):
        healing.replay(letters, data, standins.settings(), run=never)
    path.unlink()
    with pytest.raises(StreamError, match="cannot be run again"):
        healing.replay(letters, data, standins.settings(), run=never)
    standins.capture(path, 30_000)
    folder = DataFolder(data)
    folder.begin("another", 1 << 20)
    folder.close()
    with pytest.raises(StreamError, match="finish it first"):
        healing.replay(letters, data, standins.settings(), run=never)
    sensed = [msgspec.structs.replace(letters[0], path="sensor:gate")]
    with pytest.raises(StreamError, match=r"from sensor gate: run `citywall run sensor:gate` .* send"):
        healing.replay(sensed, data, standins.settings(), run=never)
    with pytest.raises(StreamError, match="not known from which file"):
        healing.replay([msgspec.structs.replace(letters[0], path="")], data, standins.settings(), run=never)
    assert LetterBox(data).letters() == letters


def test_a_replay_that_fails_leaves_the_letters_open(tmp_path: Path, standins, faulty):
    data, path = tmp_path / "data", standins.capture(tmp_path / "one.pcap", 30_000)
    run_paths([path], data, standins.settings(), assemble=faulty(1))
    letters = LetterBox(data).letters()

    def failing(*_):
        raise InputError(str(path), "gone")

    with pytest.raises(InputError):
        healing.replay(letters, data, standins.settings(), run=failing)
    assert LetterBox(data).letters() == letters
