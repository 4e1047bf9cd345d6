from __future__ import annotations

import shutil
import socket
from typing import Any, NamedTuple

import pytest

from console import folders
from console.doctor import machine


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_python(world: Any):
    assert [found.state for found in machine.python(world())] == ["good"]


def test_disk(world: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10, 9, 1))
    assert [found.text for found in machine.disk(world())] == ["disk_low"]
    monkeypatch.setattr("os.access", lambda *_: False)
    assert [found.text for found in machine.disk(world())] == ["data_not_writable"]


def test_kernels(world: Any, monkeypatch: pytest.MonkeyPatch):
    for compiled, text in ((True, "kernels"), (False, "kernels_not_compiled")):
        monkeypatch.setattr(folders, "kernels_compiled", lambda compiled=compiled: compiled)
        assert [found.text for found in machine.kernels(world())] == [text]


def test_programs(world: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if name == "nft" else None)
    assert [found.text for found in machine.programs(world())] == [
        "program",
        "program_tcpdump",
        "program_tmux",
    ]


def test_live(world: Any, monkeypatch: pytest.MonkeyPatch):
    for error, text in ((PermissionError(), "live_not_allowed"), (OSError(5, "x"), "live_failed")):

        def refused(*_: object, error: OSError = error) -> None:
            raise error

        monkeypatch.setattr(socket, "socket", refused)
        assert [found.text for found in machine.live(world())] == [text]
