from __future__ import annotations

import logging
from pathlib import Path

import pytest

from citywall import kernelcache
from console import folders


@pytest.fixture(autouse=True)
def quiet_root():
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    for handler in root.handlers[:]:
        if handler not in before:
            root.removeHandler(handler)
            handler.close()
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def test_default_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("CITYWALL_DATA", str(tmp_path / "given"))
    assert folders.default() == tmp_path / "given"
    monkeypatch.delenv("CITYWALL_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert folders.default() == tmp_path / "citywall"
    monkeypatch.setenv("XDG_DATA_HOME", "relative/is/ignored")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert folders.default() == tmp_path / ".local" / "share" / "citywall"


def test_log_goes_into_the_data_folder(tmp_path: Path):
    file = folders.start_log(tmp_path, "info")
    folders.start_log(tmp_path, "info")  # a second start does not double the lines
    logging.getLogger("stream").info("checkpoint %d", 7)
    logging.getLogger("stream").debug("not this")
    assert file == folders.log_file(tmp_path)
    lines = file.read_text("utf-8").splitlines()
    assert len(lines) == 1
    assert lines[0].endswith("INFO stream: checkpoint 7")


def test_a_folder_that_cannot_be_written_is_left_to_the_run(tmp_path: Path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert folders.start_log(blocked, "info") is None


def test_kernels_compiled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(kernelcache, "folder_for", lambda _source: tmp_path)
    assert not folders.kernels_compiled()
    (tmp_path / "decode.nbi").touch()
    assert folders.kernels_compiled()
