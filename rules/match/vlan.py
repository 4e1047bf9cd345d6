"""VLAN tags of a packet, all of them, against `vlan.id` and `vlan.layers`."""

from __future__ import annotations

from rules.language.model import Number
from rules.match.scene import Scene, tags

#: Numbers that are asked of the tags begin with this.
PREFIX = "vlan.id,"
LAYERS = "vlan.layers"
_TAGS = (b"\x81\x00", b"\x88\xa8", b"\x91\x00")
#: Tags of one packet that are looked at.
MOST = 3


def identifiers(scene: Scene, row: int) -> list[int]:
    """VLAN identifiers from the outermost tag on; none of what travels in a virtual network."""
    if not int(tags(scene)[row]):
        return []
    start = int(scene.packets["offset"][row])
    frame = scene.buffer[start : start + int(scene.packets["captured"][row])][: 14 + 4 * MOST].tobytes()
    found: list[int] = []
    at = 12
    while len(found) < MOST and frame[at : at + 2] in _TAGS and at + 4 <= len(frame):
        found.append(int.from_bytes(frame[at + 2 : at + 4], "big") & 0xFFF)
        at += 4
    return found


def agrees(scene: Scene, row: int, number: Number) -> bool:
    """Whether a packet's tags are as `vlan.id:number,any|all|layer` or `vlan.layers` demands."""
    found = identifiers(scene, row)
    if number.name == LAYERS:
        return number.agrees(len(found))
    where = number.name.removeprefix(PREFIX)
    if where == "any":
        return any(number.agrees(each) for each in found)
    if where == "all":
        return bool(found) and all(number.agrees(each) for each in found)
    layer = int(where)
    return -len(found) <= layer < len(found) and number.agrees(found[layer])
