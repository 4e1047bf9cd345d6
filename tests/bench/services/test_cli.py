import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.services import cli, state

ROOT = Path(__file__).resolve().parents[3]


def shell(*arguments):
    return [sys.executable, "-m", "bench.services", *arguments]


def test_bad_use_is_2():
    with pytest.raises(SystemExit, match="2"):
        cli.main(["dance"])


def test_nothing_runs(tmp_path, capsys):
    assert cli.main(["status", "--folder", str(tmp_path)]) == 1
    assert cli.main(["stop", "--folder", str(tmp_path)]) == 0
    assert capsys.readouterr() == ("", "nothing runs\n")


def test_start_status_stop(tmp_path, kafka_url):
    options = ["--folder", str(tmp_path), "--only", "kafka"]
    started = subprocess.run(shell("start", *options), capture_output=True, text=True, cwd=ROOT, check=True)
    try:
        assert started.stdout.startswith("export CITYWALL_KAFKA_URL=kafka://127.0.0.1:")
        assert "healthy after" in started.stderr
        status = subprocess.run(
            shell("status", *options), capture_output=True, text=True, cwd=ROOT, check=True
        )
        assert status.stdout == started.stdout
        again = subprocess.run(
            shell("start", *options), capture_output=True, text=True, cwd=ROOT, check=False
        )
        assert (again.returncode, again.stdout) == (1, "")
        assert "run already" in again.stderr
    finally:
        stopped = subprocess.run(
            shell("stop", *options), capture_output=True, text=True, cwd=ROOT, check=True
        )
    assert stopped.stderr == "stopped kafka\n"
    assert state.running(tmp_path) == []


@pytest.fixture
def heeding() -> Iterator[None]:
    """Background jobs of a shell are started deaf to interrupts, and so are theirs."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeding")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_stops_what_runs(tmp_path, kafka_url, number):
    command = shell("run", "--folder", str(tmp_path), "--only", "kafka")
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        try:
            assert process.stdout.readline().startswith("export CITYWALL_KAFKA_URL=")
            assert state.running(tmp_path)
            time.sleep(0.2)
            process.send_signal(number)
            _, told = process.communicate(timeout=60)
        finally:
            process.terminate()  # one that was not interrupted would be waited for without end
    assert process.returncode == (130 if number == signal.SIGINT else 143), told
    assert state.running(tmp_path) == []
