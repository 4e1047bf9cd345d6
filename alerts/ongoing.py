"""One alert while findings still join it.

It is bounded: samples instead of everything, sketches instead of sets.
"""

from __future__ import annotations

import bisect
import hashlib
import ipaddress
from functools import lru_cache

import msgspec

from citywall.findings import Endpoint, Evidence, Finding, derived_id

#: Evidence kept from the beginning and from the end of an alert.
EVIDENCE_EDGE = 5
#: Hosts named in a document, on each side.
ENDPOINT_SAMPLE = 20
#: Smallest hashes kept to estimate how many distinct hosts there were.
SKETCH = 64
_HASHES = 1 << 64


class Breakout(msgspec.Struct, frozen=True):
    """A rise in severity at an event time (ns)."""

    time: int
    rose_from: int
    rose_to: int


class Distinct(msgspec.Struct):
    """Counts distinct hosts: exactly below `SKETCH`, from the k smallest hashes above.

    K minimum values (Bar-Yossef et al., RANDOM 2002); relative standard error 1/sqrt(k - 2), 13 % here.
    The result does not depend on order or repetition. `domains` has the network domain of each of the sample.
    """

    sample: list[str] = []
    domains: list[int] = []
    smallest: list[int] = []

    @property
    def exact(self) -> bool:
        """Whether `count` is exact."""
        return len(self.smallest) < SKETCH

    @property
    def count(self) -> int:
        """How many distinct hosts were added."""
        if self.exact:
            return len(self.smallest)
        return (SKETCH - 1) * _HASHES // self.smallest[-1]

    def add(self, address: str, domain: int) -> None:
        """Take note of a host."""
        if len(self.sample) < ENDPOINT_SAMPLE and address not in self.sample:
            self.sample.append(address)
            self.domains.append(domain)
        value = _hash(address, domain)
        at = bisect.bisect_left(self.smallest, value)
        if at < len(self.smallest) and self.smallest[at] == value:
            return
        if at < SKETCH:
            self.smallest.insert(at, value)
            del self.smallest[SKETCH:]


@lru_cache(maxsize=8192)
def _hash(address: str, domain: int) -> int:
    """64 bits that stand for a host. Odd, so never zero: estimates divide by it."""
    text = f"{domain}\0{address}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") | 1


class OngoingAlert(msgspec.Struct):
    """What is known of an alert. Times are event time in ns.

    `peak` is the finding that says most (greatest severity, then score), without its evidence.
    """

    id: str
    key: tuple[str, str, str, str, str]  # lane, session, detector, kind, entity
    start: int  # of the window: time of the first finding
    last: int
    began: int
    severity: int
    peak: Finding
    count: int = 0
    breakouts: list[Breakout] = []
    first_evidence: list[Evidence] = []
    last_evidence: list[Evidence] = []
    evidence_count: int = 0
    sources: Distinct = msgspec.field(default_factory=Distinct)
    targets: Distinct = msgspec.field(default_factory=Distinct)

    def take(self, finding: Finding) -> None:
        """Join a finding to the alert."""
        self.count += 1
        self.last = max(self.last, finding.time)
        self.began = min(self.began, finding.began, finding.time)
        if finding.severity > self.severity:
            self.breakouts.append(Breakout(finding.time, self.severity, int(finding.severity)))
            self.severity = int(finding.severity)
        if (finding.severity, finding.score) > (self.peak.severity, self.peak.score):
            self.peak = _bare(finding)
        for evidence in finding.evidence:
            self._keep(evidence)
        sources, targets = _hosts(finding)
        for address, domain in sources:
            self.sources.add(address, domain)
        for address, domain in targets:
            self.targets.add(address, domain)

    def evidence(self) -> list[Evidence]:
        """The sample: the first and the last pieces, in the order they came."""
        return [*self.first_evidence, *self.last_evidence]

    def _keep(self, evidence: Evidence) -> None:
        if evidence in self.first_evidence or evidence in self.last_evidence:
            return
        self.evidence_count += 1
        if len(self.first_evidence) < EVIDENCE_EDGE:
            self.first_evidence.append(evidence)
        else:
            self.last_evidence.append(evidence)
            del self.last_evidence[:-EVIDENCE_EDGE]


def begin(finding: Finding) -> OngoingAlert:
    """The alert that `finding` begins, with nothing taken yet."""
    key = key_of(finding)
    return OngoingAlert(
        id=derived_id(*key, finding.time),
        key=key,
        start=finding.time,
        last=finding.time,
        began=min(finding.began, finding.time),
        severity=int(finding.severity),
        peak=_bare(finding),
    )


def key_of(finding: Finding) -> tuple[str, str, str, str, str]:
    """Findings with the same key are about the same thing."""
    return finding.lane, finding.session, finding.detector, finding.kind, finding.entity


def endpoint_name(endpoint: Endpoint) -> str:
    """An address, or a prefix in its canonical form."""
    if endpoint.prefix is None:
        return endpoint.address
    return str(ipaddress.ip_network(f"{endpoint.address}/{endpoint.prefix}", strict=False))


def _bare(finding: Finding) -> Finding:
    return msgspec.structs.replace(finding, evidence=())


def _hosts(finding: Finding) -> tuple[dict[tuple[str, int], None], dict[tuple[str, int], None]]:
    """Hosts on either side, each once, in order; a finding and its evidence mostly name the same.

    A prefix is no host: where a finding is about one, its hosts are told by the evidence.
    """
    sources: dict[tuple[str, int], None] = {}
    targets: dict[tuple[str, int], None] = {}
    _note(sources, finding.source)
    _note(targets, finding.target)
    for piece in finding.evidence:
        _note(sources, piece.source)
        _note(targets, piece.target)
    return sources, targets


def _note(hosts: dict[tuple[str, int], None], end: Endpoint | None) -> None:
    if end is not None and end.prefix is None:
        hosts[end.address, end.domain] = None
