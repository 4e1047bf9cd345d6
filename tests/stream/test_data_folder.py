from __future__ import annotations

import threading
from pathlib import Path

import pytest

from citywall.errors import DataFolderBusy, DataFolderError
from stream.codecs import Tally
from stream.data_folder import DataFolder

DAY = 86_400 * 1_000_000_000


def test_a_run_goes_on_until_it_is_over(tmp_path: Path):
    folder = DataFolder(tmp_path / "data")
    assert not folder.begin("run", 4096)
    first = folder.ledger.id
    folder.log.mkdir()
    folder.close()
    folder = DataFolder(tmp_path / "data")
    assert folder.begin("run", 8192)
    assert folder.ledger.id == first
    assert folder.ledger.block_bytes == 4096  # as it began
    assert folder.log.is_dir()
    folder.forget()
    assert not folder.log.exists()
    assert not folder.begin("run", 8192)
    assert folder.ledger.id not in {"", first}
    assert folder.ledger.block_bytes == 8192
    folder.close()


def test_another_run_takes_the_place_of_one_cut_off(tmp_path: Path):
    folder = DataFolder(tmp_path)
    folder.begin("one", 1)
    folder.tell("s", "index", Tally(alerts=1), frozenset({"index"}))
    for name in (folder.log, folder.checkpoints):
        name.mkdir()
    assert not folder.begin("two", 1)
    assert folder.ledger.finished == folder.ledger.told == {}
    assert not folder.log.exists()
    assert not folder.checkpoints.exists()
    folder.close()


def test_a_session_keeps_the_moment_it_was_first_received(tmp_path: Path):
    folder = DataFolder(tmp_path)
    assert folder.stamp("s", 5 * DAY) == 5 * DAY
    folder.close()
    folder = DataFolder(tmp_path)
    assert folder.stamp("s", 9 * DAY) == 5 * DAY
    folder.retain(3, now=9 * DAY)
    assert "s" in folder.ledger.received
    folder.retain(2, now=9 * DAY)
    assert folder.stamp("s", 9 * DAY) == 9 * DAY
    folder.close()


def test_a_session_is_finished_when_every_sink_is_also_over_a_crash(tmp_path: Path):
    sinks = frozenset({"index", "archive"})
    folder = DataFolder(tmp_path)
    folder.begin("run", 1)
    folder.tell("s", "index", Tally(packets=3, alerts=2, errors={"e": 1}), sinks)
    assert "s" not in folder.ledger.finished
    folder.close()
    folder = DataFolder(tmp_path)
    assert folder.begin("run", 1)
    folder.tell("s", "archive", Tally(errors={"e": 2}), sinks)
    assert folder.ledger.finished == {"s": Tally(packets=3, alerts=2, errors={"e": 3})}
    folder.tell("s", "archive", Tally(errors={"e": 2}), sinks)  # said again after a crash
    assert folder.ledger.finished["s"].errors == {"e": 3}
    folder.close()


def test_one_process_at_a_time(tmp_path: Path):
    folder = DataFolder(tmp_path)
    with pytest.raises(DataFolderBusy):
        DataFolder(tmp_path)
    folder.close()


def test_a_damaged_ledger_is_named_and_the_folder_is_free_again(tmp_path: Path):
    (tmp_path / "sessions.json").write_text("{]")
    for _ in range(2):
        with pytest.raises(DataFolderError, match=r"sessions\.json: damaged .* remove it"):
            DataFolder(tmp_path)


def test_used_bytes_counts_what_is_on_disk(tmp_path: Path):
    folder = DataFolder(tmp_path)
    before = folder.used_bytes()
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "file").write_bytes(bytes(100_000))
    assert 100_000 <= folder.used_bytes() - before <= 120_000
    folder.close()


def test_what_a_shared_transport_carried_is_remembered_until_it_is_gone(tmp_path: Path):
    folder = DataFolder(tmp_path)
    folder.begin("one", 1, shared=True)
    first = folder.ledger.stream
    assert first == folder.ledger.id
    folder.retired(first)
    assert folder.ledger.stream == ""
    assert folder.begin("one", 1, shared=True)
    assert folder.ledger.stream == first  # made anew under its old name
    folder.begin("two", 1, shared=True)
    second = folder.ledger.stream
    assert folder.ledger.abandoned == [first]
    folder.begin("three", 1)
    assert (folder.ledger.stream, folder.ledger.abandoned) == ("", [first, second])
    folder.close()
    folder = DataFolder(tmp_path)
    folder.retired(first)
    assert folder.ledger.abandoned == [second]
    folder.retired(second)
    folder.begin("four", 1, shared=True)
    folder.retired(folder.ledger.stream)
    assert (folder.ledger.stream, folder.ledger.abandoned) == ("", [])
    folder.close()


def test_threads_may_share_it(tmp_path):
    """The service stamps sessions of files and interfaces at the same time."""
    folder = DataFolder(tmp_path)
    folder.begin("run", 4096)
    failures = []

    def stamp(who):
        try:
            for n in range(60):
                folder.stamp(f"{who}-{n}", n)
        except Exception as e:  # noqa: BLE001 (told below)
            failures.append(e)

    threads = [threading.Thread(target=stamp, args=(who,)) for who in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    folder.close()
    assert failures == []
    again = DataFolder(tmp_path)
    assert len(again.ledger.received) == 240
    again.close()
