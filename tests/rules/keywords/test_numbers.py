from __future__ import annotations

from rules.language.model import ByteExtract, ByteJump, ByteMath, ByteTest, Entropy
from tests.rules.keywords.reading import read, refused


def test_all_forms():
    rule = read(
        "byte_test:4,!>=,0x10,2,little,bitmask 0xff;"
        "byte_jump:2,0,relative,multiplier 2,align,post_offset -3;"
        "byte_extract:3,1,n,relative,string,hex; byte_math:bytes 2, offset 0, oper <<, rvalue 3, result m;"
        "entropy: bytes 10, value >= 4.5; byte_test:1,=,n,0;"
    )
    test, jump, extract, math, entropy, last = rule.buffers[0].ops
    assert test == ByteTest(4, ">=", 16, 2, negated=True, little=True, mask=255)
    assert jump == ByteJump(2, 0, relative=True, multiplier=2, align=True, post=-3)
    assert extract == ByteExtract(3, 1, "n", relative=True, base=16)
    assert math == ByteMath(2, 0, "<<", 3, "m")
    assert entropy == Entropy(">=", 4.5, count=10)
    assert last.value == "n"


def test_refused():
    for options, said in (
        ("byte_test:4,~,1,0;", "comparison"),
        ("byte_test:4,=,1;", "at least"),
        ("byte_test:9,=,1,0;", "not within"),
        ("byte_test:1,=,1,0,hex;", "need string"),
        ("byte_jump:1,0,nonsense;", "nonsense"),
        ("byte_jump:1,0,from_end,from_beginning;", "exclude"),
        ("byte_extract:1,0,9x;", "call a variable"),
        ("byte_math:bytes 1, offset 0, oper %, rvalue 1, result x;", "cannot do"),
        ("byte_math:bytes 1;", "needs"),
        ("entropy: value > much;", "no number"),
    ):
        assert said in refused(options)
