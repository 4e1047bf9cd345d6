"""Names of hosts and networks as findings give them."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall.addresses import mac_to_text, to_text
from citywall.batches import PROTOCOL_NAMES, SCTP, TCP, UDP
from citywall.domains import NAMED, VNI, Domains, of_host
from citywall.findings import Endpoint, Evidence
from detectors.frontage import Frontage
from detectors.ground import Ground
from detectors.prefixes import Prefixes

#: A host itself and what is on its link (RFC 1122, 3927, 4291): never outside, whatever is said to be ours.
_HERE = ("127.0.0.0/8", "169.254.0.0/16", "::1/128", "fe80::/10")


class Places:
    """Turns words of records into endpoints and evidence; knows which networks are ours."""

    def __init__(
        self, home: Sequence[str], domains: Domains | None = None, ground: Ground | None = None
    ) -> None:
        self.ground = ground
        self.frontage = ground.frontage if ground is not None else Frontage()
        self._home = Prefixes((*home, *_HERE))
        self._domains = domains

    @property
    def home_masks(self) -> NDArray[np.uint64]:
        """Base and mask of each network of ours, two words a piece: u8[n, 4]."""
        return self._home.words

    def is_home(self, hi: int, lo: int) -> bool:
        """Whether an address is one of ours."""
        return self._home.holds(to_text(hi, lo))

    def are_home(self, hi: NDArray[Any], lo: NDArray[Any]) -> NDArray[np.bool_]:
        """Which of many addresses are ours."""
        return self._home.hold(hi, lo)

    def domain(self, domain: int) -> str:
        """What to call a domain; empty for the default one."""
        if domain == 0:
            return ""
        if self._domains is not None:
            return self._domains.name(domain)
        if domain & VNI:
            return f"vni {domain ^ VNI}"
        if domain >= NAMED:
            return f"domain {domain - NAMED}"
        outer, inner = domain >> 12, domain & 0xFFF
        return f"vlan {outer}.{inner}" if outer else f"vlan {inner}"

    def name(self, domain: int, address: str) -> str:
        """An entity's text: the address, behind its domain's name unless that is the default one."""
        called = self.domain(domain)
        return f"{called}/{address}" if called else address

    def endpoint(self, hi: int, lo: int, domain: int, port: int | None = None) -> Endpoint:
        """A host; a public address is told apart by no domain."""
        return _endpoint(hi, lo, domain, port)

    def flow(self, record: Any, which: str, src: tuple[int, int], dst: tuple[int, int]) -> Evidence:
        """The `first` or `late` flow kept in a record, as evidence."""
        return self._flow(record, f"{which}_", src, dst, int(record[f"{which}_time"]))

    def first(self, record: Any) -> Evidence:
        """The first flow kept in a record that knows both its ends."""
        src = (record["first_src_hi"], record["first_src_lo"])
        dst = (record["first_dst_hi"], record["first_dst_lo"])
        return self._flow(record, "first_", src, dst, int(record["first_time"]))

    def first_packet(self, record: Any, mac: int, proto: str) -> Evidence:
        """The first packet of address resolution kept in a record."""
        names = ("frame", "offset", "time", "src_hi", "src_lo", "dst_hi", "dst_lo", "domain")
        return self.packet({name: record[f"first_{name}"] for name in names}, mac, proto)

    def report(self, row: Any) -> Evidence:
        """The flow of a FLOW row as evidence."""
        src, dst = (row["src_hi"], row["src_lo"]), (row["dst_hi"], row["dst_lo"])
        return self._flow(row, "", src, dst, int(row["first"]))

    def packet(self, record: Any, mac: int, proto: str, prefix: str = "") -> Evidence:
        """A packet of address resolution, of an EVENT row or kept in a record under `prefix`, as evidence."""
        domain = int(record[f"{prefix}domain"])
        frame = int(record[f"{prefix}frame"])
        asker = self.endpoint(record["src_hi"], record["src_lo"], domain)
        return Evidence(
            kind="packet",
            source=Endpoint(asker.address, asker.domain, mac=mac_to_text(mac)),
            target=self.endpoint(record[f"{prefix}dst_hi"], record[f"{prefix}dst_lo"], domain),
            proto=proto,
            time=int(record[f"{prefix}time"]),
            offset=int(record[f"{prefix}offset"]) if frame >= 0 else None,
            frame=frame if frame >= 0 else None,
        )

    @staticmethod
    def _flow(record: Any, prefix: str, src: tuple[int, int], dst: tuple[int, int], time: int) -> Evidence:
        domain_, proto_, src_port, dst_port, flow_id, frame_, offset = _NAMES[prefix]
        domain, proto, frame = record[domain_], int(record[proto_]), int(record[frame_])
        ported = proto in _PORTED
        return Evidence(
            "flow",
            _endpoint(*src, domain, record[src_port] if ported else None),
            _endpoint(*dst, domain, record[dst_port] if ported else None),
            PROTOCOL_NAMES.get(proto, str(proto)),
            time,
            int(record[flow_id]),
            int(record[offset]) if frame >= 0 else None,
            frame if frame >= 0 else None,
        )


_PORTED = frozenset((TCP, UDP, SCTP))
#: What a flow kept as evidence is read by.
_NAMES = {
    prefix: tuple(
        f"{prefix}{name}"
        for name in ("domain", "proto", "src_port", "dst_port", "flow_id", "frame", "offset")
    )
    for prefix in ("", "first_", "late_")
}


@lru_cache(maxsize=1 << 15)
def _endpoint(hi: int, lo: int, domain: int, port: int | None) -> Endpoint:
    """Made once for the services that many findings name."""
    hi, lo = int(hi), int(lo)
    return Endpoint(to_text(hi, lo), of_host(int(domain), hi, lo), None if port is None else int(port))


def distinct(samples: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Evidence without the flows and packets that are named twice, in order."""
    found = {(e.flow_id, e.frame, e.time): e for e in samples}
    return tuple(found.values())


def common_prefix(base: tuple[int, int], spread: tuple[int, int]) -> tuple[str, int]:
    """Network and length of the smallest prefix around addresses that differ from `base` in `spread`."""
    differing = (int(spread[0]) << 64 | int(spread[1])).bit_length()
    base_hi, base_lo = int(base[0]), int(base[1])
    if base_hi == 0 and base_lo >> 32 == 0xFFFF and differing <= 32:
        length = 32 - differing
        return str(
            ipaddress.ip_network((base_lo & 0xFFFF_FFFF, length), strict=False).network_address
        ), length
    length = 128 - differing
    network = ipaddress.IPv6Network((base_hi << 64 | base_lo, length), strict=False)
    return str(network.network_address), length
