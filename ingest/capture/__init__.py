"""Capture files: opened, mapped and cut into blocks that travel the stream as references.

What reads the blocks is `ingest.decode`; its names are here too, since whoever wants one wants the other.
"""

from ingest.capture.files import CaptureFile, open_capture
from ingest.decode import WALK_ERRORS, BlockRef, DecodeCounts, Interface, Section, decode_block, link_events

__all__ = [
    "WALK_ERRORS",
    "BlockRef",
    "CaptureFile",
    "DecodeCounts",
    "Interface",
    "Section",
    "decode_block",
    "link_events",
    "open_capture",
]
