"""The writer: numbered, chained, on disk, one at a time, whatever is left of a last line."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from trust_logs import LI, SECOND, Clock, closing

from citywall.errors import DataFolderBusy, DataFolderError
from citywall.permissions import Identity, Target
from trust import audit, chain, region
from trust.audit import AuditLog, entry
from trust.records import ANCHOR, MENDED, OPENED, Record, read
from trust.verify import verify

ROOT = Path(__file__).resolve().parents[2]
AUDITOR = Identity("sun", ("auditor",))


def records(folder: Path) -> list[Record]:
    return chain.search(chain.files_in(folder), lambda _: True, 0).records


def test_records_are_numbered_and_chained(folder: Path, clock: Clock) -> None:
    with AuditLog(folder, clock=clock) as log:
        first, second = log.append(closing(1)), log.append(closing(2))
        assert log.head == second.head
    opened, *rest = records(folder)
    assert (opened.n, opened.action, opened.who) == (1, OPENED, "citywall")
    assert rest == [first, second]
    assert (second.n, second.previous_sm3, second.previous_sha256) == (3, first.sm3, first.sha256)
    with AuditLog(folder, clock=clock) as log:
        assert log.append(closing(3)).n == 4
    assert verify(folder).ok


def test_on_disk_before_it_returns(folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    really = os.fsync

    def fsync(fd: int) -> None:
        synced.append(os.fstat(fd).st_size)
        really(fd)

    with AuditLog(folder, clock=clock) as log:
        log.append(closing(1))
        monkeypatch.setattr(audit.os, "fsync", fsync)
        log.append(closing(2))
        (path,) = chain.files_in(folder)
        assert synced == [path.stat().st_size]


def test_only_its_owner_reads_it(folder: Path, write: Callable[..., list[Path]]) -> None:
    (path,) = write(1)
    assert (folder.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)


HOLDING = """
import sys
from pathlib import Path
from trust.audit import AuditLog
log = AuditLog(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_one_writer(folder: Path) -> None:
    with AuditLog(folder), pytest.raises(DataFolderBusy, match=f"pid {os.getpid()}"):
        AuditLog(folder)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True,
    )  # fmt: skip
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(DataFolderBusy, match=f"pid {holder.pid}"):
            AuditLog(folder)
        holder.kill()
    AuditLog(folder).close()


def test_threads_share_a_log(folder: Path, clock: Clock) -> None:
    with AuditLog(folder, clock=clock) as log:
        threads = [
            threading.Thread(target=lambda: [log.append(closing(n)) for n in range(10)]) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (report := verify(folder)).ok
    assert report.records == 41


def test_files_by_size_and_month_carry_the_chain_over(folder: Path, clock: Clock) -> None:
    with AuditLog(folder, file_bytes=3000, clock=clock) as log:
        for case in range(10):
            log.append(closing(case))
        clock.now += 31 * 86400 * SECOND
        log.append(closing(10))
        clock.now -= 40 * 86400 * SECOND  # a clock set back begins no file
        log.append(closing(11))
    files = chain.files_in(folder)
    assert len(files) > 3
    assert files[0].name == "000000000001-2023-11.jsonl"
    assert files[-1].name == "000000000012-2023-12.jsonl"
    assert all(path.stat().st_size <= 3000 for path in files)
    assert (report := verify(folder)).ok
    assert (report.files, report.records) == (len(files), 13)


def test_a_line_cut_short_anywhere_is_mended_and_said(
    folder: Path, write: Callable[..., list[Path]], clock: Clock
) -> None:
    (path,) = write(2)
    whole = path.read_bytes()
    start = whole.rindex(b"\n", 0, -1) + 1
    for cut in [*range(start + 1, len(whole), 37), len(whole) - 1]:
        path.write_bytes(whole[:cut])
        assert (found := verify(folder).problem) is not None
        assert (found.kind, found.n, found.line) == ("torn", 3, 3)
        with AuditLog(folder, clock=clock) as log:
            log.append(closing(9))
        assert (report := verify(folder)).ok, report
        assert (report.records, report.mended) == (4, 1)
        mend = records(folder)[2]
        assert (mend.action, mend.n, mend.detail["offset"]) == (MENDED, 3, start)
        assert mend.detail["text"] == whole[start:cut].decode("utf-8", "backslashreplace")[:200]
        assert path.read_bytes()[:cut] == whole[:cut]  # what was there stays there


def test_mends_that_are_cut_short_themselves(
    folder: Path, write: Callable[..., list[Path]], clock: Clock
) -> None:
    (path,) = write(2)
    whole = path.read_bytes()
    end = len(whole) - 30
    for _ in range(3):
        with path.open("r+b") as file:
            file.truncate(end)
        assert (found := verify(folder).problem) is not None
        assert found.kind == "torn"
        AuditLog(folder, clock=clock).close()
        assert verify(folder).ok
        end = path.stat().st_size - 100
    assert verify(folder).mended == 1
    with path.open("r+b") as file:  # down to what closes the first
        file.truncate(len(whole) - 30 + len(region.CLOSING))
    AuditLog(folder, clock=clock).close()
    assert verify(folder).ok


def test_the_first_line_of_a_log_or_of_a_file_cut_short(
    folder: Path, write: Callable[..., list[Path]], clock: Clock
) -> None:
    files = write(10, file_bytes=3000)
    with files[-1].open("r+b") as file:
        file.truncate(40)
    AuditLog(folder, clock=clock).close()
    assert verify(folder).ok
    with files[-1].open("r+b") as file:
        file.truncate(0)
    with AuditLog(folder, clock=clock) as log:
        log.append(closing(1))
    assert (report := verify(folder)).ok
    assert report.mended == 0
    for path in chain.files_in(folder)[1:]:
        path.unlink()
    with files[0].open("r+b") as file:
        file.truncate(40)
    AuditLog(folder, clock=clock).close()
    assert (report := verify(folder)).ok
    assert (report.records, report.mended) == (1, 1)


def test_a_log_altered_at_its_end_takes_no_more(folder: Path, write: Callable[..., list[Path]]) -> None:
    (path,) = write(2)
    whole = path.read_bytes()
    for other in (
        whole.replace(b'"who":"li"}\n', b'"who":"wu"}\n'),
        whole[:-1].replace(b'"who":"li"', b'"who":"wu"'),  # and the end cut off, to look like a crash
        whole + b"\n",
        whole + b"{}\nx",
        whole + b"x" * (2 << 20),
        b"{" + whole,
    ):
        path.write_bytes(other)
        if other.startswith(b"{{"):
            path.rename(path.with_name("000000000007-2023-11.jsonl"))
            path.with_name("000000000007-2023-11.jsonl").write_bytes(b"{")
        with pytest.raises(DataFolderError, match="was altered after record"):
            AuditLog(folder)


APPENDING = """
import sys
from pathlib import Path
from trust.audit import AuditLog, entry
from citywall.permissions import Identity, Target
log = AuditLog(Path(sys.argv[1]), file_bytes=20_000)
for n in range(100_000):
    record = log.append(entry(Identity("li", ("analyst",)), "cases.work", Target("case", str(n))))
    print(record.n, flush=True)
"""


def test_killed_while_appending(folder: Path) -> None:
    chance = random.Random(5)
    told = 0
    for _ in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", APPENDING, str(folder)], stdout=subprocess.PIPE, cwd=ROOT, text=True
        )
        with writer:
            assert writer.stdout is not None
            for _ in range(chance.randint(1, 60)):
                told = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            told = max([told, *(int(line) for line in writer.stdout if line.endswith("\n"))])
        report = verify(folder)
        assert report.problem is None or report.problem.kind == "torn"
        assert report.last.n >= told  # nothing that was told to be written is gone
    AuditLog(folder).close()
    assert (report := verify(folder)).ok
    assert report.records == report.last.n


def test_a_full_disk_is_said_and_nothing_counts(
    folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = os.write

    def half(fd: int, data: memoryview) -> int:
        if len(data) > 200:
            return really(fd, data[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    with AuditLog(folder, clock=clock) as log:
        log.append(closing(1))
        monkeypatch.setattr(audit.os, "write", half)
        with pytest.raises(DataFolderError, match="No space left on device"):
            log.append(closing(2))
        monkeypatch.undo()
        assert log.append(closing(3)).n == 4  # behind the mend
    assert [record.action for record in records(folder)][1:] == ["cases.close", MENDED, "cases.close"]
    assert verify(folder).ok


def test_a_record_that_may_not_be_on_disk_is_said_to_count_for_nothing(
    folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with AuditLog(folder, clock=clock) as log:
        log.append(closing(1))
        monkeypatch.setattr(audit.os, "fsync", broken)
        with pytest.raises(DataFolderError, match="Input/output error"):
            log.append(closing(2))
        monkeypatch.undo()
        log.append(closing(3))
    told = records(folder)[3]
    assert (told.action, told.object) == (audit.UNCONFIRMED, "record:3")
    assert verify(folder).ok


def test_what_cannot_be_recorded_is_refused(folder: Path) -> None:
    with AuditLog(folder) as log:
        with pytest.raises(DataFolderError, match="cannot record cases"):
            log.append(entry(LI, "cases.close", Target("case"), detail={"share": 0.5}))
        log.append(closing(1))
    with pytest.raises(DataFolderError, match="is closed"):
        log.append(closing(2))
    with pytest.raises(DataFolderError, match="cannot be used"):
        AuditLog(Path("/proc/none"))


def test_retention_leaves_an_anchor(folder: Path, clock: Clock) -> None:
    month = 31 * 86400 * SECOND
    with AuditLog(folder, clock=clock) as log:
        for _ in range(5):
            log.append(closing(1))
            clock.now += month
        names = [path.name for path in chain.files_in(folder)]
        now = clock.now
        gone = log.retain(75, AUDITOR, now)
        assert gone == names[:3]
        assert log.retain(75, AUDITOR, now) == []
        log.append(closing(2))
    assert (report := verify(folder)).ok
    assert (report.first, report.anchors) == (5, 1)
    anchor = next(record for record in records(folder) if record.action == ANCHOR)
    assert (anchor.who, anchor.detail["days"]) == ("sun", 75)
    assert [part["last"] for part in anchor.detail["removed"]] == [2, 3, 4]

    # Killed between the anchor and the removal, or half way through it: the chain is whole all the same.
    with AuditLog(folder, clock=clock) as log:
        clock.now += 2 * month
        log.append(closing(3))
        held = {path: path.read_bytes() for path in chain.files_in(folder)[:-1]}
        log.retain(1, AUDITOR, clock.now + month)
    for path, content in reversed(held.items()):
        path.write_bytes(content)
        assert verify(folder).ok
    AuditLog(folder).close()


def test_the_newest_file_is_never_removed(
    folder: Path, write: Callable[..., list[Path]], clock: Clock
) -> None:
    write(3)
    with AuditLog(folder, clock=clock) as log:
        assert log.retain(1, AUDITOR, clock.now + 10**18) == []
    assert read(chain.files_in(folder)[0].read_bytes().splitlines()[0]).n == 1
