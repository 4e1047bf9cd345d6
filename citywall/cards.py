"""What a detector is, apart from what it says: the card that the alert writer copies into every alert."""

from __future__ import annotations

import msgspec


class DetectorCard(msgspec.Struct, frozen=True):
    """Metadata of one detector.

    `attck` holds (technique id, technique name, tactic id, tactic name); `gb_class` and `gb_subclass`
    name the incident class of GB/T 20986-2023; `axis` is one of attack, malware, tamper, leak, paralysis
    (防攻击, 防病毒, 防篡改, 防泄漏, 防瘫痪).
    """

    id: str
    version: int
    title_en: str
    title_zh: str
    attck: tuple[tuple[str, str, str, str], ...]
    gb_class: str
    gb_subclass: str
    axis: str
