"""Every keyword there is: one line a family."""

from __future__ import annotations

from rules.keywords import (
    application,
    content,
    events,
    expressions,
    flow,
    http2,
    limits,
    meta,
    numbers,
    packet,
    sticky,
    transforms,
)
from rules.keywords.base import Keyword

KEYWORDS: dict[str, Keyword] = {
    **sticky.KEYWORDS,
    **content.KEYWORDS,
    **expressions.KEYWORDS,
    **numbers.KEYWORDS,
    **transforms.KEYWORDS,
    **packet.KEYWORDS,
    **flow.KEYWORDS,
    **limits.KEYWORDS,
    **events.KEYWORDS,
    **application.KEYWORDS,
    **http2.KEYWORDS,
    **meta.KEYWORDS,
}
