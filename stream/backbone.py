"""What carries the stream: the embedded log, or a Kafka cluster, behind one face."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

from stream import codecs
from stream.board import Board, Status
from stream.checkpoints import FolderKeeper, Keeper, stands_for
from stream.codecs import Tally
from stream.data_folder import DataFolder
from stream.handover import Handover
from stream.local.folder import LogFolder, commit_before
from stream.passing import Passing
from stream.stages import DEAD_LETTERS, DeadLetter

#: Dead letters read at a time.
_LETTERS, _LETTER_BYTES = 64, 4 << 20

Finished = Callable[[str, str, Tally], Awaitable[None]]


class Backbone(Protocol):
    """One run's log and checkpoints. `shared`: other processes may take part in the run."""

    shared: bool

    @property
    def keeper(self) -> Keeper:
        """Where checkpoints are kept."""
        ...

    def full(self, topic: str) -> str:
        """The name of a topic on the transport."""
        ...

    async def open(self, topics: dict[str, int]) -> None:
        """Have every topic, with its partitions, before anything starts. Raises StreamError."""
        ...

    def app(self, loop: asyncio.AbstractEventLoop) -> Any:
        """The application on it."""
        ...

    def handover(self) -> Handover | Passing:
        """What desks of this process hand over without the disk, for those of one application."""
        ...

    def write(self) -> None:
        """Hand over what arrived to where it is safe from a kill of this process."""
        ...

    async def listen(
        self, note: Callable[[Status], None], finished: Finished, sensed: Callable[[str, str], None]
    ) -> None:
        """Hear what other processes tell of the run, as long as it goes on."""
        ...

    async def tell(self, board: Board, moved: asyncio.Event) -> None:
        """Tell the other processes of our stations when they `moved`, as long as the run goes on."""
        ...

    async def watch(self, waiting: Callable[[], dict[tuple[str, int], int]]) -> None:
        """See that what waits is taken. `waiting`: next offsets of partitions that nobody works just now.

        Raises Interrupted where the engine must be started anew.
        """
        ...

    async def ends(self) -> dict[tuple[str, int], int]:
        """The offset that the next message of every topic and partition gets, as far as it is known."""
        ...

    async def letters(self) -> list[DeadLetter]:
        """Some dead letters of the run that were not given before, in order; none where none are left."""
        ...

    async def close(self) -> None:
        """Let go."""
        ...

    async def retire(self) -> None:
        """The run is over: what carried it can go."""
        ...


class LocalBackbone:
    """The embedded log in the data folder: this process's own."""

    shared = False

    def __init__(self, folder: DataFolder) -> None:
        self._keeper = FolderKeeper(folder.checkpoints)
        self._root: Path = folder.log
        self._topics: dict[str, int] = {}
        self._log: LogFolder | None = None
        self._letters = 0

    @property
    def keeper(self) -> Keeper:
        """Files in the data folder."""
        return self._keeper

    def full(self, topic: str) -> str:
        """Topics are called what they are."""
        return topic

    async def open(self, topics: dict[str, int]) -> None:
        """The log makes them when it is opened."""
        self._topics = topics

    def app(self, loop: asyncio.AbstractEventLoop) -> Any:
        """The application over the log; opens it. Raises DataFolderError, StreamError.

        A process that was killed between a checkpoint and its commit is helped to commit first: numbers of
        what was never written are given anew, and no stage may take a new record for one that it knows.
        """
        from stream.app import GROUP, local_url, log_of, make_app

        commit_before(self._root, GROUP, stands_for(self._keeper.folder))
        app = make_app(local_url(self._root), loop)
        self._log = log_of(app)
        for name, partitions in self._topics.items():
            self._log.create(name, partitions)
        return app

    def handover(self) -> Handover:
        """Everything runs here: bulk need not be written."""
        from stream.app import GROUP

        assert self._log is not None
        return Handover(self._log, GROUP)

    def write(self) -> None:
        """To the operating system."""
        assert self._log is not None
        self._log.write()

    async def listen(
        self, note: Callable[[Status], None], finished: Finished, sensed: Callable[[str, str], None]
    ) -> None:
        """There is nobody else."""

    async def tell(self, board: Board, moved: asyncio.Event) -> None:
        """There is nobody else."""

    async def watch(self, waiting: Callable[[], dict[tuple[str, int], int]]) -> None:
        """What is handed over in one process does not get stuck."""

    async def ends(self) -> dict[tuple[str, int], int]:
        """Where the logs end."""
        assert self._log is not None
        return {place: log.end for place, log in self._log.logs.items()}

    async def letters(self) -> list[DeadLetter]:
        """Read on in the log."""
        assert self._log is not None
        log = self._log.logs[DEAD_LETTERS, 0]
        found = log.read(self._letters, _LETTERS, _LETTER_BYTES)
        self._letters += len(found)
        return [codecs.unpack(record.value or b"", DeadLetter) for record in found]

    async def retire(self) -> None:
        """The data folder forgets its log."""

    async def close(self) -> None:
        """Close the log."""
        if self._log is not None:
            self._log.close()
