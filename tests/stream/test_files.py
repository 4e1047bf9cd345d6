from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from citywall.errors import InputError
from stream.files import CaptureFiles


def test_a_file_is_opened_once_and_let_go(tmp_path: Path, standins):
    path = str(standins.capture(tmp_path / "one.pcap", 3))
    files = CaptureFiles()
    first = files.get(path)
    assert files.get(path) is first
    files.close(path)
    files.close(path)
    assert len(first.buffer) == 0
    assert files.get(path) is not first
    files.close_all()


def test_a_file_stays_open_for_its_other_users(tmp_path: Path, standins):
    path = str(standins.capture(tmp_path / "one.pcap", 3))
    files = CaptureFiles()
    first = files.get(path, "feeder")
    assert files.get(path, "capture/1") is first
    files.close(path, "feeder")
    files.close(path, "capture/0")  # never had it
    assert len(first.buffer) > 0
    files.close(path, "capture/1")
    assert len(first.buffer) == 0


def test_what_cannot_be_opened_is_said(tmp_path: Path):
    with pytest.raises(InputError, match="No such file"):
        CaptureFiles().get(str(tmp_path / "missing"))


def test_what_cannot_be_opened_is_tried_anew(tmp_path: Path, standins):
    files = CaptureFiles()
    with pytest.raises(InputError):
        files.get(str(tmp_path / "one.pcap"))
    assert len(files.get(str(standins.capture(tmp_path / "one.pcap", 3))).buffer) > 0
    files.close_all()


def test_who_comes_as_another_leaves_has_an_open_file(tmp_path: Path, standins):
    path = str(standins.capture(tmp_path / "one.pcap", 3))
    size = Path(path).stat().st_size
    files = CaptureFiles()

    def come_and_go(user: str) -> list[int]:
        seen = []
        for _ in range(500):
            seen.append(len(files.get(path, user).buffer))
            files.close(path, user)
        return seen

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            seen = list(pool.map(come_and_go, "abcd"))
    finally:
        sys.setswitchinterval(interval)
    assert {n for each in seen for n in each} == {size}
