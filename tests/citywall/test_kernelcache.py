"""Compiled kernels are kept apart by the sources they come from."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from citywall import kernelcache


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(kernelcache, "ROOT", tmp_path)
    monkeypatch.setenv("CITYWALL_CACHE_DIR", str(tmp_path / "cache"))
    for room, text in (("a", "from b.kernels import f\n"), ("b", "f = 1\n"), ("c", "g = 1\n")):
        (tmp_path / room).mkdir()
        (tmp_path / room / "kernels.py").write_text(text)
    return tmp_path


def folder(path: Path) -> Path:
    kernelcache.folder_for.cache_clear()
    return kernelcache.folder_for(path)


def test_a_changed_source_gets_a_new_folder(house: Path):
    source = house / "b" / "kernels.py"
    first = folder(source)
    assert folder(source) == first
    source.write_text("f = 2\n")
    assert folder(source) != first


def test_a_changed_callee_counts_and_a_stranger_does_not(house: Path):
    source = house / "a" / "kernels.py"
    first = folder(source)
    (house / "c" / "kernels.py").write_text("g = 2\n")
    assert folder(source) == first
    (house / "b" / "kernels.py").write_text("f = 2\n")
    assert folder(source) != first


def test_files_of_one_name_are_kept_apart(house: Path):
    (house / "c" / "kernels.py").write_text((house / "b" / "kernels.py").read_text())
    assert folder(house / "c" / "kernels.py") != folder(house / "b" / "kernels.py")


def test_old_folders_are_dropped(house: Path):
    source = house / "b" / "kernels.py"
    for n in range(kernelcache.KEEP + 3):
        source.write_text(f"f = {n}\n")
        last = folder(source)
    kept = list(last.parent.iterdir())
    assert len(kept) == kernelcache.KEEP
    assert last in kept


def test_an_unwritable_cache_falls_back(house: Path, monkeypatch: pytest.MonkeyPatch):
    blocker = house / "file"
    blocker.write_text("")
    monkeypatch.setenv("CITYWALL_CACHE_DIR", str(blocker / "under"))
    found = folder(house / "c" / "kernels.py")
    assert found.is_dir()
    assert "citywall-kernels" in str(found)


def kernel_in(folder: Path) -> None:
    (folder / "f.nbi").write_bytes(b"")


def test_all_is_compiled_as_long_as_it_stands(house: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kernelcache, "ROOMS", ("a", "b", "c"))
    assert not kernelcache.whole()
    for room in ("a", "b"):  # what stands in the third is called by others only
        kernel_in(folder(house / room / "kernels.py"))
    kernelcache.note_whole()
    assert kernelcache.whole()
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    assert not kernelcache.whole()
    monkeypatch.delenv("NUMBA_CPU_NAME")
    assert kernelcache.whole()
    next(folder(house / "b" / "kernels.py").glob("*.nbi")).unlink()
    assert not kernelcache.whole()


def test_a_changed_module_that_holds_no_kernel_is_seen(house: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kernelcache, "ROOMS", ("a", "b", "c"))
    (house / "b" / "layout.py").write_text("SIZE = 1\n")
    (house / "b" / "kernels.py").write_text("from b.layout import SIZE\nf = SIZE\n")
    kernelcache.note_whole()
    assert kernelcache.whole()
    (house / "b" / "layout.py").write_text("SIZE = 2\n")
    assert not kernelcache.whole()


def test_where_the_sources_stand_does_not_matter(tmp_path: Path):
    """What one installation compiled is found by another of the same sources."""
    seen = []
    for place in ("one", "two"):
        root = tmp_path / place
        shutil.copytree(kernelcache.ROOT / "citywall", root / "citywall")
        (root / "citywall" / "twice").mkdir()
        (root / "citywall" / "twice" / "kernels.py").write_text(
            "from citywall.kernels import kernel\n\n\ndef _double(n):\n    return 2 * n\n\n\n"
            "double = kernel(_double)\n"
        )
        code = "from citywall.twice.kernels import double; print(double(21), len(double.stats.cache_hits))"
        environment = os.environ | {"PYTHONPATH": str(root), "CITYWALL_CACHE_DIR": str(tmp_path / "cache")}
        command = [sys.executable, "-c", code]
        found = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, check=True)
        seen.append(found.stdout.split())
    assert seen == [["42", "0"], ["42", "1"]]


def test_no_room_with_kernels_is_left_out():
    own = [path for path in kernelcache.ROOT.glob("*/**/kernels.py") if ".venv" not in path.parts]
    rooms = {path.relative_to(kernelcache.ROOT).parts[0] for path in own}
    assert rooms - {"tests"} == set(kernelcache.ROOMS)
