"""JA3, JA3S and JA4: how a TLS hello looks, by their published definitions."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import NamedTuple

_VERSIONS = {
    0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2",
    0xFEFF: "d1", 0xFEFD: "d2", 0xFEFC: "d3",
}  # fmt: skip


class Hello(NamedTuple):
    """What the fingerprints are made of."""

    version: int
    ciphers: tuple[int, ...]
    extensions: tuple[int, ...]
    groups: tuple[int, ...] = ()
    points: tuple[int, ...] = ()
    signatures: tuple[int, ...] = ()
    versions: tuple[int, ...] = ()
    alpn: tuple[bytes, ...] = ()
    named: bool = False


def is_grease(value: int) -> bool:
    """Whether a value stands for nothing (RFC 8701)."""
    return value & 0x0F0F == 0x0A0A and value >> 8 == value & 0xFF


def _joined(values: tuple[int, ...]) -> str:
    return "-".join(str(v) for v in values if not is_grease(v))


@lru_cache(1024)  # a program greets the same way each time
def ja3(hello: Hello) -> bytes:
    """The JA3 string of a client's hello."""
    parts = (hello.ciphers, hello.extensions, hello.groups, hello.points)
    return ",".join((str(hello.version), *map(_joined, parts))).encode()


def ja3s(version: int, cipher: int, extensions: tuple[int, ...]) -> bytes:
    """The JA3S string of a server's hello."""
    return f"{version},{cipher},{'-'.join(map(str, extensions))}".encode()


def md5(text: bytes) -> bytes:
    """How JA3 strings are shortened."""
    return hashlib.md5(text, usedforsecurity=False).hexdigest().encode()


@lru_cache(1024)
def ja4(hello: Hello, *, quic: bool = False) -> bytes:
    """JA4 of a client's hello."""
    version = max((v for v in hello.versions if not is_grease(v)), default=hello.version)
    ciphers = [c for c in hello.ciphers if not is_grease(c)]
    extensions = [e for e in hello.extensions if not is_grease(e)]
    alpn = "00"
    if hello.alpn and hello.alpn[0]:
        first, last = hello.alpn[0][:1], hello.alpn[0][-1:]
        if first.isalnum() and last.isalnum():
            alpn = (first + last).decode("ascii")
        else:
            alpn = first.hex()[0] + last.hex()[1]
    head = (
        f"{'q' if quic else 't'}{_VERSIONS.get(version, '00')}{'d' if hello.named else 'i'}"
        f"{min(len(ciphers), 99):02d}{min(len(extensions), 99):02d}{alpn}"
    )
    listed = ",".join(sorted(f"{c:04x}" for c in ciphers))
    rest = ",".join(sorted(f"{e:04x}" for e in extensions if e not in (0, 16)))
    signatures = [s for s in hello.signatures if not is_grease(s)]
    if signatures:
        rest += "_" + ",".join(f"{s:04x}" for s in signatures)
    return f"{head}_{_twelve(listed, bool(ciphers))}_{_twelve(rest, bool(extensions))}".encode()


def _twelve(text: str, there: bool) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12] if there else "0" * 12
