"""What a run tells while it goes on and when it ends, seen from outside."""

from __future__ import annotations

import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import msgspec
import pytest

from citywall.errors import StoreError
from stream import health
from stream.board import Board
from stream.reporting import Rates
from stream.runner import run_paths


def test_health_while_a_run_goes_on_and_at_its_end(tmp_path: Path, standins):
    data, path = tmp_path / "data", standins.capture(tmp_path / "one.pcap", 3000)
    settings = msgspec.structs.replace(standins.settings(), metrics="127.0.0.1:39477")
    states, served = set(), []

    def observe(_progress):
        found = health.read(data)
        if found is not None:
            states.add(found.state)
            with urllib.request.urlopen("http://127.0.0.1:39477/metrics", timeout=10) as answer:
                served.append(answer.read().decode())

    run_paths([path], data, settings, observe, assemble=standins.assembler(delay=0.02))
    assert "running" in states
    assert any("citywall_packets_total" in text for text in served)
    found = health.read(data)
    assert found is not None
    assert (found.state, found.totals["packets"], found.sessions) == ("finished", 3000, 1)
    assert [s.stage for s in found.stages] == ["keep", "numbers", "sums"]
    assert not health.held(data)


def test_the_board_is_read_only_by_the_loop_that_changes_it(tmp_path: Path, standins, monkeypatch):
    path = standins.capture(tmp_path / "one.pcap", 3000)
    threads, statuses = [], Board.statuses

    def watched(board: Board):
        threads.append(threading.get_ident())
        return statuses(board)

    monkeypatch.setattr(Board, "statuses", watched)
    run_paths([path], tmp_path / "data", standins.settings(), assemble=standins.assembler(delay=0.02))
    assert len(threads) > 1
    assert set(threads) == {threading.get_ident()}


def test_a_failed_run_says_why(tmp_path: Path, standins):
    data, path = tmp_path / "data", standins.capture(tmp_path / "one.pcap", 3000)
    plain = standins.assembler()

    def assemble(settings, folder, now):
        assembly = plain(settings, folder, now)

        def broken(_partition):
            raise StoreError("the store is on fire")

        assembly.roles[-1] = msgspec.structs.replace(assembly.roles[-1], make=broken)
        return assembly

    with pytest.raises(StoreError):
        run_paths([path], data, standins.settings(), assemble=assemble)
    found = health.read(data)
    assert found is not None
    assert (found.state, found.reason) == ("failed", "the store is on fire")


def test_rates_are_of_the_last_second():
    rates = Rates()
    assert rates.of({"capture": 5}, 10.0) == {}
    assert rates.of({"capture": 50}, 10.5) == {}
    assert rates.of({"capture": 105}, 12.0) == {"capture": 50.0}


def test_peak_memory_is_not_that_of_who_started_the_process():
    big = bytearray(300 << 20)
    big[::4096] = b"\1" * len(big[::4096])
    code = "from stream.reporting import peak_memory; print(peak_memory())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert 0 < int(found.stdout) < len(big)
