"""The files of the audit log, as readers and the writer see them.

`<number of the first record, 12 digits>-<month>.jsonl`, so that names sort as records do.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from citywall.errors import InputError
from trust.records import MAX_LINE, Record, read

#: The folder in the data folder.
FOLDER = "audit"
_NAME = re.compile(r"(\d{12})-(\d{4}-\d\d)\.jsonl")
_WINDOW = 4 * MAX_LINE


class Line(NamedTuple):
    """A line with its newline, or what there is of one: the last of a file, or a piece of one too long."""

    path: Path
    number: int
    offset: int
    data: bytes


class Tail(NamedTuple):
    """The last sound record of a file, where it ends, and how long the file is."""

    record: Record | None
    end: int
    size: int


class Found(NamedTuple):
    """Records that were asked for, and lines that are none."""

    records: list[Record]
    unsound: int


def name_of(n: int, time: str) -> str:
    """The name of a file whose first record has this number and time."""
    return f"{n:012d}-{time[:7]}.jsonl"


def first_of(path: Path) -> int:
    """The number that a file's name says its first record has; 0 where the name is another's."""
    form = _NAME.fullmatch(path.name)
    return int(form[1]) if form else 0


def month_of(path: Path) -> str:
    """The month in a file's name, `2026-11`."""
    return path.name[13:20]


def files_in(folder: Path) -> list[Path]:
    """The files of a log, oldest first. Raises InputError where the folder cannot be read."""
    try:
        return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
    except OSError as e:
        raise InputError(str(folder), e.strerror or str(e)) from e


def files_at(path: Path) -> list[Path]:
    """The files meant by a path: a file, a log's folder, or a data folder with a log in it.

    Raises InputError where there is none.
    """
    if path.is_file():
        return [path]
    found = files_in(path / FOLDER if (path / FOLDER).is_dir() else path)
    if not found:
        raise InputError(str(path), "holds no audit log")
    return found


def lines_of(path: Path) -> Iterator[Line]:
    """The lines of a file in order; at most `MAX_LINE` bytes of one at a time."""
    number, offset = 1, 0
    try:
        with path.open("rb") as file:
            while data := file.readline(MAX_LINE):
                yield Line(path, number, offset, data)
                number += data.endswith(b"\n")
                offset += len(data)
    except OSError as e:
        raise InputError(str(path), e.strerror or str(e)) from e


def tail_of(path: Path) -> Tail:
    """Look for the last sound record from a file's end. Raises InputError where it cannot be read."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            window = _WINDOW
            while True:
                start = max(size - window, 0)
                file.seek(start)
                whole = file.read(size - start)
                if (found := _last_sound(whole, start)) is not None:
                    return Tail(*found, size)
                if start == 0:
                    return Tail(None, 0, size)
                window *= 4
    except OSError as e:
        raise InputError(str(path), e.strerror or str(e)) from e


def _last_sound(data: bytes, start: int) -> tuple[Record, int] | None:
    end = len(data)
    while (newline := data.rfind(b"\n", 0, end)) >= 0:
        before = data.rfind(b"\n", 0, newline)
        if before < 0 and start > 0:
            return None  # only a piece of this line is here
        try:
            return read(data[before + 1 : newline]), start + newline + 1
        except ValueError:
            end = newline
    return None


def search(files: list[Path], wanted: Callable[[Record], bool], limit: int) -> Found:
    """The last `limit` records that are wanted (0: all), oldest first."""
    newest: list[Record] = []
    unsound = 0
    for path in reversed(files):
        held: deque[Record] = deque(maxlen=limit - len(newest) if limit else None)
        for line in lines_of(path):
            try:
                record = read(line.data)
            except ValueError:
                unsound += 1
                continue
            if wanted(record):
                held.append(record)
        newest = [*held, *newest]
        if limit and len(newest) >= limit:
            break
    return Found(newest, unsound)


def records_after(files: list[Path], n: int) -> Iterator[Record]:
    """The sound records with a greater number than `n`."""
    for at, path in enumerate(files):
        if at + 1 < len(files) and first_of(files[at + 1]) <= n + 1:
            continue
        for line in lines_of(path):
            try:
                record = read(line.data)
            except ValueError:
                continue
            if record.n > n:
                yield record
