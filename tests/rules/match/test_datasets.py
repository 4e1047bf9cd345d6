from __future__ import annotations

import hashlib

from rules.language.model import Listed
from rules.match.datasets import MOST, Sets, key


def test_what_is_looked_for():
    assert key(Listed("n", frozenset(), "md5"), b"x") == hashlib.md5(b"x").hexdigest().encode()
    assert key(Listed("n", frozenset(), wide=True), b"\1\2\3\4") == bytes(10) + b"\xff\xff\1\2\3\4"
    assert key(Listed("n", frozenset()), b"x") == b"x"


def test_a_change_agrees_where_it_makes_one():
    known = frozenset({b"a"})
    ops = {op: [Listed("n", known, op=op, live=True)] for op in ("set", "unset", "isset", "isnotset")}
    sets = Sets()
    told = [("isset", b"a"), ("set", b"a"), ("set", b"b"), ("isset", b"b"), ("unset", b"b"), ("unset", b"b"),
            ("isnotset", b"b"), ("isnotset", b"a")]  # fmt: skip
    assert [sets.take(ops[op], data) for op, data in told] == [
        True,
        False,
        True,
        True,
        True,
        False,
        True,
        False,
    ]


def test_a_full_set_takes_no_more_and_says_so():
    sets = Sets({"n": {b"%d" % i for i in range(MOST)}})
    assert not sets.take([Listed("n", frozenset(), op="set", live=True)], b"x")
    assert sets.full == 1
