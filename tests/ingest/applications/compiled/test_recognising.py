"""What the kernel finds is what the parsers' own `looks` find, one after the other."""

from __future__ import annotations

import pytest

from ingest.applications import registry
from ingest.applications.compiled.recognising import compile_recognising, recognise
from ingest.applications.registry import TCP, UDP, among

CASES = [
    (0, b"", (4000, 80)), (0, b"GET / HTTP/1.1\r\n", (4000, 80)), (1, b"SSH-2.0-x\r\n", (4000, 902)),
    (0, b"\xff" * 5000, (4000, 7)), (0, b"\0\7\1\0\0\1\0\0\0\0\0\0\3www\0\0\1\0\1", (4000, 53)),
    (1, b"+OK ready\r\n", (4000, 110)), (0, b"GE", (4000, 7)),
]  # fmt: skip


@pytest.mark.parametrize(("direction", "data", "ports"), CASES)
@pytest.mark.parametrize("protocols", [(), ("http", "dns"), ("ntp",)])
def test_it_answers_as_the_registry_does(direction, data, ports, protocols):
    for udp, names in ((False, TCP), (True, UDP)):
        expected = registry.recognise(among(names, protocols), direction, data, ports)
        assert recognise(protocols, direction, data, ports, udp=udp) == expected


def test_every_example_is_recognised(examples):
    compile_recognising()
    found = {}
    for name, (turns, ports, carrier) in examples.items():
        direction, data = turns[0]
        names = UDP if carrier == "udp" else TCP
        if name in names:
            found[name] = recognise((), direction, data, ports, udp=carrier == "udp")
    assert found == {name: name for name in found}
    assert len(found) > 20
