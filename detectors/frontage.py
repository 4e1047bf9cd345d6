"""Where portals are served, and what is expected of them: what detectors know of the register's portals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.portals import Portal, within


class Front(msgspec.Struct, frozen=True):
    """A portal at addresses from `start` to `stop`, both included (128 bits, IPv4 mapped), of a domain.

    `ports` are those of its pages, `pins` the first eight bytes of the keys that it may show.
    """

    portal: Portal
    domain: int
    start: int
    stop: int
    ports: tuple[int, ...]
    pins: tuple[int, ...] = ()

    def serves(self, name: str) -> bool:
        """Whether a name of a certificate (of one label `*`) is for one of its pages; also no name at all."""
        return not name or any(host == name or within(host, (name,)) for host in self.portal.hosts)


class Frontage:
    """Many fronts; asking whether addresses are of any is one binary search."""

    def __init__(self, fronts: Iterable[Front] = ()) -> None:
        self.fronts = tuple(fronts)
        spans: list[list[int]] = []
        for front in sorted(self.fronts, key=lambda f: f.start):
            if spans and front.start <= spans[-1][1] + 1:
                spans[-1][1] = max(spans[-1][1], front.stop)
            else:
                spans.append([front.start, front.stop])
        words = np.array([[v >> 64, v & (1 << 64) - 1] for span in spans for v in span], np.uint64)
        keys = _keys(words[:, 0], words[:, 1]) if spans else np.zeros(0, "S16")
        self._starts, self._stops = keys[0::2], keys[1::2]

    def sources(self, events: NDArray[np.void]) -> NDArray[np.bool_]:
        """Which EVENT rows have a host with a portal as their source, in any domain, from any port."""
        if not len(self._starts):
            return np.zeros(len(events), np.bool_)
        keys = _keys(events["src_hi"], events["src_lo"])
        at = np.searchsorted(self._starts, keys, "right") - 1
        return np.asarray((at >= 0) & (keys <= self._stops[np.maximum(at, 0)]), np.bool_)

    def at(self, hi: int, lo: int, domain: int, port: int) -> list[Front]:
        """The portals that are served at one place."""
        place = int(hi) << 64 | int(lo)
        return [
            front for front in self.fronts
            if front.start <= place <= front.stop and front.domain == domain and port in front.ports
        ]  # fmt: skip


def _keys(hi: NDArray[Any], lo: NDArray[Any]) -> NDArray[Any]:
    """Addresses as sixteen bytes that sort as the numbers do."""
    words = np.empty((len(hi), 2), ">u8")
    words[:, 0], words[:, 1] = hi, lo
    return words.view("S16").ravel()
