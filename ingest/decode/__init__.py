"""Packet decode: blocks of a capture become `citywall.batches.PACKET` rows and link-layer events."""

from ingest.decode.blocks import BlockRef, Interface, Section
from ingest.decode.counts import WALK_ERRORS, DecodeCounts
from ingest.decode.reading import decode_block, link_events

__all__ = [
    "WALK_ERRORS",
    "BlockRef",
    "DecodeCounts",
    "Interface",
    "Section",
    "decode_block",
    "link_events",
]
