from __future__ import annotations

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
