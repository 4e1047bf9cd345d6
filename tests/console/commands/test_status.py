from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from stream import health
from stream.health import Fault, Health, SensorHealth, StageHealth, StoreHealth
from stream.local.lock import FolderLock


def put(data: Path, **more: Any) -> None:
    usual: dict[str, Any] = {
        "state": "running", "reason": "", "pid": 7, "at": time.time_ns(), "began": 1, "transport": "local://",
        "session": 1, "sessions": 2, "path": "one.pcap", "totals": {"packets": 90_000}, "dead_letters": 3,
        "peak_memory_bytes": 1 << 20, "store": StoreHealth("http://es:9200", 4, 2.5, "connection refused"),
        "stages": [StageHealth("detect", 0, 40_000, 2, 0.5, {"flows": 6, "events": 1}, 12.4)],
    }  # fmt: skip
    health.write(data, Health(**(usual | more)))


def test_a_run_that_goes_on(invoke: Any, tmp_path: Path):
    lock = FolderLock(tmp_path)
    put(tmp_path)
    done = invoke("status", "--data", str(tmp_path))
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "running (pid 7)"
    assert "  input 1 of 2: one.pcap" in lines
    assert "  so far: packets 90,000" in lines
    assert "  store http://es:9200: waited for: connection refused (waited 2.5 s, 4 times)" in lines
    assert "  dead letters: 3 (`citywall dead-letters list`)" in lines
    assert lines[-1].split() == ["detect/0", "40,000", "7", "12", "s", "ago", "0.5", "s"]
    assert "正在运行" in invoke("status", "--data", str(tmp_path), "--lang", "zh").stdout
    put(tmp_path, at=time.time_ns() - 20_000_000_000)
    assert "no news for 20 s" in invoke("status", "--data", str(tmp_path)).stdout
    lock.release()


def test_a_run_that_is_gone(invoke: Any, tmp_path: Path):
    put(tmp_path)
    done = invoke("status", "--data", str(tmp_path), "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["cut_off"], told["stages"][0]["lag"]) == (1, True, {"flows": 6, "events": 1})
    assert "cut off (pid 7 is gone)" in invoke("status", "--data", str(tmp_path)).stdout
    put(tmp_path, state="failed", reason="no space left")
    done = invoke("status", "--data", str(tmp_path))
    assert (done.exit_code, done.stdout.splitlines()[0]) == (1, "failed: no space left")
    put(tmp_path, state="finished")
    assert invoke("status", "--data", str(tmp_path)).exit_code == 0


def test_nothing_was_run(invoke: Any, tmp_path: Path):
    done = invoke("status", "--data", str(tmp_path))
    assert (done.exit_code, "nothing was run" in done.stderr) == (1, True)


def test_sensors_and_what_is_wrong_with_them(invoke: Any, tmp_path: Path):
    sensors = [SensorHealth("sensor:a:x", 7000, 3, 0.4, False), SensorHealth("sensor:b:x", 8, 0, 9.0, True)]
    faults = [Fault("dropped", "sensor:a:x", 3), Fault("silent", "sensor:a:x", 12)]
    put(tmp_path, state="finished", sensors=sensors, faults=faults)
    lines = invoke("status", "--data", str(tmp_path)).stdout.splitlines()
    assert "  sensor:a:x: 7,000 packets, 3 dropped, 0 s behind" in lines
    assert "  sensor:b:x: 8 packets, 0 dropped, ended" in lines
    assert "  FAULT: 3 packets dropped by the kernel of sensor:a:x" in lines
    assert "  FAULT: nothing heard from sensor:a:x for 12 s" in lines
    assert "故障" in invoke("status", "--data", str(tmp_path), "--lang", "zh").stdout
    told = json.loads(invoke("status", "--data", str(tmp_path), "--json").stdout)
    assert told["faults"][0] == {"kind": "dropped", "sensor": "sensor:a:x", "n": 3}
