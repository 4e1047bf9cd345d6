"""A folder watched for new files, as a source of a run: `watch:FOLDER`, until a signal or in its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from citywall.errors import InputError
from stream.folders import Look, Settling, look

#: What the path of a source begins with that is a watched folder; the folder follows.
WATCH = "watch:"
#: Seconds between two looks, and that a file must have stood still.
LOOK_S = 1.0


def watched_of(path: Path) -> Path | None:
    """The folder that a path has watched, None where it is another source."""
    text = str(path)
    return Path(text.removeprefix(WATCH)) if text.startswith(WATCH) and text != WATCH else None


class Watching:
    """Gives the files of a folder in the order of their names, those of a look together, each once.

    `stop` asks it to end. A file is given when it has stood still for as long as two looks are apart; one
    that changes afterwards is not given again, and one that is empty is not given. Folders in it are left
    alone, and names that begin with a dot or say that they are not finished.
    """

    def __init__(self, folder: Path, seconds: float = 0.0, look_s: float = LOOK_S) -> None:
        self._folder, self._seconds, self._look_s = folder, seconds, look_s
        self._settling = Settling(look_s)
        self._stop = asyncio.Event()

    def stop(self) -> bool:
        """Ask to end; False where that was asked before."""
        first = not self._stop.is_set()
        self._stop.set()
        return first

    async def files(self) -> AsyncIterator[Path]:
        """New files until stopped. Raises InputError where the folder cannot be read at first."""
        given: set[Path] = set()
        there = self._look()
        timer = None
        if self._seconds:
            timer = asyncio.get_running_loop().call_later(self._seconds, self._stop.set)
        try:
            while not self._stop.is_set():
                given &= {each.path for each in there}  # one that went and comes again is another
                whole = self._settling.whole(each for each in there if each.path not in given)
                for path in sorted(each.path for each in whole if each.size):
                    given.add(path)
                    yield path
                    if self._stop.is_set():
                        return
                await self._pause()
                there = self._look(known=there)
        finally:
            if timer is not None:
                timer.cancel()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._look_s):
                await self._stop.wait()
        except TimeoutError:
            pass

    def _look(self, known: list[Look] | None = None) -> list[Look]:
        """The files there are; `known` where the folder is away for a moment."""
        try:
            return look(self._folder)
        except OSError as e:
            if known is not None:
                return known
            raise InputError(str(self._folder), e.strerror or str(e)) from e
