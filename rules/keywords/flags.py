"""Keywords about bits of messages that have names, and other small numbers of MQTT, WebSocket, SNMP, FTP."""

from __future__ import annotations

from collections.abc import Mapping

from rules.keywords.base import Keyword, bit_names, demand
from rules.language.builder import Builder
from rules.language.model import TO_SERVER, Number

_BYTE, _WORD = 255, (1 << 32) - 1
_CONNECT = {"username": 128, "password": 64, "will_retain": 32, "will": 4, "clean_session": 2}
_TRAPS = {
    name: number
    for number, name in enumerate(
        (
            "coldstart", "warmstart", "linkdown", "linkup", "authenticationfailure", "egpneighborloss",
            "enterprisespecific",
        )
    )
}  # fmt: skip
_OPCODES = {"continuation": 0, "text": 1, "binary": 2, "close": 8, "ping": 9, "pong": 10}


def _bits(field: str, protocol: str, names: Mapping[str, int], side: int = 0) -> Keyword:
    """Bits by name, or a comparison of the number they make."""

    def setup(builder: Builder, value: str) -> None:
        builder.allow(frozenset({protocol}), field)
        found = bit_names(builder, value, field, names) or demand(builder, value, field, _BYTE)
        found.side = side
        builder.rule.fields.append(found)

    return Keyword(setup)


def _number(field: str, protocol: str, top: int, names: Mapping[str, int] | None = None) -> Keyword:
    def setup(builder: Builder, value: str) -> None:
        builder.allow(frozenset({protocol}), field)
        builder.rule.fields.append(demand(builder, value, field, top, names))

    return Keyword(setup)


def _word(field: str, protocol: str, words: Mapping[str, int]) -> Keyword:
    """One of a few words."""

    def setup(builder: Builder, value: str) -> None:
        builder.allow(frozenset({protocol}), field)
        number = words.get(value.strip().lower())
        if number is None:
            raise builder.fault(f"{field} is {' or '.join(words)}")
        builder.rule.fields.append(Number(field, number, number))

    return Keyword(setup)


KEYWORDS = {
    "mqtt.flags": _bits("mqtt.flags", "mqtt", {"dup": 8, "retain": 1}, TO_SERVER),
    "mqtt.connect.flags": _bits("mqtt.connect.flags", "mqtt", _CONNECT, TO_SERVER),
    "websocket.flags": _bits("websocket.flags", "websocket", {"fin": 128, "comp": 64}),
    "websocket.opcode": _number("websocket.opcode", "websocket", _BYTE, _OPCODES),
    "websocket.mask": _number("websocket.mask", "websocket", _WORD),
    "snmp.trap_type": _number("snmp.trap_type", "snmp", _BYTE, _TRAPS),
    "ftp.mode": _word("ftp.mode", "ftp", {"active": 0, "passive": 1}),
    "ftp.dynamic_port": _number("ftp.dynamic_port", "ftp", 65535),
    "ftp.reply_received": _word(
        "ftp.reply_received",
        "ftp",
        {"yes": 1, "true": 1, "1": 1, "on": 1, "no": 0, "false": 0, "0": 0, "off": 0},
    ),
}
