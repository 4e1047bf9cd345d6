"""Captures: made once, found again, deleted unless kept."""

from __future__ import annotations

import shutil

import pytest

from bench import captures
from bench.captures import Captures
from bench.errors import BenchError


@pytest.fixture
def made(monkeypatch):
    """Counts what is generated and writes stand-ins."""
    calls: list[list[str]] = []

    def run(argv, **_):
        calls.append(argv)
        path, packets = argv[-4], argv[-3]
        with open(path, "wb") as file:  # noqa: PTH123
            file.write(b"x" * 100)
        return captures.process.Usage(0, 0, 0, f'{{"packets": {packets}}}')

    monkeypatch.setattr(captures.process, "run", run)
    return calls


def test_a_capture_is_generated_once_and_deleted_at_the_end(tmp_path, made):
    store = Captures(folder=tmp_path)
    first, second = store.get(1000), store.get(1000)
    assert first is second
    assert first.facts == {"packets": 1000}
    first.warm()
    store.get(1000, "million")
    assert len(made) == 2
    store.close()
    assert list(tmp_path.iterdir()) == []


def test_a_kept_capture_is_found_again(tmp_path, made):
    store = Captures(keep=True, folder=tmp_path)
    path = store.get(1000).path
    store.close()
    assert path.exists()
    again = Captures(keep=True, folder=tmp_path)
    assert again.get(1000).facts == {"packets": 1000}
    assert again.get(1000).path == path
    assert len(made) == 1
    assert Captures(keep=True, seed=2, folder=tmp_path).get(1000).path != path


def test_a_changed_generator_makes_other_captures(tmp_path, made, monkeypatch):
    generator = tmp_path / "generator"
    generator.mkdir()
    (generator / "a.py").write_text("1", "utf-8")
    monkeypatch.setattr(captures, "GENERATOR", generator)
    before = Captures(folder=tmp_path).get(1000).path
    (generator / "a.py").write_text("2", "utf-8")
    after = Captures(folder=tmp_path).get(1000).path
    assert after != before
    assert after.exists()
    assert not before.exists()
    assert not before.with_suffix(".json").exists()


def test_a_full_disk_is_told_before_anything_is_written(tmp_path, made, monkeypatch):
    monkeypatch.setattr(
        captures.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1 << 40, 1 << 40, 1 << 20)
    )
    with pytest.raises(BenchError, match="1 MiB free"):
        Captures(folder=tmp_path).get(2_000_000)
    assert made == []


def test_the_real_generator_is_called(tmp_path):
    store = Captures(folder=tmp_path)
    capture = store.get(1000)
    assert capture.facts["packets"] == 1000
    assert capture.path.stat().st_size == capture.facts["bytes"]
    assert captures.page_cache_holds(capture)
    store.close()
