from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from citywall.errors import DataFolderError
from stream import health
from stream.board import Sensor, Status
from stream.health import Fault, Health, StageHealth, StoreHealth
from stream.local.lock import FolderLock


def some(**more) -> Health:
    usual = {
        "state": "running", "reason": "", "pid": 7, "at": time.time_ns(), "began": 1, "transport": "local://",
        "session": 1, "sessions": 2, "path": "one.pcap", "totals": {"packets": 9}, "dead_letters": 0,
        "peak_memory_bytes": 1 << 20, "store": StoreHealth("sqlite://"), "stages": [],
    }  # fmt: skip
    return Health(**(usual | more))


def test_written_and_read(tmp_path: Path):
    assert health.read(tmp_path) is None
    for totals in ({"packets": 1}, {"packets": 2}):
        health.write(tmp_path, some(totals=totals))
    assert health.read(tmp_path) == some(at=health.read(tmp_path).at, totals={"packets": 2})
    assert [p.name for p in tmp_path.iterdir()] == [health.FILE]
    assert 0 <= health.age_s(health.read(tmp_path)) < 60
    (tmp_path / health.FILE).write_text("{")
    with pytest.raises(DataFolderError, match="damaged"):
        health.read(tmp_path)
    with pytest.raises(DataFolderError, match="cannot be written"):
        health.write(tmp_path / "missing", some())


def test_lag_and_age_of_checkpoints():
    statuses = [
        Status("detect", 0, 5, {}, 2, 0.5, {}, {"flows": 7, "events": 9}, 90.0),
        Status("capture", 1, 5, {}, 2, 0.5, {}, {"capture": 3}, 0.0),
    ]
    ends = {("flows", 0): 10, ("events", 0): 9, ("capture", 0): 99, ("capture", 1): 2}
    capture, detect = health.stages_of(statuses, ends, 100.0)
    assert (capture.stage, capture.lag, capture.checkpoint_age_s) == ("capture", {"capture": 0}, None)
    assert (detect.lag, detect.checkpoint_age_s) == ({"flows": 3, "events": 0}, 10.0)


def test_whether_the_folder_is_held(tmp_path: Path):
    assert not health.held(tmp_path)
    lock = FolderLock(tmp_path)
    script = "import sys, pathlib, stream.health as h; print(h.held(pathlib.Path(sys.argv[1])))"
    ask = [sys.executable, "-c", script, str(tmp_path)]
    assert subprocess.run(ask, capture_output=True, text=True, check=True).stdout == "True\n"
    lock.release()
    assert not health.held(tmp_path)


def test_faults_of_sensors():
    now = 1000.0
    sensors = health.sensors_of(
        [
            Sensor("sensor:a:x", "s", 5, 2, int(999.5e9)),
            Sensor("sensor:b:x", "s", 5, 0, int(960e9)),
            Sensor("sensor:c:x", "s", 5, 0, int(960e9), ended=True),
            Sensor("sensor:d:x", "s"),
        ],
        now,
    )
    assert [(s.behind_s, s.ended) for s in sensors] == [(0.5, False), (40, False), (40, True), (0, False)]
    busy = StageHealth("capture", 0, 1, 1, 0.1, {"capture": 3}, None)
    idle = StageHealth("capture", 0, 1, 1, 0.1, {"capture": 0}, None)
    dropped = Fault("dropped", "sensor:a:x", 2)
    assert health.faults_of(sensors, [busy]) == [dropped]  # what waits is behind, not silent
    assert health.faults_of(sensors, [idle]) == [dropped, Fault("silent", "sensor:b:x", 40)]
