"""Netlink messages for nftables (linux/netlink.h, nfnetlink.h, nf_tables.h), as many as blocks need.

A batch is one transaction of the kernel: all of it takes effect, or nothing. Headers and lengths are in the
machine's byte order, numbers within attributes in the network's.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

NETLINK_NETFILTER = 12
REQUEST, ACK, EXCL, CREATE, DUMP, APPEND = 0x1, 0x4, 0x200, 0x400, 0x300, 0x800
NEW_TABLE, NEW_CHAIN, NEW_RULE = 0, 3, 6
NEW_SET, GET_SET, NEW_ELEMENT, GET_ELEMENT, DELETE_ELEMENT, DELETE_TABLE = 9, 10, 12, 13, 14, 2
INET = 1  # NFPROTO_INET: IPv4 and IPv6
_SUBSYSTEM = 10  # NFNL_SUBSYS_NFTABLES
_BATCH_BEGIN, _BATCH_END, _ERROR, _DONE = 0x10, 0x11, 0x2, 0x3
_NESTED = 0x8000
_HEADER = struct.Struct("=IHHII")
_GENERAL = struct.Struct("!BBH")  # nfgenmsg
_ATTRIBUTE = struct.Struct("=HH")
_RECEIVE = 1 << 18
_TIMEOUT_S = 10


class Message(NamedTuple):
    """One message of a batch: its kind, flags beside REQUEST and ACK, and its attributes."""

    kind: int
    flags: int
    body: bytes


def attribute(kind: int, value: bytes) -> bytes:
    """An attribute, padded."""
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + bytes(-length % 4)


def nested(kind: int, *inner: bytes) -> bytes:
    """An attribute that holds others."""
    return attribute(kind | _NESTED, b"".join(inner))


def text(kind: int, value: str) -> bytes:
    """A text, ended by a zero."""
    return attribute(kind, value.encode("ascii") + b"\0")


def u32(kind: int, value: int) -> bytes:
    """A number of 32 bits."""
    return attribute(kind, struct.pack("!I", value & 0xFFFF_FFFF))


def u64(kind: int, value: int) -> bytes:
    """A number of 64 bits."""
    return attribute(kind, struct.pack("!Q", value))


def attributes(data: bytes) -> dict[int, list[bytes]]:
    """The attributes in some bytes, by kind, in order."""
    found: dict[int, list[bytes]] = {}
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size or at + length > len(data):
            break
        found.setdefault(kind & 0x3FFF, []).append(data[at + _ATTRIBUTE.size : at + length])
        at += length + (-length % 4)
    return found


class Netlink:
    """A line to the kernel. Every method raises OSError with the kernel's number of what is wrong."""

    def __init__(self) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER
        )
        self._socket.settimeout(_TIMEOUT_S)
        self._socket.bind((0, 0))
        self._sequence = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def batch(self, messages: Sequence[Message]) -> None:
        """Do all or nothing."""
        first = self._sequence + 1
        parts = [self._packed(_BATCH_BEGIN, REQUEST, b"", 0, _SUBSYSTEM)]
        waited = set()
        for message in messages:
            kind = _SUBSYSTEM << 8 | message.kind
            parts.append(self._packed(kind, REQUEST | ACK | message.flags, message.body, INET, 0))
            waited.add(self._sequence)
        parts.append(self._packed(_BATCH_END, REQUEST, b"", 0, _SUBSYSTEM))
        self._socket.send(b"".join(parts))
        while waited:
            for kind, sequence, body in self._receive():
                if kind == _ERROR and sequence >= first:
                    _raise(body)
                    waited.discard(sequence)

    def dump(self, kind: int, body: bytes) -> list[bytes]:
        """The answers to a question for a list."""
        return list(self._ask(kind, REQUEST | DUMP, body))

    def get(self, kind: int, body: bytes) -> bytes:
        """The answer to a question for one thing."""
        return next(iter(self._ask(kind, REQUEST | ACK, body)), b"")

    def _ask(self, kind: int, flags: int, body: bytes) -> Iterator[bytes]:
        self._socket.send(self._packed(_SUBSYSTEM << 8 | kind, flags, body, INET, 0))
        sequence = self._sequence
        while True:
            for answered, number, data in self._receive():
                if number != sequence:
                    continue
                if answered == _ERROR:
                    _raise(data)
                    return
                if answered == _DONE:
                    return
                yield data[_GENERAL.size :]

    def _packed(self, kind: int, flags: int, body: bytes, family: int, resource: int) -> bytes:
        self._sequence += 1
        body = _GENERAL.pack(family, 0, resource) + body
        return _HEADER.pack(_HEADER.size + len(body), kind, flags, self._sequence, 0) + body

    def _receive(self) -> Iterator[tuple[int, int, bytes]]:
        data = self._socket.recv(_RECEIVE)
        at = 0
        while at + _HEADER.size <= len(data):
            length, kind, _, sequence, _ = _HEADER.unpack_from(data, at)
            yield kind, sequence, data[at + _HEADER.size : at + length]
            at += max(length + (-length % 4), _HEADER.size)


def _raise(body: bytes) -> None:
    (number,) = struct.unpack_from("=i", body)
    if number:
        raise OSError(-number, os.strerror(-number))
