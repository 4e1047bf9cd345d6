"""What detectors of relations have in common: who deals with whom, as endpoints, names and evidence."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from citywall.batches import PROTOCOL_NAMES, SCTP, TCP, UDP
from citywall.findings import Endpoint, Evidence
from detectors.base import Detector
from detectors.relations import records

SECOND = 1_000_000_000


class RelationDetector(Detector):
    """A predicate over the records of the relation kernel.

    Pairs are handed out where `kernels.may_matter`: it must hold wherever a predicate over pairs does.
    """

    kernels: ClassVar[tuple[str, ...]] = ("detectors.relations.kernels.observe_flows",)
    oracle: ClassVar[str] = "tests.detectors.relations.oracle.Oracle"

    def source(self, record: Any) -> Endpoint:
        """Who deals, in a record of two hosts."""
        return self.places.endpoint(record["src_hi"], record["src_lo"], record["src_domain"])

    def target(self, record: Any, port: int | None = None) -> Endpoint:
        """With whom, at which port."""
        return self.places.endpoint(record["dst_hi"], record["dst_lo"], record["dst_domain"], port)

    def service(self, pair: Any) -> Endpoint:
        """The target of a pair, with its port where its protocol has any."""
        return self.target(pair, int(pair["port"]) if int(pair["proto"]) in (TCP, UDP, SCTP) else None)

    def name(self, place: Endpoint) -> str:
        """What to call a host as an entity."""
        return self.places.name(place.domain, place.address)

    def between(self, source: Endpoint, target: Endpoint) -> str:
        """What to call a relation as an entity."""
        port = "" if target.port is None else f":{target.port}"
        return f"{self.name(source)}>{self.name(target)}{port}"

    def evidence(self, record: Any, row: Any) -> tuple[Evidence, ...]:
        """The first flow of a record's episode, and the one that brought the finding where it is another."""
        of_pair = "first_turned" in record
        said = (record["first_flow_id"], record["first_frame"], record["began" if of_pair else "first_time"])
        if said == (row["flow_id"], row["frame"], row["first"]):
            return (self.places.report(row),)
        return (self.places.first(first_of(record) if of_pair else record), self.places.report(row))


def first_of(pair: Any) -> dict[str, int]:
    """The first flow of a pair by the names of other records: it keeps what the rest does not tell."""
    one, other = ("dst", "src") if pair["first_turned"] else ("src", "dst")
    return {
        "first_flow_id": pair["first_flow_id"], "first_frame": pair["first_frame"],
        "first_offset": pair["first_offset"], "first_time": pair["began"],
        f"first_{one}_hi": pair["src_hi"], f"first_{one}_lo": pair["src_lo"],
        f"first_{other}_hi": pair["dst_hi"], f"first_{other}_lo": pair["dst_lo"],
        f"first_{one}_port": pair["first_far_port"], f"first_{other}_port": pair["port"],
        # a public address has none, and private ones that deal with each other share theirs
        "first_domain": max(pair["src_domain"], pair["dst_domain"]), "first_proto": pair["proto"],
    }  # fmt: skip


@lru_cache(maxsize=64)
def _table(ports: tuple[int, ...]) -> NDArray[np.bool_]:
    table = np.zeros(65536, bool)
    table[list(ports)] = True
    return table


def among(column: NDArray[Any], ports: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which ports (or protocols) of a column are among these."""
    return np.asarray(_table(ports)[column], bool)


def protocol(record: Any) -> str:
    """The name of a record's protocol."""
    proto = int(record["proto"])
    return PROTOCOL_NAMES.get(proto, str(proto))


#: By registers that nobody has set: linear counting.
_CROWD = records.CROWD * np.log(records.CROWD / np.maximum(np.arange(256.0), 0.5))


def crowd(unheard: NDArray[Any] | int) -> NDArray[np.float64]:
    """Hosts that come to a target, by the registers that none of them set."""
    return np.asarray(_CROWD[unheard], np.float64)


def estimate(registers: NDArray[np.uint8]) -> NDArray[np.float64]:
    """HyperLogLog's estimate for each row of registers (Flajolet et al. 2007): f8[rows]."""
    m = registers.shape[1]
    alpha = 0.7213 / (1 + 1.079 / m)
    raw = alpha * m * m / np.exp2(-registers.astype(np.float64)).sum(axis=1)
    empty = (registers == 0).sum(axis=1)
    small = m * np.log(m / np.maximum(empty, 1))
    return np.asarray(np.where((raw <= 2.5 * m) & (empty > 0), small, raw), np.float64)


def seconds(began: Any, ended: Any) -> float:
    """A span in seconds, never negative."""
    return round(max(int(ended) - int(began), 0) / SECOND, 3)
