"""A card travels unchanged."""

from __future__ import annotations

import msgspec

from citywall.cards import DetectorCard


def test_a_card_survives_a_message():
    card = DetectorCard(
        "x", 1, "X", "某", (("T1046", "N", "TA0007", "D"),), "attack", "网络扫描探测", "attack"
    )
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(card), type=DetectorCard) == card
