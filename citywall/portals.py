"""Portals: the web pages that a government answers for, and what may change on them. Shared by all rooms."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

#: How a pin begins: the SHA-256 of the certificate's public key (RFC 7469), in Base64.
PIN = "sha256/"
#: Minutes between two probes where a portal does not say.
INTERVAL_MIN = 30


class Portal(msgspec.Struct, frozen=True):
    """A registered portal. It belongs to where its `asset`, `system` or `unit` belongs.

    `ignore`: parts of the page whose text changes by nature, as simple selectors (`tag`, `#id`, `.class`).
    `domains`: other sites that its pages may use and lead to (`*.` for all below). `pins` and `issuers`: what
    certificates must have; empty for what was learned. `interval`: minutes between two probes.
    """

    id: str
    name: str
    urls: tuple[str, ...]
    name_en: str = ""
    asset: str = ""
    system: str = ""
    unit: str = ""
    ignore: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    interval: int = INTERVAL_MIN

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts of its pages."""
        return frozenset(host_of(url) for url in self.urls)

    def expects(self, host: str) -> bool:
        """Whether its pages may use, or lead to, a host."""
        return host in self.hosts or within(host, self.domains)


def host_of(url: str) -> str:
    """The host of a URL in lower case, without brackets; empty where it has none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def port_of(url: str) -> int:
    """The port that a URL leads to; 0 for one that leads nowhere."""
    try:
        parts = urlsplit(url)
        return parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return 0


def within(host: str, domains: tuple[str, ...]) -> bool:
    """Whether `host` is one of `domains`; `*.example.cn` is every name below, and the name itself."""
    for domain in domains:
        below = domain.removeprefix("*.")
        if host == below or (below != domain and host.endswith(f".{below}")):
            return True
    return False


#: What can be said of a page, by number (EVENT.type of PORTAL_DRIFT). Of each: whether it is told apart by
#: what it names (a new script's host), so that a second one is told beside the first.
DRIFTS: tuple[tuple[str, bool], ...] = (
    ("none", False),
    ("down", False),  # nothing comes, or an error of the server; counted probe by probe
    ("status", False),  # the server refuses the page that it gave; counted probe by probe
    ("redirected", True),  # leads to a host that is not declared
    ("rewritten", False),  # text or build changed by so many thousandths
    ("title", False),
    ("script", True),  # from a host that is not known here
    ("frame", True),
    ("form", True),
    ("links", False),  # leads to so many hosts that are not known here
    ("hidden", False),  # so many hidden links to hosts that are not known here
    ("words", False),  # so many words of dark links that were not here
    ("cloaked", True),  # something else for search engines, or for who comes from one
    ("diverted", True),  # a script leads away by where somebody comes from
    ("refresh", True),  # leads away by itself
    ("certificate", True),  # another key
    ("issuer", True),  # another issuer, or one that is not allowed
    ("expiry", False),  # so many days are left
    ("names", True),  # the certificate is not for this host
)
DRIFT_NAMES = tuple(name for name, _ in DRIFTS)
DRIFT_CODES = {name: code for code, name in enumerate(DRIFT_NAMES)}
#: Drifts that are told apart by what they name.
APART = frozenset(name for name, apart in DRIFTS if apart)
#: Days left are told with so many added, so that they are never below nothing.
PAST_DAYS = 10_000
