"""SNMP (RFC 1157, 3416, 3412): each message is a transaction."""

from __future__ import annotations

from typing import ClassVar

from ingest.applications.der import Broken, integer, item_at, items, oid
from ingest.applications.parser import Parser
from ingest.applications.tables import TO_CLIENT, TO_SERVER

_PDUS = range(0xA0, 0xA9)
_RESPONSE = 0xA2


class Snmp(Parser):
    """One conversation's messages."""

    name: ClassVar[str] = "snmp"

    def datagram(self, direction: int, data: bytes, frame: int, time: int) -> None:
        """A message."""
        made = self.begin(frame, time)
        try:
            fields = items(item_at(data, 0).data)
            version = integer(fields[0].data)
            made.note("snmp.version", direction, frame, version + 1 if version < 3 else version)
            if version < 2:
                made.put("snmp.community", direction, frame, fields[1].data)
                pdu = fields[2]
                if pdu.tag in _PDUS:
                    made.note("snmp.pdu_type", direction, frame, pdu.tag - 0xA0)
                    direction = TO_CLIENT if pdu.tag == _RESPONSE else direction
                    for part, pair in enumerate(items(items(pdu.data)[-1].data, 256)):
                        made.put(
                            "snmp.pdu_oid", direction, frame, oid(items(pair.data)[0].data).encode(), part
                        )
            elif version == 3 and len(fields) > 2:
                security = items(item_at(fields[2].data, 0).data)
                if len(security) > 3:
                    made.put("snmp.usm", direction, frame, security[3].data)
        except (Broken, IndexError):
            self.odd("snmp.malformed_data", direction, frame, made)
        made.whole(direction, frame)
        self.finish(made)


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether a datagram is a message: by port and its first fields."""
    if (
        not {161, 162} & set(ports)
        or len(data) < 10
        or data[0] != 0x30
        or direction not in (TO_SERVER, TO_CLIENT)
    ):
        return False
    try:
        first = item_at(data, item_at(data, 0).start)
    except Broken:
        return False
    return first.tag == 2 and first.data in (b"\0", b"\1", b"\3")
