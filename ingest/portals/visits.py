"""What one probe of a page saw, and what is known of the page from before."""

from __future__ import annotations

import msgspec

from ingest.portals.certificates import Shown
from ingest.portals.page import Hidden, Page

#: How a page was asked for.
ORDINARY, SPIDER, SEARCH = "ordinary", "spider", "search"


class Answer(msgspec.Struct, frozen=True):
    """One request, with the redirects that were followed.

    `away` is the host that it was led to and that is not the portal's; `error` is why nothing came:
    `no_address`, `refused`, `timeout`, `tls`, `broken`.
    """

    status: int = 0
    error: str = ""
    hops: tuple[str, ...] = ()
    away: str = ""
    size: int = 0
    cut: bool = False
    page: Page | None = None

    @property
    def down(self) -> bool:
        """Whether there is nothing to be had."""
        return bool(self.error) or self.status >= 500


class Visit(msgspec.Struct, frozen=True):
    """A probe of one page: what came for an ordinary visitor, and beside it for others.

    Times in ns. `source` and `address` are ours and the server's, empty where there is no way to it.
    """

    portal: str
    url: str
    time: int
    answer: Answer
    source: str = ""
    address: str = ""
    port: int = 0
    others: dict[str, Answer] = {}
    certificate: Shown | None = None


class Known(msgspec.Struct, frozen=True):
    """What a page is compared with. `probes` were learned from; `page` is the last that had not drifted.

    Hosts are those that its pages used, led to, and hid. `cloak` is how much it usually gives others another
    page, in thousandths.
    """

    probes: int = 0
    status: int = 0
    page: Page | None = None
    titles: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    away: tuple[str, ...] = ()
    diverts: tuple[str, ...] = ()
    refresh: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    cloak: int = 0
    accepted_by: str = ""
    accepted_at: int = 0


class Drift(msgspec.Struct, frozen=True):
    """One way in which a visit is not as it should be. `measure` says how much, in the unit of its kind.

    `began` is when it was first seen and `before` its measure a probe ago, 0 where it was not there.
    """

    kind: str
    value: str = ""
    measure: int = 1
    grave: bool = False  # against what is declared, or with what only dark links have
    began: int = 0
    before: int = 0


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """A visit as it is written down, with everything that detection needs: one line of a file of records."""

    portal: str
    url: str
    visited: int
    drifts: tuple[Drift, ...] = ()
    previous: int = 0
    learned: int = 0
    status: int = 0
    error: str = ""
    source: str = ""
    address: str = ""
    port: int = 0
    hops: tuple[str, ...] = ()
    size: int = 0
    title: str = ""
    hidden: tuple[Hidden, ...] = ()
    certificate: Shown | None = None
