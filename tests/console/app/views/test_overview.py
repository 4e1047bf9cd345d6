from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from alerts.store import open_store
from stream import health
from stream.health import Health, SensorHealth, StageHealth, StoreHealth


def test_counts_trend_newest_and_the_run(drive: Any, house: Path, real_alerts: Any):
    status = Health(
        "finished", "", 7, time.time_ns(), 1, "local://", 1, 1, "x", {"packets": 90_000}, 0, 0,
        StoreHealth("sqlite://"), [StageHealth("detect", 0, 4, 2, 0.5, {"flows": 6}, 1.0)],
        [SensorHealth("sensor:a:eth0", 7000, 3, 0.4, False)],
    )  # fmt: skip
    health.write(house, status)
    store = open_store("sqlite://", house)

    async def story(it: Any) -> None:
        await it.until("Alerts  12", "network attack", "24 hours of event time to 2024-05-01 12:01", "90,000",
                       "sensor:a:eth0: 7,000 packets, 3", "ended")  # fmt: skip
        assert "█" in it.text()
        store.upsert(real_alerts(1, first=50))
        await it.until("Alerts  13")
        newest = real_alerts(1, first=50)[0]["event"]["id"]
        await it.reached(lambda: it.app.view.copied() == newest)
        (told,) = it.app.view.export_lines()()
        assert told["total"] == 13

    drive(story)
    store.close()
