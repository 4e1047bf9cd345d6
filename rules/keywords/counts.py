"""Keywords about how long a flow lasts and what went over it, as of each packet."""

from __future__ import annotations

from rules.keywords.base import Keyword, demand, packet_number
from rules.language.builder import Builder

_TOP, _MOST = (1 << 32) - 1, (1 << 62) - 1
_SIDES = ("toserver", "toclient", "either")


def _sided(keyword: str, top: int) -> Keyword:
    """`flow.pkts:toclient,>20`."""

    def setup(builder: Builder, value: str) -> None:
        side, comma, rest = value.partition(",")
        side = side.strip()
        if not comma or side not in _SIDES:
            raise builder.fault(f"{keyword} takes toserver, toclient or either, and a number")
        builder.rule.numbers.append(demand(builder, rest, f"{keyword}.{side}", top))
        builder.packet_only = builder.packet_only or keyword

    return Keyword(setup)


KEYWORDS = {
    "flow.age": packet_number("flow.age", _TOP, "flow.age"),
    "flow.pkts": _sided("flow.pkts", _TOP),
    "flow.bytes": _sided("flow.bytes", _MOST),
    **{
        f"{keyword}_{side}": packet_number(f"{keyword}.{side}", top, f"{keyword}_{side}")
        for keyword, top in (("flow.pkts", _TOP), ("flow.bytes", _MOST))
        for side in ("toserver", "toclient")
    },
}
