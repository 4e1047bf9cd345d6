"""Every keyword there is: one line a family."""

from __future__ import annotations

from rules.keywords import (
    application,
    certificates,
    content,
    counts,
    datasets,
    encodings,
    events,
    expressions,
    flags,
    flow,
    http2,
    industrial,
    limits,
    meta,
    numbers,
    packet,
    reputation,
    sticky,
    transforms,
    unread,
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
    **datasets.KEYWORDS,
    **http2.KEYWORDS,
    **industrial.KEYWORDS,
    **certificates.KEYWORDS,
    **flags.KEYWORDS,
    **counts.KEYWORDS,
    **encodings.KEYWORDS,
    **reputation.KEYWORDS,
    **unread.KEYWORDS,
    **meta.KEYWORDS,
}
