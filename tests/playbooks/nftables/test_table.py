"""Real blocks in a network namespace: what is blocked is dropped, what is not passes, and blocks end."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from playbooks.nftables import table

HEAD = "import ipaddress, time\nfrom playbooks.nftables import table as t\nn = ipaddress.ip_network\n"


@pytest.mark.parametrize(
    ("prefix", "inside", "outside"),
    [
        ("192.0.2.1/32", "192.0.2.1", "192.0.2.2"),
        ("192.0.2.0/24", "192.0.2.2", "198.51.100.5"),
        ("2001:db8::1/128", "2001:db8::1", "2001:db8:1::5"),
        ("2001:db8:1::/64", "2001:db8:1::5", "2001:db8::1"),
    ],
)
def test_what_is_blocked_is_dropped_and_nothing_else(
    space: Any, prefix: str, inside: str, outside: str
) -> None:
    assert space.pings(inside)
    assert int(space.run(HEAD + f"t.block(n('{prefix}'), 60); print(t.remaining_ms(n('{prefix}')))")) > 50_000
    assert not space.pings(inside)
    assert space.pings(outside)
    assert space.run(HEAD + f"print(t.unblock(n('{prefix}')), t.unblock(n('{prefix}')))") == "True False"
    assert space.pings(inside)


def test_a_block_ends_by_itself_and_is_made_longer_never_shorter(space: Any) -> None:
    code = HEAD + (
        "a = n('192.0.2.9'); t.block(a, 600); t.block(a, 1); one = t.remaining_ms(a); t.block(a, 6000)\n"
        "two = t.remaining_ms(a); t.unblock(a); t.block(a, 1); time.sleep(1.2)\n"
        "print(one > 500_000, two > 5_000_000, t.remaining_ms(a), t.remaining_ms(n('10.0.0.0/9')))"
    )
    assert space.run(code) == "True True None None"


def test_the_script_says_what_is_done() -> None:
    said = table.script(ipaddress.ip_network("192.0.2.0/24"), 600)
    assert "ip saddr & 255.255.255.0 @v4_24 counter drop" in said
    assert said.splitlines()[-1] == "add element inet citywall v4_24 { 192.0.2.0 timeout 600s }"
