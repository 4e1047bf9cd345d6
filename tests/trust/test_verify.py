"""Offline verification: whatever is done to a log, the first fault is found and named."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trust_logs import START, Clock, closing

from citywall import canonical
from citywall.errors import InputError, UsageError
from trust.audit import AuditLog
from trust.records import Record, chained, read
from trust.verify import Problem, verify

RECORDS = 9


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of nine records in three files."""
    folder = tmp_path_factory.mktemp("sound") / "audit"
    with AuditLog(folder, file_bytes=2100, clock=Clock()) as log:
        for case in range(RECORDS - 1):
            log.append(closing(case))
    assert [len(path.read_bytes().splitlines()) for path in files_in(folder)] == [3, 3, 3]
    return folder


@pytest.fixture
def log(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "audit"))


def files_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jsonl"))


def lines_in(folder: Path) -> list[bytes]:
    return [line for path in files_in(folder) for line in path.read_bytes().splitlines(keepends=True)]


def rewrite(folder: Path, lines: list[bytes]) -> None:
    """The lines in one file, named after the first."""
    for path in files_in(folder):
        path.unlink()
    (folder / "000000000001-2023-11.jsonl").write_bytes(b"".join(lines))


def found(folder: Path) -> Problem:
    problem = verify(folder).problem
    assert problem is not None
    return problem


def named(folder: Path) -> tuple[str, int, int]:
    problem = found(folder)
    return problem.kind, problem.n, problem.line


def forged(line: bytes, **changes: object) -> bytes:
    """A record with other contents and hashes that fit them."""
    fields = msgspec.to_builtins(read(line)) | changes
    del fields["sm3"], fields["sha256"]
    fields["sm3"], fields["sha256"] = canonical.hashes(canonical.encode(fields))
    return canonical.encode(fields) + b"\n"


def test_a_sound_log(log: Path) -> None:
    report = verify(log)
    assert report.ok
    assert (report.files, report.records, report.first, report.last.n) == (3, 9, 1, 9)
    assert report.time.startswith("2023-11-14T22:13:")
    assert verify(log.parent) == report  # by the data folder


def test_by_its_files_alone(log: Path, tmp_path: Path) -> None:
    part = verify(files_in(log)[1])
    assert (part.ok, part.first, part.last.n) == (True, 4, 6)
    copy = tmp_path / "evidence.txt"
    copy.write_bytes(files_in(log)[1].read_bytes())
    assert verify(copy).ok
    for path in (log / "LOCK", *log.parent.glob("*.sqlite")):
        path.unlink()
    assert verify(log).ok


@settings(max_examples=300)
@given(data=st.data())
def test_any_byte_changed_in_any_record_is_found_and_named(sound: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(files_in(sound)))
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != content[at]))
    line = content.count(b"\n", 0, at) + 1
    path.write_bytes(content[:at] + bytes([byte]) + content[at + 1 :])
    try:
        problem = found(sound)
    finally:
        path.write_bytes(content)
    n = 3 * files_in(sound).index(path) + line
    assert (problem.n, problem.line, problem.file) == (n, line, str(path))
    torn = n == RECORDS and at == len(content) - 1
    assert problem.kind == ("torn" if torn else "altered")


@settings(max_examples=60)
@given(data=st.data())
def test_whatever_is_done_to_the_order_of_lines_is_found_and_named(sound: Path, data: st.DataObject) -> None:
    lines = lines_in(sound)
    what = data.draw(st.sampled_from(["removed", "moved", "copied"]))
    at = data.draw(st.integers(0, RECORDS - 1 - (what == "removed")))
    to = data.draw(st.integers(0, RECORDS - 1).filter(lambda to: to != at))
    line = lines[at] if what == "copied" else lines.pop(at)
    if what != "removed":
        lines.insert(to, line)
    folder = sound.parent / "other"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    rewrite(folder, lines)
    if what == "copied" and to in (at, at + 1):
        assert named(folder) == ("inserted", at + 1, at + 2)
    elif what == "copied":
        assert named(folder) == ("inserted", at + 1, to + 1)
    elif what == "removed":
        assert named(folder) == ("missing", at + 1, at + 1)
    else:  # a record moved forward is seen where it now stands, one moved back where it stood
        first = min(at, to)
        assert named(folder) == ("reordered", read(lines[first]).n, first + 1)


@settings(max_examples=150)
@given(data=st.data())
def test_nothing_passes_but_an_end_cut_off_between_records(sound: Path, data: st.DataObject) -> None:
    whole = b"".join(lines_in(sound))
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content)))
        to = data.draw(st.integers(at, min(len(content), at + 3000)))
        piece = data.draw(
            st.sampled_from([b"", b"\n", b"{}\n", b"\0" * 9, whole[:900], bytes(content[at:to])])
        )
        content[at:to] = piece
    folder = sound.parent / "hacked"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    rewrite(folder, [bytes(content)])
    left = bytes(content)
    clean = whole.startswith(left) and (not left or left.endswith(b"\n"))
    assert verify(folder).ok == clean


def test_while_a_writer_goes_on(folder: Path, clock: Clock) -> None:
    with AuditLog(folder, file_bytes=9000, clock=clock) as log:
        writer = threading.Thread(target=lambda: [log.append(closing(n)) for n in range(300)])
        log.append(closing(0))
        writer.start()
        seen = []
        while writer.is_alive():
            seen.append(verify(folder))
        writer.join()
    assert all(report.ok for report in seen)
    assert verify(folder).records == 302


def test_a_record_rewritten_with_hashes_that_fit_it(log: Path) -> None:
    lines = lines_in(log)
    rewrite(log, [*lines[:4], forged(lines[4], who="wu"), *lines[5:]])
    assert named(log) == ("altered", 5, 5)
    rewrite(log, [forged(lines[0], who="wu"), *lines[1:]])
    assert named(log) == ("altered", 1, 1)
    rewrite(log, [forged(lines[0], previous_sm3="1" * 64), *lines[1:]])
    assert named(log) == ("altered", 1, 1)
    rewrite(log, [*lines[:4], forged(lines[4], previous_sm3="1" * 64), *lines[5:]])
    assert named(log) == ("altered", 5, 5)


def test_records_put_in(log: Path) -> None:
    lines = lines_in(log)
    head = read(lines[3]).head
    _, extra = chained(closing(99), head, START)
    rewrite(log, [*lines[:4], extra, *lines[4:]])
    assert named(log) == ("inserted", 5, 5)
    rewrite(log, [*lines[:4], b"not a record\n", *lines[4:]])
    assert named(log) == ("inserted", 0, 5)
    rewrite(log, [*lines[:4], forged(lines[8], n=77), *lines[4:]])
    assert named(log) == ("inserted", 77, 5)


def test_whole_files_gone(log: Path) -> None:
    first, second, third = files_in(log)
    held = second.read_bytes()
    second.unlink()
    problem = found(log)
    assert (problem.kind, problem.n, problem.file, problem.line) == ("missing", 4, str(third), 1)
    assert problem.reason == "records 4 to 6 are gone"
    second.write_bytes(held)
    first.unlink()
    assert named(log) == ("missing", 1, 1)
    assert "no anchor" in found(log).reason
    second.unlink()
    third.unlink()
    with pytest.raises(InputError, match="holds no audit log"):
        verify(log)


def test_files_under_other_names(log: Path) -> None:
    _, second, _ = files_in(log)
    second.rename(log / "000000000099-2023-11.jsonl")
    assert found(log).kind == "reordered"


def test_the_end_cut_off_is_found_by_a_head_noted_earlier(log: Path) -> None:
    last = verify(log).last
    noted = f"{last.n}:{last.sm3}"
    assert verify(log, noted).ok
    assert verify(log, noted[:12].upper()).ok
    lines = lines_in(log)
    rewrite(log, lines[:7])
    assert verify(log).ok  # the chain itself cannot tell
    problem = verify(log, noted).problem
    assert problem is not None
    assert (problem.kind, problem.n) == ("missing", 8)

    start = read(lines[0]).head
    other: list[bytes] = [lines[0]]
    for case in range(10):  # all written anew
        record, line = chained(closing(case + 50), start, START)
        start = record.head
        other.append(line)
    rewrite(log, other)
    assert verify(log).ok
    problem = verify(log, noted).problem
    assert problem is not None
    assert (problem.kind, problem.n, problem.line) == ("altered", 9, 9)
    for bad in ("9", "9:123", "x:" + "0" * 64, "-1:" + "0" * 64):
        with pytest.raises(UsageError):
            verify(log, bad)


def test_a_mend_vouches_for_nothing_but_its_own_bytes(
    folder: Path, write: Callable[..., list[Path]], clock: Clock
) -> None:
    (path,) = write(3)
    content = path.read_bytes()
    path.write_bytes(content[:-20])
    AuditLog(folder, clock=clock).close()
    lines = path.read_bytes().splitlines(keepends=True)
    assert verify(folder).mended == 1
    path.write_bytes(b"".join([*lines[:3], lines[3].replace(b"cases", b"cards"), lines[4]]))
    assert named(folder) == ("altered", 4, 4)
    path.write_bytes(b"".join([*lines[:3], lines[4]]))
    assert named(folder) == ("missing", 4, 4)
    path.write_bytes(b"".join([*lines[:2], b"{}\n", *lines[3:]]))
    assert named(folder) == ("altered", 3, 3)


def test_a_line_without_end(log: Path) -> None:
    with files_in(log)[0].open("ab") as file:
        file.write(b"x" * 300_000)
    problem = found(log)
    assert (problem.kind, problem.line) == ("inserted", 4)


def test_what_is_no_log(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(InputError):
            verify(path)
    (tmp_path / "notes.txt").write_text("hello\n")
    assert found(tmp_path / "notes.txt").kind == "altered"


def test_a_report_goes_into_json(log: Path) -> None:
    told = msgspec.to_builtins(verify(log))
    assert told["last"]["n"] == 9
    assert isinstance(read(lines_in(log)[8]), Record)
