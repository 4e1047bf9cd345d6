from __future__ import annotations

from types import SimpleNamespace

import pytest

from citywall.errors import StreamError
from stream.kafka.seals import check, seal


def record(value: bytes | None, headers: list[tuple[str, bytes]]) -> SimpleNamespace:
    return SimpleNamespace(topic="t", partition=2, offset=7, value=value, headers=headers)


@pytest.mark.parametrize("value", [b"", None, b"abc", bytes(1 << 20)])
def test_what_was_sealed_passes(value: bytes | None):
    check(record(value, seal(value)))
    check(record(value, []))  # not ours
    check(record(value, [("other", b"x")]))


def test_one_changed_bit_is_seen():
    with pytest.raises(StreamError, match="t/2: record 7 came damaged"):
        check(record(b"abb", seal(b"abc")))
