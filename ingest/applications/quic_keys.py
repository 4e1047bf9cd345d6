"""The keys of QUIC's first packets, which follow from what the client's says (RFC 9001 §5, RFC 9369)."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ingest.applications.aes import kernels

V1, V2, DRAFT_29 = 0x0000_0001, 0x6B33_43CF, 0xFF00_001D
#: By version: its salt, what its keys are called, and the type of a first packet.
VERSIONS = {
    V1: (bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"), b"quic", 0),
    V2: (bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"), b"quicv2", 1),
    DRAFT_29: (bytes.fromhex("afbfec289993d24c9e9786f19c6111e04390a899"), b"quic", 0),
}
_SAMPLE_AT, _SAMPLE = 4, 16
#: Bytes behind a packet that say whether it is whole; they are not checked.
_TAG = 16


class Keys(NamedTuple):
    """Of one direction: round keys of packets and of headers, and what packet numbers are laid over."""

    packet: NDArray[np.uint8]
    header: NDArray[np.uint8]
    iv: bytes


@lru_cache(maxsize=1024)
def keys_of(version: int, connection: bytes) -> tuple[Keys, Keys]:
    """The keys of both directions, for the connection id that the client chose for its server."""
    salt, prefix, _ = VERSIONS[version]
    first = hmac.digest(salt, connection, "sha256")
    sides = []
    for side in (b"client in", b"server in"):
        secret = _expand(first, side, 32)
        packet, iv, header = (
            _expand(secret, prefix + b" " + what, n) for what, n in ((b"key", 16), (b"iv", 12), (b"hp", 16))
        )
        sides.append(Keys(_rounds(packet), _rounds(header), iv))
    return sides[0], sides[1]


def compile_opening() -> None:
    """Compile the kernels, where that has to be."""
    unprotect(bytes(64), 8, 64, keys_of(V1, bytes(8))[0])


def _expand(secret: bytes, label: bytes, length: int) -> bytes:
    """HKDF-Expand-Label (RFC 8446 §7.1) of at most one hash."""
    label = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes((len(label),)) + label + b"\0\1"
    return hmac.new(secret, info, hashlib.sha256).digest()[:length]


def _rounds(key: bytes) -> NDArray[np.uint8]:
    keys = np.zeros(176, np.uint8)
    kernels.expand(np.frombuffer(key, np.uint8), keys)
    return keys


def unprotect(data: bytes, number_at: int, end: int, keys: Keys) -> bytes | None:
    """The content of the packet `data[:end]` whose number stands at `number_at`; None where it is too short.

    What is not encrypted with these keys comes out as noise.
    """
    at = number_at + _SAMPLE_AT
    if at + _SAMPLE > end:
        return None
    block, state, pad = (np.zeros(16, np.uint8) for _ in range(3))
    kernels.encrypt(keys.header, np.frombuffer(data, np.uint8, _SAMPLE, at), state, pad)
    mask = pad.tobytes()
    size = ((data[0] ^ mask[0]) & 3) + 1
    number = bytes(a ^ b for a, b in zip(data[number_at : number_at + size], mask[1:5], strict=False))
    nonce = int.from_bytes(keys.iv, "big") ^ int.from_bytes(number, "big")
    first = np.frombuffer(nonce.to_bytes(12, "big") + b"\0\0\0\2", np.uint8)
    body = np.frombuffer(data, np.uint8)[number_at + size : max(end - _TAG, number_at + size)]
    out = np.empty(len(body), np.uint8)
    kernels.count(keys.packet, first, body, block, state, pad, out)
    return out.tobytes()
