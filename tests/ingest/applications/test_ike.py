from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.ike import Ike, looks
from ingest.applications.tables import ANOMALIES

PORTS = (500, 500)


def payload(following: int, body: bytes) -> bytes:
    return bytes([following, 0]) + (len(body) + 4).to_bytes(2, "big") + body


def message(first: int, *bodies: tuple[int, bytes], version: int = 0x10, exchange: int = 2, flags: int = 0):
    """A message of payloads, each (kind of the next, content)."""
    inner = b"".join(payload(kind, body) for kind, body in bodies)
    head = b"\x11" * 8 + b"\x22" * 8 + bytes([first, version, exchange, flags]) + bytes(4)
    return head + (28 + len(inner)).to_bytes(4, "big") + inner


def association(*attributes: bytes) -> bytes:
    """IPsec, its situation, one proposal with one transform."""
    transform = payload(0, b"\x01\x01\0\0" + b"".join(attributes))
    proposal = payload(0, b"\x01\x01\x00\x01" + transform)
    return b"\0\0\0\x01\0\0\0\x01" + proposal


def transforms(*those: tuple[int, int], proto: int = 1) -> bytes:
    """A proposal of version 2."""
    each = b"".join(b"\x03\0\0\x08" + bytes([kind, 0]) + number.to_bytes(2, "big") for kind, number in those)
    head = bytes([1, proto, 0, len(those)])
    return b"\0\0" + (len(each) + 8).to_bytes(2, "big") + head + each


def events(said) -> set[str]:
    return {ANOMALIES[kind] for kind, *_ in said.parser.anomalies}


_SA = association(b"\x80\x01\0\x07", b"\x80\x02\0\x02", b"\0\x0c\0\x04\0\0\x70\x80", b"\x80\x01\0\x05")


def test_version_1(speak):
    asked = message(1, (13, _SA), (13, b"vendor"), (4, b"other"), (10, b"key!"), (0, b"once"))
    answered = message(1, (0, _SA))
    said = speak("ike", [(0, asked), (1, answered), (1, answered)], PORTS, "udp")
    assert said.integers("ike.exchtype") == [2, 2, 2]
    assert said.values("ike.init_spi") == [b"11" * 8]
    assert said.values("ike.resp_spi") == [b"22" * 8] * 2
    assert said.values("ike.vendor") == [b"vendor".hex().encode(), b"other".hex().encode()]
    assert said.values("ike.key_exchange_payload") == [b"key!"]
    assert (said.integers("ike.nonce_payload_length"), said.values("ike.nonce_payload")) == ([4], [b"once"])
    assert said.integers("ike.sa.alg_enc") == [7, 7]  # of those that the server chose, the first
    assert said.integers("ike.sa.sa_life_duration") == [28800, 28800]
    assert events(said) == {"ike.multiple_server_proposal"}


def test_what_is_encrypted_is_not_read(speak):
    said = speak("ike", [(0, message(5, (0, b"\xff" * 9), flags=1))], PORTS, "udp")
    assert (said.integers("ike.exchtype"), events(said)) == ([2], set())


@pytest.mark.parametrize(
    ("those", "proto", "expected"),
    [
        ([(1, 12), (2, 5), (3, 12), (4, 14), (5, 0)], 1, set()),
        ([(1, 20), (2, 5), (4, 19)], 1, set()),  # integrity with the encryption
        ([(1, 3), (2, 2), (3, 2), (4, 2)], 1, {"enc", "prf", "auth", "dh"}),
        ([(1, 12), (2, 5)], 1, {"no_dh", "no_auth"}),
        ([(1, 12), (3, 0), (4, 14)], 1, {"no_auth"}),
        ([(4, 0), (3, 12), (9, 1)], 2, {"invalid_proposal", "unknown_proposal", "no_encryption"}),
    ],
)
def test_what_is_weak_in_version_2(speak, those, proto: int, expected: set[str]):
    asked = message(33, (0, transforms(*those, proto=proto)), version=0x20, exchange=34)
    said = speak("ike", [(0, asked), (1, asked)], PORTS, "udp")
    told = {name.removeprefix("ike.").removeprefix("weak_crypto_") for name in events(said)}
    assert told == expected
    groups = [number for kind, number in those if kind == 4]
    assert said.integers("ike.sa.alg_dh") == groups


def test_what_is_cut_off_is_told(speak):
    whole = message(33, (0, transforms((1, 12), (4, 14), (3, 12))), version=0x20, exchange=34)
    for size in (20, len(whole) - 1):
        assert events(speak("ike", [(0, whole[:size])], PORTS, "udp")) == {"ike.malformed_data"}


@given(st.binary(max_size=120), st.sampled_from([b"\x10\x02\0", b"\x20\x22\0"]))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_borne(data: bytes, version: bytes):
    parser = Ike(ApplicationSettings(), PORTS)
    parser.datagram(0, bytes(16) + b"\x21" + version + data, 1, 1)
    parser.datagram(1, bytes(16) + b"\x01" + version + data, 2, 2)
    assert len(parser.closed) == 2


def test_what_it_looks_like():
    old, new = message(1, (0, _SA)), message(33, (0, b""), version=0x20, exchange=34)
    assert looks(0, old, PORTS)
    assert looks(1, new, (4000, 500))
    assert not looks(0, new + b"x", PORTS)
    assert not looks(0, old, (4500, 4500))
    assert not looks(0, message(33, version=0x20, exchange=33), PORTS)
    assert not looks(0, message(33, version=0x30), PORTS)
