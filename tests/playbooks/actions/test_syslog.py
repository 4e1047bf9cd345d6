from __future__ import annotations

import socket
from typing import Any

import pytest

from playbooks.actions.base import Failed
from playbooks.actions.syslog import Command, Syslog

EVENT = Command(event="a|b\\c", severity=8, fields={"src": "10.0.0.1", "msg": "x=y\nz"})


def test_udp(unit: Any, world: Any) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        place = f"playbooks.syslog=udp://127.0.0.1:{server.getsockname()[1]}"
        Syslog().act(unit(EVENT), world(place))
        text = server.recv(4096).decode()
    assert text.startswith("<107>1 2023-11-14T22:13:20.000000Z ")
    head, _, tail = text.partition("CEF:0|Citywall|Citywall|")
    assert head.endswith(" citywall - playbook - ")
    assert tail.endswith(
        "|playbook|a\\|b\\\\c|8|externalId=" + "k" * 32 + " cs1Label=run cs1=run-1 src=10.0.0.1 msg=x\\=y\\nz"
    )


def test_tcp_counts_octets(unit: Any, world: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        Syslog().act(unit(EVENT), world(f"playbooks.syslog=tcp://127.0.0.1:{server.getsockname()[1]}"))
        taken, _ = server.accept()
        with taken:
            data = taken.makefile("rb").read()
    length, _, rest = data.partition(b" ")
    assert int(length) == len(rest)


def test_nowhere_to_send(unit: Any, world: Any) -> None:
    with pytest.raises(Failed, match="no_syslog"):
        Syslog().plan(unit(EVENT), world())
    with pytest.raises(Failed, match="unreachable"):
        Syslog().act(unit(EVENT), world("playbooks.syslog=tcp://127.0.0.1:9"))
    assert Syslog.repeatable
