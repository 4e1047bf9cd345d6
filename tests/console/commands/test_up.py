from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from citywall.errors import DataFolderBusy


@pytest.fixture(autouse=True)
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    asked: list[bool] = []
    monkeypatch.setattr("console.commands.compile.ensure", lambda _, quiet: asked.append(quiet))
    return asked


def test_it_refuses_where_nobody_could_log_in(invoke: Any, tmp_path: Path):
    done = invoke("up", "--data", str(tmp_path / "data"))
    assert done.exit_code == 1
    assert "citywall accounts init" in done.stderr


def test_options_stand_for_settings(
    people: Any, invoke: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiled: list[bool]
):
    served: list[Any] = []
    monkeypatch.setattr("stream.service.serve", lambda data, settings, **_: served.append((data, settings)))
    done = invoke("up", "--data", str(people.data), "--watch", str(tmp_path), "--interface", "eth0",
                  "--interface", "eth1")  # fmt: skip
    assert done.exit_code == 0
    [(data, settings)] = served
    assert (data, settings.service.watch) == (people.data, str(tmp_path))
    assert settings.service.interfaces == ("eth0", "eth1")
    assert "has stopped" in done.stderr
    assert compiled == [True]  # before any packet comes


def test_one_service_a_folder(people: Any, invoke: Any, monkeypatch: pytest.MonkeyPatch):
    def busy(*_: Any, **__: Any) -> None:
        raise DataFolderBusy("in use")

    monkeypatch.setattr("stream.service.serve", busy)
    assert invoke("up", "--data", str(people.data)).exit_code == 1
