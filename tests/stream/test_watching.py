"""Files of a watched folder: each once, when whole, in order."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from citywall.errors import InputError
from stream.watching import Watching, watched_of


def test_names():
    assert watched_of(Path("watch:some/folder")) == Path("some/folder")
    assert watched_of(Path("watch")) is None


async def _watch(folder: Path) -> list[str]:
    watching, got = Watching(folder, look_s=0.02), []
    growing = folder / "c.pcap"

    async def change() -> None:
        for n in range(10):
            growing.write_bytes(bytes(n + 1))
            await asyncio.sleep(0.01)
        (folder / "b.pcap").write_bytes(b"late")
        (folder / "d.part").write_bytes(b"unfinished")

    changing = asyncio.ensure_future(change())
    async for path in watching.files():
        got.append(path.name)
        if path == growing:
            assert len(path.read_bytes()) == 10
        if len(got) == 3:
            assert watching.stop()
            assert not watching.stop()
    await changing
    return got


def test_each_file_comes_once_when_it_is_whole(tmp_path):
    (tmp_path / "a.pcap").write_bytes(b"there")
    (tmp_path / ".hidden").write_bytes(b"no")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    assert sorted(asyncio.run(_watch(tmp_path))) == ["a.pcap", "b.pcap", "c.pcap"]


def test_it_ends_after_its_time_and_a_folder_must_be_there(tmp_path):
    async def none(folder: Path) -> list[Path]:
        return [path async for path in Watching(folder, seconds=0.05, look_s=0.02).files()]

    assert asyncio.run(none(tmp_path)) == []
    with pytest.raises(InputError):
        asyncio.run(none(tmp_path / "absent"))
