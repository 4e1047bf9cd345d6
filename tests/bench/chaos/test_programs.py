"""A command of ours as a process that can be killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from bench.chaos.programs import ROOT, Program
from bench.errors import ServiceFailed
from bench.services.service import group_alive


def ended(program: Program) -> int:
    deadline = time.monotonic() + 60
    while program.code is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return program.code


def test_what_it_said_since_it_was_last_started(tmp_path):
    program = Program(tmp_path / "owner", ["--version"])
    assert program.code is None
    for _ in range(2):
        program.start()
        assert ended(program) == 0
        assert not program.running
        assert program.said().count("citywall") == 1
        assert program.told() is None
    assert program.log.read_text().count("citywall") == 2
    program.kill()
    assert program.code is None


def test_an_end_is_waited_for(tmp_path):
    program = Program(tmp_path / "owner", ["--version"])
    with pytest.raises(ServiceFailed, match="not running"):
        program.finish(1)
    program.start()
    program.finish(60)
    program.kill()
    program = Program(tmp_path / "bad", ["run"])
    program.start()
    with pytest.raises(ServiceFailed, match="ended with 2:"):
        program.finish(60)
    program.kill()
    program = Program(tmp_path / "long", ["worker", "--set", "transport=kafka://127.0.0.1:9"])
    program.start()
    with pytest.raises(ServiceFailed, match="has not ended after 0 s"):
        program.finish(0.1)
    program.kill()


def test_it_is_killed_and_started_again(tmp_path):
    program = Program(tmp_path / "worker", ["worker", "--set", "transport=kafka://127.0.0.1:9"])
    program.start()
    first = program.pid
    program.kill()
    assert not group_alive(first)
    assert program.code is None
    program.start()
    assert program.running
    assert program.pid != first
    program.kill()


def test_it_ends_with_the_process_that_started_it(tmp_path):
    code = (
        "import pathlib, sys, time; from bench.chaos.programs import Program\n"
        "p = Program(pathlib.Path(sys.argv[1]), ['worker', '--set', 'transport=kafka://127.0.0.1:9'])\n"
        "p.start(); print(p.pid, flush=True); time.sleep(600)"
    )
    harness = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "worker")], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert harness.stdout is not None
    group = int(harness.stdout.readline())
    assert group_alive(group)
    os.kill(harness.pid, signal.SIGKILL)
    harness.communicate()
    deadline = time.monotonic() + 20
    while group_alive(group):
        assert time.monotonic() < deadline
        time.sleep(0.05)
