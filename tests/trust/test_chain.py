from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from citywall.errors import InputError
from trust import chain
from trust.records import MAX_LINE, read


def test_names() -> None:
    path = Path(chain.name_of(17, "2026-11-22T10:00:00.000000000Z"))
    assert path.name == "000000000017-2026-11.jsonl"
    assert (chain.first_of(path), chain.month_of(path)) == (17, "2026-11")
    assert chain.first_of(Path("notes.jsonl")) == 0


def test_files_by_folder_data_folder_or_file(folder: Path, write: Callable[..., list[Path]]) -> None:
    files = write(8, file_bytes=2100)
    (folder / "LOCK").touch()
    (folder / "notes.jsonl").touch()
    assert len(files) > 2
    assert chain.files_at(folder) == chain.files_at(folder.parent) == files
    assert chain.files_at(files[1]) == [files[1]]
    with pytest.raises(InputError, match="No such file"):
        chain.files_in(folder / "absent")


def test_lines_and_where_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"a\n\n" + b"b" * (MAX_LINE + 5) + b"\nc")
    told = [(line.number, line.offset, len(line.data)) for line in chain.lines_of(path)]
    assert told == [(1, 0, 2), (2, 2, 1), (3, 3, MAX_LINE), (3, 3 + MAX_LINE, 6), (4, MAX_LINE + 9, 1)]
    with pytest.raises(InputError):
        list(chain.lines_of(tmp_path))


def test_tail_is_the_last_sound_record(folder: Path, write: Callable[..., list[Path]]) -> None:
    (path,) = write(4)
    content = path.read_bytes()
    lines = content.splitlines(keepends=True)
    assert chain.tail_of(path) == (read(lines[-1]), len(content), len(content))
    for rubbish in (b"x", b"x\ny\n" * 100, b"z" * (9 * MAX_LINE)):
        path.write_bytes(content + rubbish)
        assert chain.tail_of(path) == (read(lines[-1]), len(content), len(content) + len(rubbish))
    path.write_bytes(b"rubbish\n" * 3)
    assert chain.tail_of(path) == (None, 0, 24)
    with pytest.raises(InputError):
        chain.tail_of(folder)


def test_search_gives_the_last_that_are_wanted(folder: Path, write: Callable[..., list[Path]]) -> None:
    files = [path for path in write(12, file_bytes=2100) if path.suffix == ".jsonl"]
    files[0].write_bytes(b"rubbish\n" + files[0].read_bytes())
    everything = chain.search(files, lambda _: True, 0)
    assert ([record.n for record in everything.records], everything.unsound) == (list(range(1, 14)), 1)
    last = chain.search(files, lambda record: record.n % 2 == 0, 3)
    assert [record.n for record in last.records] == [8, 10, 12]
    assert last.unsound == 0  # the oldest file was not needed


def test_records_after_a_number(folder: Path, write: Callable[..., list[Path]]) -> None:
    write(8, file_bytes=2100)
    files = chain.files_in(folder)
    for n in (0, 3, 4, 8, 9):
        assert [record.n for record in chain.records_after(files, n)] == list(range(n + 1, 10))
