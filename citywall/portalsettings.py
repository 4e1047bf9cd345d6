"""Settings of the probe of portals, part of `citywall.settings`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

_BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)


class PortalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[portals]`: how the pages of registered portals are fetched."""

    probe: Annotated[
        bool, Meta(description="Have the service probe the portals of the register, each in its interval.")
    ] = True
    timeout_s: Annotated[
        float, Meta(gt=0, le=120, description="Seconds that fetching one page may take, redirects included.")
    ] = 20.0
    max_kib: Annotated[
        int, Meta(ge=16, le=16384, description="KiB of a page that are read; what follows is cut off.")
    ] = 2048
    redirects: Annotated[
        int, Meta(ge=0, le=10, description="Redirects that are followed, within the portal's own hosts.")
    ] = 5
    at_once: Annotated[
        int, Meta(ge=1, le=64, description="Portals that are probed at once; pages of one come in turn.")
    ] = 4
    pause_s: Annotated[
        float, Meta(ge=0, le=60, description="Seconds between two requests to the same portal.")
    ] = 1.0
    learn: Annotated[
        int, Meta(ge=1, le=1000, description="Probes of a page from which is learned what is on it.")
    ] = 3
    agent: Annotated[
        str, Meta(min_length=1, max_length=300, description="User agent of the ordinary visit.")
    ] = _BROWSER
    spider: Annotated[
        str,
        Meta(
            max_length=300,
            description="User agent of the visit as a search engine; empty for none of that kind.",
        ),
    ] = "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)"
    referrer: Annotated[
        str,
        Meta(
            max_length=300,
            description="Where the visit from a search result says it comes from; empty for no such visit.",
        ),
    ] = "https://www.baidu.com/link?url=citywall"
    keep_days: Annotated[
        int, Meta(ge=1, le=3650, description="Days that records of probes are kept in the data folder.")
    ] = 190
