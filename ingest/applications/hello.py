"""The two hellos of TLS, taken apart (RFC 8446 §4.1); QUIC carries them too."""

from __future__ import annotations

from ingest.applications.fingerprints import Hello, ja3, ja4, md5
from ingest.applications.parser import Transaction
from ingest.applications.tables import TO_SERVER

_SERVER_NAME, _GROUPS, _POINTS, _SIGNATURES, _ALPN, _VERSIONS = 0, 10, 11, 13, 16, 43


class Cut(ValueError):
    """A message is shorter than it says."""


class Reader:
    """Reads a message from its beginning; raises Cut at its end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, n: int) -> bytes:
        """The next `n` bytes."""
        if self.at + n > len(self.data):
            raise Cut
        self.at += n
        return self.data[self.at - n : self.at]

    def number(self, n: int) -> int:
        """The next `n` bytes as a number."""
        return int.from_bytes(self.take(n), "big")

    def vector(self, n: int) -> bytes:
        """Bytes behind their length of `n` bytes."""
        return self.take(self.number(n))

    @property
    def left(self) -> int:
        """Bytes not read."""
        return len(self.data) - self.at


def _pairs(data: bytes) -> tuple[int, ...]:
    return tuple(data[i] << 8 | data[i + 1] for i in range(0, len(data) - 1, 2))


def _extensions(reader: Reader) -> list[tuple[int, bytes]]:
    out: list[tuple[int, bytes]] = []
    if reader.left >= 2:
        inner = Reader(reader.vector(2))
        while inner.left >= 4 and len(out) < 1024:
            kind = inner.number(2)
            out.append((kind, inner.vector(2)))
    return out


def _names(data: bytes) -> tuple[bytes, ...]:
    reader, out = Reader(data[2:]), []
    while reader.left:
        out.append(reader.vector(1))
    return tuple(out)


def read_client(body: bytes) -> tuple[Hello, bytes, bytes, str]:
    """A client's hello: for fingerprints, the server name, the random, and what is odd."""
    reader = Reader(body)
    version = reader.number(2)
    random = reader.take(32)
    reader.vector(1)
    ciphers = _pairs(reader.vector(2))
    reader.vector(1)
    server_name, event = b"", ""
    lists: dict[int, tuple[int, ...]] = {}
    alpn: tuple[bytes, ...] = ()
    kinds: list[int] = []
    for kind, data in _extensions(reader):
        if kind == _SERVER_NAME and kind in kinds:
            event = "tls.multiple_sni_extensions"
        elif kind == _SERVER_NAME and len(data) >= 5:
            if data[2] != 0:
                event = "tls.invalid_sni_type"
            length = data[3] << 8 | data[4]
            if 5 + length > len(data):
                event = "tls.invalid_sni_length"
            else:
                server_name = data[5 : 5 + length]
        elif kind in (_GROUPS, _SIGNATURES):
            lists[kind] = _pairs(data[2:])
        elif kind == _VERSIONS:
            lists[kind] = _pairs(data[1:])
        elif kind == _POINTS:
            lists[kind] = tuple(data[1:])
        elif kind == _ALPN:
            alpn = _names(data)
        kinds.append(kind)
    get = lists.get
    hello = Hello(
        version, ciphers, tuple(kinds), get(_GROUPS, ()), get(_POINTS, ()), get(_SIGNATURES, ()),
        get(_VERSIONS, ()), alpn, _SERVER_NAME in kinds,
    )  # fmt: skip
    return hello, server_name, random, event


def put_client(
    transaction: Transaction,
    frame: int,
    hello: Hello,
    server_name: bytes,
    random: bytes,
    *,
    quic: bool = False,
) -> None:
    """A client's hello as buffers."""
    put, d = transaction.put, TO_SERVER
    if server_name:
        put("quic.sni" if quic else "tls.sni", d, frame, server_name)
    text = ja3(hello)
    put("ja3.string", d, frame, text)
    put("ja3.hash", d, frame, md5(text))
    put("ja4.hash", d, frame, ja4(hello, quic=quic))
    put("tls.random", d, frame, random)
    put("tls.random_time", d, frame, random[:4])
    put("tls.random_bytes", d, frame, random[4:])
    transaction.note("tls.version", d, frame, hello.version)
    for part, name in enumerate(hello.alpn):
        put("tls.alpn", d, frame, name, part)


def read_server(body: bytes) -> tuple[int, int, int, tuple[int, ...], bytes, bytes]:
    """A server's hello: version as it stands there, the one chosen, cipher, extensions, protocol, random."""
    reader = Reader(body)
    legacy = version = reader.number(2)
    random = reader.take(32)
    reader.vector(1)
    cipher = reader.number(2)
    reader.take(1)
    kinds, alpn = [], b""
    for kind, data in _extensions(reader):
        kinds.append(kind)
        if kind == _VERSIONS and len(data) == 2:
            version = int.from_bytes(data, "big")
        elif kind == _ALPN:
            alpn = b"".join(_names(data)[:1])
    return legacy, version, cipher, tuple(kinds), alpn, random
