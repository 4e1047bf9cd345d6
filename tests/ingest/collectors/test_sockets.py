"""Datagrams off real sockets on loopback, of both families."""

from __future__ import annotations

import ipaddress
import socket
import struct

import pytest

from citywall.errors import InputError, SettingsError
from ingest.collectors.framing.kernels import FILLED
from ingest.collectors.sockets import Gathered, Sockets, parse_address


def records_of(gathered: Gathered) -> list[tuple[str, int, bytes, int]]:
    """(sender, its port, content, port it was sent to) of the records."""
    raw, at, got = gathered.out[: gathered.filled].tobytes(), 0, []
    while at < len(raw):
        (size,) = struct.unpack_from("<I", raw, at + 8)
        packet = raw[at + 16 : at + 16 + size]
        header = 20 if packet[0] >> 4 == 4 else 40
        sender = packet[12:16] if header == 20 else packet[8:24]
        ports = struct.unpack_from(">HH", packet, header)
        got.append((str(ipaddress.ip_address(sender)), ports[0], packet[header + 8 :], ports[1]))
        at += 16 + size
    return got


def take_all(sockets: Sockets, wanted: int) -> list[tuple[str, int, bytes, int]]:
    gathered = Gathered(1 << 20)
    while gathered.datagrams < wanted:
        ready = sockets.receive(5)
        assert ready, "nothing came"
        for number in ready:
            sockets.take(number, gathered)
    return records_of(gathered)


def test_what_reaches_a_multiple_of_the_piece_is_whole_and_the_rest_stays():
    gathered = Gathered(100)
    gathered.place(130)
    assert (gathered.full, gathered.whole) == (70, 0)
    gathered.state[FILLED], gathered.out[:175] = 175, range(175)
    assert gathered.whole == 170
    gathered.written(170)
    assert (gathered.origin, gathered.filled, gathered.full, gathered.whole) == (300, 5, 100, 0)
    assert gathered.out[:5].tolist() == [170, 171, 172, 173, 174]
    gathered.written(5)
    assert (gathered.origin, gathered.filled, gathered.full) == (305, 0, 95)


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
        got = take_all(sockets, 1)
    sockets.close()
    assert [data for _, _, data, _ in got] == [raw[at : at + 1000] for at in range(0, len(raw), 1000)]
    assert {address for address, *_ in got} == {"127.0.0.1"}
