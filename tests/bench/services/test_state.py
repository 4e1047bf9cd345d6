import json
import subprocess

import pytest

from bench.errors import BenchError
from bench.services import state


@pytest.fixture
def sleeper():
    process = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def write(folder, process, **changes):
    entry = {
        "name": "kafka",
        "url": "kafka://a:1",
        "pid": process.pid,
        "started": state.start_time(process.pid),
    }
    (folder / state.NAME).write_text(json.dumps([entry | changes]))


def test_what_runs_is_stopped_and_forgotten(tmp_path, sleeper):
    write(tmp_path, sleeper)
    assert [entry.url for entry in state.running(tmp_path)] == ["kafka://a:1"]
    assert state.stop_all(tmp_path) == ["kafka"]
    assert sleeper.wait(5) == -15
    assert state.running(tmp_path) == []
    assert state.stop_all(tmp_path) == []


def test_another_process_with_the_same_number_is_left_alone(tmp_path, sleeper):
    write(tmp_path, sleeper, started=1)
    assert state.stop_all(tmp_path) == []
    assert sleeper.poll() is None


def test_a_dead_process_has_no_start_time(sleeper):
    sleeper.kill()
    sleeper.wait()
    assert state.start_time(sleeper.pid) is None


@pytest.mark.parametrize("text", ["{", '[{"pid": 1}]', "[7]"])
def test_a_damaged_file_is_named(tmp_path, text):
    (tmp_path / state.NAME).write_text(text)
    with pytest.raises(BenchError, match=r"running\.json is damaged"):
        state.running(tmp_path)
