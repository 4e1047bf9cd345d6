"""Keys and packets as RFC 9001 and RFC 9369 have them in their appendices."""

from __future__ import annotations

import numpy as np
import pytest

from citywall.kernels import JIT
from ingest.applications import quic_keys
from ingest.applications.aes import kernels

CONNECTION = bytes.fromhex("8394c8f03e515708")


@pytest.mark.parametrize(
    ("version", "key", "iv", "header"),
    [
        (
            quic_keys.V1, "1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c",
            "9f50449e04a0e810283a1e9933adedd2",
        ),
        (
            quic_keys.V2, "8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f",
            "45b95e15235d6f45a6b19cbcb0294ba9",
        ),
    ],
)  # fmt: skip
def test_the_client_s_keys(version, key, iv, header):
    client, _ = quic_keys.keys_of(version, CONNECTION)
    assert client.iv.hex() == iv
    for got, wanted in ((client.packet, key), (client.header, header)):
        rounds = np.zeros(176, np.uint8)
        kernels.expand(np.frombuffer(bytes.fromhex(wanted), np.uint8), rounds)
        assert got.tobytes() == rounds.tobytes()


def test_the_server_s_packet():
    """RFC 9001, A.3."""
    packet = bytes.fromhex(
        "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a99f"
        "5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4cdd93795"
        "d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc42158407dd074ee"
    )
    _, server = quic_keys.keys_of(quic_keys.V1, CONNECTION)
    plain = quic_keys.unprotect(packet, 18, len(packet), server)
    assert plain is not None
    assert plain.hex().startswith(
        "02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf73988cfc79825df"
    )
    assert quic_keys.unprotect(packet[:30], 18, 30, server) is None


def test_the_kernels_can_be_compiled_ahead():
    quic_keys.compile_opening()
    assert kernels.count.signatures or not JIT
