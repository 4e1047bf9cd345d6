from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec
import pytest

from citywall.errors import InputError, StreamError
from stream import healing
from stream.data_folder import DataFolder
from stream.letters import LetterBox
from stream.runner import run_paths


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
    assert (again.healed, again.again) == ([], [letter.id])

    healed = healing.replay([letter], data, settings, run=run_with(faulty(0)))
    assert (healed.healed, healed.again) == ([letter.id], [])
    assert LetterBox(data).letters() == []
    assert wanted <= set(kept(data))


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
