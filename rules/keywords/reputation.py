"""Keywords about what lists say of addresses."""

from __future__ import annotations

from rules.keywords.base import Keyword
from rules.language.builder import Builder
from rules.language.model import Number, Reputation
from rules.reputation import NO_LISTS

_SIDES = frozenset({"any", "src", "dst", "both"})
_MOST = 127


def iprep(builder: Builder, value: str) -> None:
    """`iprep:any|src|dst|both,CATEGORY,<|>|=|<=|>=,0..127`, or `isset`, `isnotset` for the comparison."""
    parts = [part.strip() for part in value.strip().strip('"').split(",")]
    if len(parts) not in {3, 4} or parts[0] not in _SIDES or not parts[1]:
        raise builder.fault("iprep takes a side (any, src, dst, both), a category and a comparison")
    side, category, op = parts[:3]
    if len(parts) == 3:
        if op not in {"isset", "isnotset"}:
            raise builder.fault(f"iprep does not know {op!r}")
        low, high = 0, _MOST
    else:
        number = builder.number(parts[3], "iprep", 0, _MOST)
        spans = {
            "<": (0, number - 1), ">": (number + 1, _MOST), "=": (number, number), "<=": (0, number),
            ">=": (number, _MOST),
        }  # fmt: skip
        if op not in spans:
            raise builder.fault(f"iprep does not know the comparison {op!r}")
        low, high = spans[op]
    asked = Reputation(side, category, Number("reputation", low, high), op == "isnotset")
    builder.rule.reputations.append(asked)
    if NO_LISTS not in builder.rule.cannot:
        builder.rule.cannot.append(NO_LISTS)


KEYWORDS = {"iprep": Keyword(iprep)}
