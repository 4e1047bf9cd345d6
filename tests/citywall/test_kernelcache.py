"""Compiled kernels are kept apart by the sources they come from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from citywall import kernelcache


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(kernelcache, "ROOT", tmp_path)
    monkeypatch.setenv("CITYWALL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    monkeypatch.delitem(kernelcache.sys.modules, "numba", raising=False)
    (tmp_path / "ingest").mkdir()
    (tmp_path / "ingest" / "kernels.py").write_text("a = 1\n")
    return tmp_path


def test_a_changed_source_gets_a_new_folder(house: Path):
    first = kernelcache.prepare()
    assert kernelcache.prepare() == first
    assert os.environ["NUMBA_CACHE_DIR"] == str(first)
    (house / "ingest" / "kernels.py").write_text("a = 2\n")
    assert kernelcache.prepare() != first


def test_old_folders_are_dropped(house: Path):
    for n in range(kernelcache.KEEP + 3):
        (house / "ingest" / "kernels.py").write_text(f"a = {n}\n")
        last = kernelcache.prepare()
    kept = list(last.parent.iterdir())
    assert len(kept) == kernelcache.KEEP
    assert last in kept


def test_an_unwritable_cache_falls_back(house: Path, monkeypatch: pytest.MonkeyPatch):
    blocker = house / "file"
    blocker.write_text("")
    monkeypatch.setenv("CITYWALL_CACHE_DIR", str(blocker / "under"))
    folder = kernelcache.prepare()
    assert folder.is_dir()
    assert "citywall-kernels" in str(folder)
