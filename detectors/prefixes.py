"""Sets of networks: whether addresses, one or many at a time, lie in them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_V4 = 0xFFFF << 32


class Prefixes:
    """Networks given as text, IPv4 and IPv6; raises ValueError where one is none."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = [ipaddress.ip_network(text, strict=False) for text in networks]
        masks = []
        for network in self._networks:
            base, length = int(network.network_address), network.prefixlen
            if network.version == 4:
                base, length = base | _V4, length + 96
            mask = ((1 << length) - 1) << (128 - length)
            masks.append(tuple((value >> 64, value & (1 << 64) - 1) for value in (base, mask)))
        self._masks = [(np.uint64(b[0]), np.uint64(b[1]), np.uint64(m[0]), np.uint64(m[1])) for b, m in masks]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._networks)

    @property
    def words(self) -> NDArray[np.uint64]:
        """Base and mask of each network in two words each, for kernels: u8[networks, 4]."""
        return np.array(self._masks, np.uint64).reshape(-1, 4)

    def hold(self, hi: NDArray[Any], lo: NDArray[Any]) -> NDArray[np.bool_]:
        """Which of the addresses lie in any of the networks."""
        inside = np.zeros(len(hi), bool)
        for base_hi, base_lo, mask_hi, mask_lo in self._masks:
            inside |= ((hi & mask_hi) == base_hi) & ((lo & mask_lo) == base_lo)
        return inside

    def holds(self, address: str) -> bool:
        """Whether an address as text lies in any of the networks."""
        if not self._networks:
            return False
        place = ipaddress.ip_address(address)
        return any(place in network for network in self._networks)
