from __future__ import annotations

import hashlib

from rules.language.model import Listed
from rules.match.datasets import MOST, Sets, holds, key


def test_what_is_looked_for():
    assert key(Listed("n", frozenset(), "md5"), b"x") == hashlib.md5(b"x").hexdigest().encode()
    assert key(Listed("n", frozenset(), wide=True), b"\1\2\3\4") == bytes(10) + b"\xff\xff\1\2\3\4"
    assert key(Listed("n", frozenset()), b"x") == b"x"


def test_what_lies_in_a_listed_domain():
    known = frozenset({b".evil.com", b"evil.org"})
    within = Listed("n", known, above=True)
    names = (
        b".evil.com",
        b".a.evil.com",
        b".b.a.evil.com",
        b".notevil.com",
        b"..evil.com",
        b"a.evil.org",
        b"",
    )
    assert [holds(within, name, known) for name in names] == [True, True, True, False, False, False, False]
    assert not holds(Listed("n", known), b".a.evil.com", known)
    assert not holds(within, b".a" * 200 + b".evil.com", known)
    live = Listed("n", known, live=True, above=True)
    assert Sets().take([live], b".a.evil.com")
    assert not Sets().take([Listed("n", known, op="isnotset", live=True, above=True)], b".a.evil.com")


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
