from __future__ import annotations

import msgspec
import pytest

from alerts.documents import Doc, encoded


class Body(msgspec.Struct):
    name: str
    more: dict[str, int]


def test_a_body_is_the_same_bytes_whatever_its_order_and_comes_back() -> None:
    one, other = Body("a", {"x": 1, "y": 2}), Body("a", {"y": 2, "x": 1})
    assert encoded(one) == encoded(other)
    assert Doc("kind", "1", encoded(one)).read(Body) == one
    with pytest.raises(msgspec.DecodeError):
        Doc("kind", "1", b"{").read(Body)
