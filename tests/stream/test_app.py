from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from stream.app import Worker, local_url, log_of, make_app, topics_of
from stream.stages import Role


def test_topics_have_the_partitions_of_who_takes_from_them():
    def never(_: int):
        raise AssertionError("nothing is made to name topics")

    roles = [
        Role("a", ("raw",), ("left", "right"), never, partitions=4),
        Role("b", ("left", "right"), ("end",), never),
    ]
    assert topics_of(roles) == {"dead-letters": 1, "end": 1, "left": 1, "raw": 4, "right": 1}


def test_faust_says_nothing_and_leaves_logging_and_folders_alone(
    tmp_path: Path, capfd, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    handlers = list(logging.getLogger().handlers)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    app = make_app(local_url(tmp_path / "log"), loop)

    async def whole() -> None:
        worker = Worker(app, loop)
        await worker.start()
        await asyncio.sleep(0.05)
        await worker.stop()

    loop.run_until_complete(whole())
    asyncio.set_event_loop(None)
    loop.close()
    log_of(app).close()
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger().handlers == handlers
    assert list((tmp_path / "here").iterdir()) == []
