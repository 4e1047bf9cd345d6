from __future__ import annotations

import socket
from typing import Any

from console.doctor import engines


def test_transport(world: Any):
    assert [found.text for found in engines.transport(world())] == ["transport_embedded"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        told = engines.transport(world(f"transport=kafka://127.0.0.1:{port},127.0.0.1:1"))
        assert [found.text for found in told] == ["answers", "no_answer"]


def test_store(world: Any):
    assert [found.text for found in engines.store(world())] == ["store"]
    assert [found.text for found in engines.store(world("store=http://127.0.0.1:1"))] == ["store_failed"]
