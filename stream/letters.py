"""Dead letters: messages that a stage could not use, kept in the data folder until they are healed.

`<data>/dead-letters.sqlite`. A letter is named by what it is (the run, the message's place in the stream, the
stage that set it aside), so that a run that goes on after a crash adds nothing twice. Captures and flow logs
are durable and everything behind them is deterministic, so a letter is healed when another run has finished
its session: ids are the same, alerts and flows replace themselves, and what was missing is there, or has a
letter of the newer run.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from citywall.errors import DataFolderError, StreamError
from stream import codecs
from stream.stages import DeadLetter

FILE = "dead-letters.sqlite"
#: Bytes of a message that are kept; a longer one is cut, and its length told.
MOST_BYTES = 1 << 20
#: Letters whose message is kept; of further ones only the reason is.
MOST_MESSAGES = 1_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS letters (
    id TEXT PRIMARY KEY, run TEXT NOT NULL, noted INTEGER NOT NULL, healed INTEGER,
    session TEXT NOT NULL, path TEXT NOT NULL, topic TEXT NOT NULL, stage TEXT NOT NULL,
    partition INTEGER NOT NULL, producer TEXT NOT NULL, seq INTEGER NOT NULL, count INTEGER NOT NULL,
    reason TEXT NOT NULL, size INTEGER NOT NULL, message BLOB
)
"""
_COLUMNS = (
    "id", "run", "noted", "healed", "session", "path", "topic", "stage", "partition", "producer", "seq",
    "count", "reason", "size",
)  # fmt: skip


class Letter(msgspec.Struct, frozen=True):
    """A letter as it is kept. `noted` and `healed` are wall-clock ns; `size` is of the whole message.

    `stage` (of `partition`) set it aside in the run of id `run` (see `Ledger`). `producer` made the message;
    `seq` and `count` number its items.
    """

    id: str
    run: str
    noted: int
    healed: int | None
    session: str
    path: str
    topic: str
    stage: str
    partition: int
    producer: str
    seq: int
    count: int
    reason: str
    size: int


class LetterBox:
    """The letters of a data folder. Every method raises DataFolderError where the file cannot be used."""

    def __init__(self, data: Path) -> None:
        self.file = data / FILE

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = sqlite3.connect(self.file, timeout=30.0)
            try:
                connection.execute(_SCHEMA)
                with connection:
                    yield connection
            finally:
                connection.close()
        except sqlite3.Error as e:
            raise DataFolderError(f"{self.file}: {e}") from e

    def add(self, letters: Sequence[DeadLetter], paths: Mapping[str, str], now: int, run: str) -> int:
        """Keep letters of a run; returns how many were new. `paths` gives the input of each session."""
        if not letters:
            return 0
        with self._open() as connection:
            before = _count(connection)
            room = MOST_MESSAGES - _count(connection, "message IS NOT NULL")
            for letter in letters:
                kept = letter.message[:MOST_BYTES] if room > 0 else None
                room -= 1
                found = _letter(letter, paths, now, run)
                values = [getattr(found, name) for name in _COLUMNS]
                connection.execute(
                    f"INSERT INTO letters ({', '.join(_COLUMNS)}, message)"  # noqa: S608 (our own names)
                    f" VALUES ({', '.join('?' * (len(_COLUMNS) + 1))})"
                    " ON CONFLICT (id) DO NOTHING",
                    [*values, kept],
                )
            return _count(connection) - before

    def letters(self, *, healed: bool = False, ids: Sequence[str] = ()) -> list[Letter]:
        """Letters, oldest first: those still open, or all; of some ids (or beginnings of them) only.

        Raises StreamError for an id that no letter has, or several have.
        """
        if not self.file.exists():
            found: list[Letter] = []
        else:
            with self._open() as connection:
                rows = connection.execute(
                    f"SELECT {', '.join(_COLUMNS)} FROM letters ORDER BY noted, rowid"  # noqa: S608
                ).fetchall()
            found = [Letter(*row) for row in rows]
        if ids:
            return [_one(found, wanted) for wanted in dict.fromkeys(ids)]
        return [letter for letter in found if healed or letter.healed is None]

    def count(self) -> int:
        """How many are open."""
        if not self.file.exists():
            return 0
        with self._open() as connection:
            return _count(connection, "healed IS NULL")

    def message(self, letter_id: str) -> bytes | None:
        """The message of a letter, as far as it was kept."""
        with self._open() as connection:
            row = connection.execute("SELECT message FROM letters WHERE id = ?", [letter_id]).fetchone()
        return None if row is None or row[0] is None else bytes(row[0])

    def heal(self, sessions: Iterable[str], run: str, now: int) -> None:
        """A run has finished these sessions: what other runs had set aside of them is healed.

        Messages of healed letters go, so that there is room for those of new ones.
        """
        if self.file.exists():
            with self._open() as connection:
                connection.executemany(
                    "UPDATE letters SET healed = ?, message = NULL"
                    " WHERE session = ? AND run != ? AND healed IS NULL",
                    [[now, session, run] for session in sessions],
                )

    def retain(self, days: int, now: int) -> int:
        """Forget letters noted more than `days` days before `now` (ns); returns how many."""
        if not self.file.exists():
            return 0
        with self._open() as connection:
            oldest = now - days * 86_400 * 1_000_000_000
            return connection.execute("DELETE FROM letters WHERE noted < ?", [oldest]).rowcount


def contents(message: bytes) -> dict[str, Any]:
    """What a message says of itself, as far as it can be read: its header, and the size of its body."""
    try:
        header, body = codecs.decode(message)
    except StreamError as e:
        return {"unreadable": str(e), "head": message[:64].hex(" ")}
    return {"header": msgspec.to_builtins(header), "body_bytes": len(body), "head": bytes(body[:64]).hex(" ")}


def _letter(letter: DeadLetter, paths: Mapping[str, str], now: int, run: str) -> Letter:
    try:
        header, _ = codecs.decode(letter.message)
    except StreamError:
        session, producer, seq, count = "", "", 0, 0
        place = hashlib.blake2b(letter.message, digest_size=16).hexdigest()
    else:
        session, producer, seq, count = header.session, header.stage, header.seq, header.count
        place = f"{session}\0{producer}\0{header.partition}\0{int(header.kind)}\0{seq}"
    name = f"{run}\0{letter.topic}\0{letter.stage}\0{letter.partition}\0{place}"
    return Letter(
        hashlib.blake2b(name.encode(), digest_size=8).hexdigest(), run, now, None, session,
        paths.get(session, ""), letter.topic, letter.stage, letter.partition, producer, seq, count,
        letter.reason, len(letter.message),
    )  # fmt: skip


def _one(letters: Sequence[Letter], wanted: str) -> Letter:
    found = [letter for letter in letters if letter.id.startswith(wanted)]
    if len(found) != 1:
        raise StreamError(f"{len(found) or 'no'} dead letters have an id that begins with {wanted!r}")
    return found[0]


def _count(connection: sqlite3.Connection, where: str = "1") -> int:
    n: int = connection.execute(f"SELECT count(*) FROM letters WHERE {where}").fetchone()[0]  # noqa: S608
    return n
