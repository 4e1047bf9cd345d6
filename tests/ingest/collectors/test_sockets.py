"""Datagrams off real sockets on loopback, of both families."""

from __future__ import annotations

import socket

import pytest

from citywall.addresses import to_text
from citywall.errors import InputError, SettingsError
from ingest.collectors.sockets import Sockets, parse_address


def take_all(sockets: Sockets, wanted: int) -> list[tuple[str, int, bytes, int]]:
    got = []
    while len(got) < wanted:
        ready = sockets.receive(5)
        assert ready, "nothing came"
        for number in ready:
            while (r := sockets.take(number)) is not None:
                for i, n in enumerate(r.lengths.tolist()):
                    data = r.buffer[r.starts[i] : r.starts[i] + n].tobytes()
                    got.append((to_text(int(r.hi[i]), int(r.lo[i])), int(r.sender_ports[i]), data, r.port))
    return got


def test_what_is_sent_comes_with_its_sender():
    sockets = Sockets(("127.0.0.1:0", "[::]:0"), 1 << 20)
    four, both = sockets.ports
    senders = [socket.socket(family, socket.SOCK_DGRAM) for family in (socket.AF_INET, socket.AF_INET6)]
    try:
        for each in senders:
            each.bind(("127.0.0.1" if each.family == socket.AF_INET else "::1", 0))
        largest = bytes(range(256)) * 250
        senders[0].sendto(b"one", ("127.0.0.1", four))
        senders[0].sendto(largest, ("127.0.0.1", both))
        senders[1].sendto(b"", ("::1", both))
        ports = [each.getsockname()[1] for each in senders]
        assert sorted(take_all(sockets, 3)) == sorted(
            [
                ("127.0.0.1", ports[0], b"one", four),
                ("127.0.0.1", ports[0], largest, both),
                ("::1", ports[1], b"", both),
            ]
        )
    finally:
        sockets.close()
        for each in senders:
            each.close()


def test_what_the_kernel_drops_is_counted():
    sockets = Sockets(("127.0.0.1:0",), 4096)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        to = ("127.0.0.1", sockets.ports[0])
        for _ in range(100):
            sender.sendto(bytes(1000), to)
        got = take_all(sockets, 1)
        sender.sendto(b"told", to)  # carries the count
        got += take_all(sockets, 1)
    sockets.close()
    assert len(got) - 1 + sockets.dropped == 100
    assert sockets.dropped > 0


def test_the_room_is_what_the_kernel_grants():
    sockets = Sockets(("127.0.0.1:0", "127.0.0.1:0"), 1 << 16)
    assert 1 << 16 <= sockets.room <= 1 << 18
    sockets.close()
    assert sockets.room == 0


def test_addresses_that_are_none_or_taken():
    assert parse_address("[2001:db8::1]:2055") == ("2001:db8::1", 2055)
    for text in ("2055", "localhost:2055", "127.0.0.1:x", "127.0.0.1:70000", ":2055"):
        with pytest.raises(SettingsError):
            parse_address(text)
    first = Sockets(("127.0.0.1:0",), 1 << 16)
    with pytest.raises(InputError, match="cannot be listened on"):
        Sockets((f"127.0.0.1:{first.ports[0]}",), 1 << 16)
    first.close()


def test_what_the_kernel_put_together_is_taken_apart():
    sockets = Sockets(("127.0.0.1:0",), 1 << 20)
    to = ("127.0.0.1", sockets.ports[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        try:
            sender.setsockopt(socket.IPPROTO_UDP, 103, 1000)  # UDP_SEGMENT: many datagrams by one call
        except OSError:
            pytest.skip("this kernel does not segment datagrams")
        raw = bytes(i // 1000 for i in range(9500))
        sender.sendto(raw, to)
        (number,) = sockets.receive(5)
        received = sockets.take(number)
        assert received is not None
        got = [
            received.buffer[at : at + n].tobytes()
            for at, n in zip(received.starts.tolist(), received.lengths.tolist(), strict=True)
        ]
    sockets.close()
    assert got == [raw[at : at + 1000] for at in range(0, len(raw), 1000)]
    assert {to_text(int(hi), int(lo)) for hi, lo in zip(received.hi, received.lo, strict=True)} == {
        "127.0.0.1"
    }
    assert received.messages == 1
