"""What detectors of what is usual have in common: names of hosts and evidence."""

from __future__ import annotations

from typing import Any, ClassVar

from citywall.findings import Endpoint, Evidence
from detectors.base import Detector
from detectors.places import common_prefix, distinct

HOUR = 3600 * 1_000_000_000


class BaselineDetector(Detector):
    """A predicate over the records of the kernel of what is usual."""

    kernels: ClassVar[tuple[str, ...]] = ("detectors.baselines.kernels.observe_flows",)
    oracle: ClassVar[str] = "tests.detectors.baselines.oracle.Oracle"

    def host(self, record: Any, port: int | None = None) -> Endpoint:
        """The host, or base of a prefix, that a record is of."""
        return self.places.endpoint(record["hi"], record["lo"], record["domain"], port)

    def name(self, place: Endpoint) -> str:
        """What to call a host as an entity."""
        return self.places.name(place.domain, place.address)

    def evidence(self, record: Any, row: Any, same: bool = True) -> tuple[Evidence, ...]:
        """The first flow of a record's episode, and the report that brought the finding if it is of it."""
        found = [self.places.first(record)]
        return distinct([*found, self.places.report(row)] if same else found)

    def far(self, record: Any) -> tuple[str, int]:
        """Network and length of the smallest prefix around the targets of a record's window."""
        return common_prefix(
            (record["base_hi"], record["base_lo"]), (record["spread_hi"], record["spread_lo"])
        )


def minutes(nanoseconds: Any) -> float:
    """A span in minutes, to a tenth."""
    return round(int(nanoseconds) / 60_000_000_000, 1)
