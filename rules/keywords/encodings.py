"""Keywords about how something is encoded."""

from __future__ import annotations

import re

from rules.keywords.base import Keyword
from rules.language.builder import Builder
from rules.language.model import Asn1

_WORDS = re.compile(r"[,\s]+")
_TOP = (1 << 32) - 1


def asn1(builder: Builder, value: str) -> None:
    """`asn1:oversize_length 1024, double_overflow, bitstring_overflow, relative_offset 4`, or absolute."""
    op = Asn1(column=builder.column)
    words = [word for word in _WORDS.split(value.strip().strip('"')) if word]
    while words:
        word = words.pop(0)
        if word == "bitstring_overflow":
            op.bits = True
        elif word == "double_overflow":
            op.double = True
        elif word in {"oversize_length", "absolute_offset", "relative_offset"} and words:
            number = words.pop(0)
            if word == "oversize_length":
                op.longest = builder.number(number, word, 0, _TOP)
            elif word == "absolute_offset":
                op.offset, op.relative = builder.number(number, word, 0, 65535), False
            else:
                op.offset, op.relative = builder.number(number, word, -65535, 65535), True
        else:
            raise builder.fault(f"asn1 does not know {word!r}")
    if not (op.bits or op.double or op.longest is not None):
        raise builder.fault("asn1 asks for nothing")
    builder.add(op)


KEYWORDS = {"asn1": Keyword(asn1)}
