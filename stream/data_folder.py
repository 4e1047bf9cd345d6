"""The data folder: one process's at a time, everything Citywall keeps.

::

    LOCK             who holds the folder
    sessions.json    when each session was first received; the run under way and what is done of it
    status.json      how the run fares, or fared
    dead-letters.sqlite  messages that could not be used
    log/             the embedded log, if the transport is local://
    checkpoints/     the state of each stage
    alerts/          the embedded alert store
    flows/           the archive of closed flows
    events/          the archive of what applications said
"""

from __future__ import annotations

import os
import shutil
import threading
import uuid
from pathlib import Path

import msgspec

from citywall.errors import DataFolderError
from stream.codecs import Tally
from stream.local.folder import replace_file
from stream.local.lock import FolderLock

_DAY = 86_400 * 1_000_000_000


class Ledger(msgspec.Struct, forbid_unknown_fields=True):
    """`sessions.json`. `received`: ns by session id, kept so that running an input again replaces it."""

    version: int = 1
    received: dict[str, int] = {}
    run: str = ""  # names the inputs and settings of the run under way; empty when none is
    id: str = ""  # names the run begun last: another one for every begin, kept when it goes on
    stream: str = ""  # names the run under way where a shared transport carries it
    abandoned: list[str] = []  # earlier ones that were not ended: their topics can go
    block_bytes: int = 0  # blocks of the run under way: a resumed one must cut alike
    told: dict[str, dict[str, Tally]] = {}  # of the run under way: session, sink that is done with it
    finished: dict[str, Tally] = {}  # sessions of the run under way that every sink is done with


class DataFolder:
    """An open data folder. Raises DataFolderBusy where another process holds it. Threads may share it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log = root / "log"
        self.checkpoints = root / "checkpoints"
        self._file = root / "sessions.json"
        self._lock = FolderLock(root)
        self._changing = threading.RLock()
        try:
            self.ledger = self._read()
        except BaseException:
            self._lock.release()
            raise

    def _read(self) -> Ledger:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Ledger)
        except FileNotFoundError:
            return Ledger()
        except OSError as e:
            raise DataFolderError(f"{self._file}: cannot be read: {e.strerror or e}") from e
        except msgspec.DecodeError as e:
            raise DataFolderError(f"{self._file}: damaged ({e}); remove it to start afresh") from e

    def _write(self) -> None:
        replace_file(self._file, msgspec.json.encode(self.ledger))

    def begin(self, run: str, block_bytes: int, *, shared: bool = False) -> bool:
        """Begin a run, or go on with it where it was cut off; returns whether it goes on.

        One on a `shared` transport is known there by its id.
        """
        if self.ledger.run == run and self.checkpoints.parent.is_dir():
            if shared and not self.ledger.stream:  # killed when what carried it was gone already
                self.ledger.stream = self.ledger.id
                self._write()
            return True
        self.forget()
        if self.ledger.stream:
            self.ledger.abandoned.append(self.ledger.stream)
        self.ledger.id = uuid.uuid4().hex[:12]
        self.ledger.stream = self.ledger.id if shared else ""
        self.ledger.run = run
        self.ledger.block_bytes = block_bytes
        self.ledger.told = {}
        self.ledger.finished = {}
        self._write()
        return False

    def forget(self) -> None:
        """Drop the log and the checkpoints: the run they belong to is over or abandoned."""
        if self.ledger.run:
            self.ledger.run = ""
            self._write()
        for folder in (self.checkpoints, self.log):
            try:
                shutil.rmtree(folder)
            except FileNotFoundError:
                continue
            except OSError as e:
                raise DataFolderError(f"{folder}: cannot be removed: {e.strerror or e}") from e

    def retired(self, stream: str) -> None:
        """What carried a run on a shared transport is gone."""
        with self._changing:
            self.ledger.abandoned = [name for name in self.ledger.abandoned if name != stream]
            if self.ledger.stream == stream:
                self.ledger.stream = ""
            self._write()

    def stamp(self, session: str, now: int) -> int:
        """When the session was first received (ns); now, and kept, for one that is new."""
        with self._changing:
            if session not in self.ledger.received:
                self.ledger.received[session] = now
                self._write()
            return self.ledger.received[session]

    def tell(self, session: str, sink: str, tally: Tally, sinks: frozenset[str]) -> None:
        """A sink is done with a session; when all `sinks` are, the session is finished."""
        with self._changing:
            told = self.ledger.told.setdefault(session, {})
            told[sink] = tally
            if told.keys() >= sinks:
                whole = Tally()
                for part in told.values():
                    whole.add(part)
                self.ledger.finished[session] = whole
            self._write()

    def let_go(self, session: str) -> None:
        """Forget a finished session of a run that goes on: who fed it keeps that it is done."""
        with self._changing:
            self.ledger.told.pop(session, None)
            if self.ledger.finished.pop(session, None) is not None:
                self._write()

    def retain(self, days: int, now: int) -> None:
        """Forget when sessions came whose alerts are no longer kept."""
        oldest = now - (days + 1) * _DAY
        with self._changing:
            self.ledger.received = {s: t for s, t in self.ledger.received.items() if t >= oldest}

    def used_bytes(self) -> int:
        """Bytes that the folder's files take on disk."""
        total = 0
        for folder, _, files in os.walk(self.root):
            for name in files:
                try:
                    total += os.stat(os.path.join(folder, name)).st_blocks * 512  # noqa: PTH116, PTH118 (ten times faster)
                except FileNotFoundError:  # a segment or a part that went meanwhile
                    continue
        return total

    def close(self) -> None:
        """Let go of the folder; may be called again."""
        self._lock.release()
