from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from playbooks.nftables import netlink as n


def test_attributes_are_padded_and_read_back() -> None:
    data = n.text(1, "abc") + n.u32(2, 5) + n.nested(3, n.u64(1, 7)) + n.attribute(2, b"x")
    assert len(data) % 4 == 0
    found = n.attributes(data)
    assert (found[1], found[2]) == ([b"abc\0"], [b"\0\0\0\5", b"x"])
    assert n.attributes(found[3][0])[1] == [(7).to_bytes(8, "big")]


@given(st.binary(max_size=64))
def test_any_bytes_are_read(data: bytes) -> None:
    n.attributes(data)


def test_the_kernel_says_what_is_wrong(space: Any) -> None:
    code = """
        from playbooks.nftables import netlink as n
        with n.Netlink() as line:
            try:
                line.batch([n.Message(n.DELETE_TABLE, 0, n.text(1, "nothing"))])
            except OSError as e:
                print(e.errno)
    """
    assert space.run(code).splitlines() == ["2"]
