"""Offline verification of an audit log: nothing but its files is needed.

The first fault is named with file and line: a record that was altered, is missing, stands in another place
or was put in. Faults after it are not looked for. Memory does not grow with the log.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from citywall.errors import InputError, UsageError
from trust import chain, region
from trust.chain import Line
from trust.records import ANCHOR, MENDED, Head, Record, read

Kind = Literal["altered", "missing", "reordered", "inserted", "torn"]
#: How often a log that is being written to is read again where its last line is not whole yet.
_TRIES = 5
_PAUSE = 0.05


class Problem(msgspec.Struct, frozen=True):
    """The first fault: of record `n` (0 where it has no number), at a line (from 1) of a file."""

    kind: Kind
    n: int
    file: str
    line: int
    reason: str


class Report(msgspec.Struct):
    """What was read, and the first fault, if any. `first` and `last` are numbers of records."""

    files: int = 0
    records: int = 0
    first: int = 0
    last: Head = Head()
    time: str = ""  # of the last record
    mended: int = 0
    anchors: int = 0
    problem: Problem | None = None

    @property
    def ok(self) -> bool:
        """Whether no fault was found."""
        return self.problem is None


class Gap(NamedTuple):
    """Lines of one file that are no records, and why the first is none."""

    line: Line
    reason: str


class Placed(NamedTuple):
    """A sound record and where it stands."""

    record: Record
    line: Line


def verify(path: Path, head: str = "") -> Report:
    """Verify a log, given by its folder, a data folder or one of its files.

    `head` is `N:SM3`, noted earlier from a report: record N must still be there, and be the same. Raises
    InputError where there is no log, UsageError where `head` has another form.
    """
    expected = _parsed(head)
    try:
        for _ in range(_TRIES):
            files = chain.files_at(path)
            sizes = [file.stat().st_size for file in files]
            report = _Walk(files, expected).walk()
            if report.problem is None or report.problem.kind != "torn":
                break
            time.sleep(_PAUSE)  # a writer may be in the middle of its line
            if [file.stat().st_size for file in files] == sizes:
                break
    except OSError as e:
        raise InputError(str(path), e.strerror or str(e)) from e
    return report


def _parsed(head: str) -> tuple[int, str] | None:
    if not head:
        return None
    number, colon, sm3 = head.partition(":")
    if not (colon and number.isascii() and number.isdigit() and 8 <= len(sm3) <= 64):
        raise UsageError(f"{head!r} is not of the form N:SM3 (at least 8 digits of the hash)")
    return int(number), sm3.lower()


class _Walk:
    """One walk along the chain, up to its first fault."""

    def __init__(self, files: Sequence[Path], expected: tuple[int, str] | None) -> None:
        self._files = files
        self._expected = expected
        self._lines = (line for path in files for line in chain.lines_of(path))
        self._last: Placed | None = None
        self._gap: Gap | None = None
        self.report = Report(files=len(files))

    def walk(self) -> Report:
        for line in self._lines:
            try:
                record = read(_whole(line))
            except ValueError as e:
                if self._gap is not None and self._gap.line.path != line.path:
                    break
                self._gap = self._gap or Gap(line, str(e))
                continue
            fault = self._fault(Placed(record, line))
            if fault is not None:
                self.report.problem = fault
                return self.report
            self._take(Placed(record, line))
        self.report.problem = self._fault_at_end()
        return self.report

    def _take(self, placed: Placed) -> None:
        report, record = self.report, placed.record
        report.first = report.first or record.n
        report.records += 1
        report.last, report.time = record.head, record.time
        report.mended += record.action == MENDED
        report.anchors += record.action == ANCHOR
        self._last = placed

    def _fault(self, placed: Placed) -> Problem | None:
        """What is wrong at a sound record, or with what stands before it."""
        record = placed.record
        fits = self._fits(record)
        gap, self._gap = self._gap, None
        if gap is not None and not (fits and region.is_mended(gap.line, placed.line, record)):
            if fits and record.action != MENDED:
                return _problem("inserted", 0, gap.line, gap.reason)
            return _problem("altered", self.report.last.n + 1, gap.line, gap.reason)
        if not fits:
            return self._misfit(placed)
        if gap is None and record.action == MENDED:
            return _problem("missing", record.n, placed.line, "the line cut short that it names is gone")
        if self._expected is not None and record.n == self._expected[0]:
            if not record.sm3.startswith(self._expected[1]):
                return _problem("altered", record.n, placed.line, "is not the record that was noted earlier")
            self._expected = None
        return None

    def _fits(self, record: Record) -> bool:
        if self._last is not None:
            head = self._last.record.head
            return (record.n, record.previous_sm3, record.previous_sha256) == (
                head.n + 1, head.sm3, head.sha256,
            )  # fmt: skip
        if record.n == 1:
            return (record.previous_sm3, record.previous_sha256) == (Head().sm3, Head().sha256)
        if len(self._files) == 1:  # what stood before it is not here to be asked
            return chain.first_of(self._files[0]) in (0, record.n)
        return record.n == chain.first_of(self._files[0]) and _anchored(self._files, record)

    def _misfit(self, placed: Placed) -> Problem:
        """A sound record that does not follow the one before it: which of the two, and how."""
        record, line = placed
        if self._last is None:
            return self._false_start(placed)
        due = self.report.last.n + 1
        rest = _Rest(self._rest(), record, due)
        if record.n == due:
            if rest.follows_not:  # and so its own hashes are not vouched for
                return _problem(
                    "altered", record.n, line, "is chained neither to the record before nor after"
                )
            return _problem("altered", due - 1, self._last.line, "is not what the next record is chained to")
        if record.n > due:
            return _skipped(placed, due, rest)
        if record.n == due - 1 and record.sm3 != self._last.record.sm3 and rest.follows:
            return _problem("inserted", record.n, self._last.line, "has the number of the record after it")
        return _problem("inserted", record.n, line, f"stands after record {due - 1}")

    def _false_start(self, placed: Placed) -> Problem:
        record, line = placed
        start = chain.first_of(self._files[0]) or 1
        if record.n == 1 == start:
            return _problem("altered", 1, line, "is chained to something before it")
        if record.n > start:
            return _skipped(placed, start, _Rest(self._rest(), record, start))
        if record.n < start:
            return _problem(
                "inserted", record.n, line, f"the file's name says that record {start} is its first"
            )
        return _problem("missing", 1, line, f"records 1 to {record.n - 1} are gone and no anchor says so")

    def _fault_at_end(self) -> Problem | None:
        gap, last = self._gap, self.report.last
        if gap is not None:
            at_end = gap.line.path == self._files[-1]
            if at_end and region.torn_from(gap.line.path, gap.line.offset) is not None:
                return _problem("torn", last.n + 1, gap.line, "is cut short; the next writer will say so")
            return _problem("altered", last.n + 1, gap.line, gap.reason)
        if self._expected is not None and self._last is not None:
            n = self._expected[0]
            gone = n > last.n
            told = f"the log ends at record {last.n}" if gone else f"record {n} was noted earlier"
            return _problem("missing", last.n + 1 if gone else n, self._last.line, told)
        return None

    def _rest(self) -> Iterator[Record]:
        for line in self._lines:
            try:
                yield read(_whole(line))
            except ValueError:
                continue


class _Rest:
    """What the records after a misfit tell of it."""

    def __init__(self, records: Iterable[Record], misfit: Record, due: int) -> None:
        self.due_comes = self.comes_again = False  # the number that was to come; the misfit's
        self.most = 0
        self.follows = self.follows_not = False  # whether the next record is chained to the misfit
        for at, record in enumerate(records):
            if at == 0:
                self.follows = (record.previous_sm3, record.n) == (misfit.sm3, misfit.n + 1)
                self.follows_not = not self.follows
            self.due_comes |= record.n == due
            self.comes_again |= record.n == misfit.n
            self.most = max(self.most, record.n)


def _skipped(placed: Placed, due: int, rest: _Rest) -> Problem:
    """Record `due` was to come, and one with a greater number stands there."""
    record, line = placed
    if not rest.due_comes:
        last = record.n - 1
        told = f"record {due} is gone" if last == due else f"records {due} to {last} are gone"
        return _problem("missing", due, line, told)
    if rest.comes_again or record.n > rest.most + 1:
        return _problem("inserted", record.n, line, f"stands where record {due} belongs")
    return _problem("reordered", record.n, line, f"stands before record {due}")


def _whole(line: Line) -> bytes:
    if not line.data.endswith(b"\n"):
        raise ValueError("does not end with its line" if line.data else "is empty")
    return line.data


def _anchored(files: Sequence[Path], first: Record) -> bool:
    """Whether an anchor says that what stood before `first` was removed."""
    wanted = {"last": first.n - 1, "sm3": first.previous_sm3, "sha256": first.previous_sha256}
    for path in files:
        for line in chain.lines_of(path):
            if ANCHOR.encode() not in line.data:
                continue
            try:
                record = read(_whole(line))
            except ValueError:
                continue
            removed: Any = record.detail.get("removed") if record.action == ANCHOR else None
            parts = [part for part in removed if isinstance(part, dict)] if isinstance(removed, list) else []
            if any({name: part.get(name) for name in wanted} == wanted for part in parts):
                return True
    return False


def _problem(kind: Kind, n: int, line: Line, reason: str) -> Problem:
    return Problem(kind, n, str(line.path), line.number, reason)
