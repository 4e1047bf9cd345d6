from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from console.app.views.status import sections
from console.display.sheet import layout, plain
from stream import health
from stream.health import Fault, Health, SensorHealth, StageHealth, StoreHealth


def status(**more: Any) -> Health:
    usual: dict[str, Any] = {
        "state": "running", "reason": "", "pid": 7, "at": time.time_ns(), "began": 1, "transport": "local://",
        "session": 1, "sessions": 2, "path": "one.pcap", "totals": {"packets": 90_000}, "dead_letters": 3,
        "peak_memory_bytes": 1 << 20, "store": StoreHealth("http://es:9200", 4, 2.5, "connection refused"),
        "stages": [StageHealth("detect", 0, 40_000, 2, 0.5, {"flows": 6, "events": 1}, 12.4)],
        "sensors": [SensorHealth("sensor:a:x", 7000, 3, 0.4, False)], "faults": [Fault("dropped", "a", 3)],
    }  # fmt: skip
    return Health(**(usual | more))


@pytest.mark.parametrize(("language", "said"), [
    ("en", ("running (pid 7)", "input 1 of 2: one.pcap", "90,000", "connection refused", "dead letters: 3",
            "FAULT: 3 packets", "40,000        7    12 s ago", "7,000 packets, 3 dropped")),
    ("zh", ("正在运行", "报文", "故障：", "12 秒前", "检测")),
])  # fmt: skip
def test_what_the_command_tells(language: str, said: tuple[str, ...]):
    shown = "\n".join(plain(layout(sections(status(), False, language), 100)))
    for words in said:
        assert words in shown, words


def test_states():
    def first(found: Health | None, cut_off: bool = False) -> str:
        return " ".join(plain(layout(sections(found, cut_off, "en"), 100))[:2])

    assert "nothing was run here yet" in first(None)
    assert "cut off (pid 7 is gone)" in first(status(), cut_off=True)
    assert "failed: no space" in first(status(state="failed", reason="no space"))
    assert "no news for 20 s" in first(status(at=time.time_ns() - 20 * 10**9))


def test_in_the_application(drive: Any, house: Path):
    health.write(house, status(state="finished", reason=""))

    async def story(it: Any) -> None:
        await it.until("finished", "40,000")
        assert it.app.view.document()["cut_off"] is False
        health.write(house, status(state="failed", reason="disk full"))
        await it.until("failed: disk full")

    drive(story, begin=("status", ""))
