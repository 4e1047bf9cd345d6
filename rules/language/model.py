"""A rule, understood: what it demands of packets, streams and transactions, and what it does then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rules.language.addresses import ALL_ADDRESSES, ALL_PORTS, Ranges

TO_SERVER, TO_CLIENT = 1, 2
BOTH = TO_SERVER | TO_CLIENT

#: A number, or the name of a variable that byte_extract or byte_math set before.
Amount = int | str


@dataclass(slots=True)
class Content:
    """Bytes to be found. Positions count from the buffer's start (offset, depth) or the last match's end."""

    pattern: bytes
    negated: bool = False
    nocase: bool = False
    offset: Amount | None = None
    depth: Amount | None = None
    distance: Amount | None = None
    within: Amount | None = None
    starts: bool = False
    ends: bool = False
    fast: bool = False  # chosen for the prefilter by its author
    fast_only: bool = False
    chop: tuple[int, int] | None = None
    column: int = 0

    @property
    def relative(self) -> bool:
        """Whether its place counts from the last match."""
        return self.distance is not None or self.within is not None


@dataclass(slots=True)
class Pcre:
    """A regular expression. `relative` searches from the last match's end."""

    pattern: bytes
    flags: str = ""
    negated: bool = False
    relative: bool = False
    captures: tuple[str, ...] = ()
    column: int = 0


@dataclass(slots=True)
class IsDataAt:
    """Whether there is a byte at a place."""

    amount: Amount
    negated: bool = False
    relative: bool = False


@dataclass(slots=True)
class Size:
    """The length of the buffer (bsize, urilen): `low <= length <= high`, or not."""

    low: int
    high: int
    negated: bool = False


@dataclass(slots=True)
class ByteTest:
    """A number in the buffer against another."""

    count: Amount
    op: str
    value: Amount
    offset: Amount
    negated: bool = False
    relative: bool = False
    little: bool = False
    base: int = 0  # 0 binary, else the base of its digits
    mask: int = 0
    dce: bool = False


@dataclass(slots=True)
class ByteJump:
    """A move of the last match's end by a number in the buffer."""

    count: Amount
    offset: Amount
    relative: bool = False
    little: bool = False
    base: int = 0
    mask: int = 0
    multiplier: int = 1
    align: bool = False
    origin: str = "here"  # or "beginning", "end"
    post: Amount = 0
    dce: bool = False


@dataclass(slots=True)
class ByteExtract:
    """A number in the buffer kept under a name."""

    count: int
    offset: Amount
    name: str
    relative: bool = False
    little: bool = False
    base: int = 0
    mask: int = 0
    multiplier: int = 1
    align: int = 0
    dce: bool = False


@dataclass(slots=True)
class ByteMath:
    """A number in the buffer, reckoned with and kept under a name."""

    count: Amount
    offset: Amount
    op: str
    value: Amount
    name: str
    relative: bool = False
    little: bool = False
    base: int = 0
    mask: int = 0
    dce: bool = False


@dataclass(slots=True)
class Base64:
    """base64_decode: what follows it is looked for in the decoded bytes."""

    count: int = 0
    offset: int = 0
    relative: bool = False


@dataclass(slots=True)
class Entropy:
    """Shannon entropy of a part of the buffer, in bits a byte."""

    op: str
    low: float
    high: float = 0.0
    count: int = 0
    offset: int = 0


@dataclass(slots=True)
class Listed:
    """Membership of a data set (dataset, datarep, filemd5...), or a change of it.

    `digest`: what of the buffer is looked for; `wide`: addresses of both kinds. `live`: some rule changes the
    set, so it is asked when matches are put in order of time (`match/datasets.py`). `above`: what a name lies
    in counts, too: `.a.b` for `.x.a.b`.
    """

    name: str
    values: frozenset[bytes]
    digest: str = ""
    op: str = "isset"  # isset, isnotset, set, unset
    wide: bool = False
    live: bool = False
    above: bool = False


@dataclass(slots=True)
class Asn1:
    """Objects of BER from a place on: one longer than `longest`, or that would overflow a reader's memory."""

    longest: int | None = None
    bits: bool = False  # a bit string with more unused bits than it has
    double: bool = False  # a real number in digits, of more than 256
    offset: int = 0
    relative: bool = False
    column: int = 0


@dataclass(slots=True)
class Absent:
    """The buffer is not there; with `or_else` it may be, and then the rest must match."""

    or_else: bool = False


Op = (
    Content | Pcre | IsDataAt | Size | ByteTest | ByteJump | ByteExtract | ByteMath | Base64
    | Entropy | Listed | Asn1 | Absent
)  # fmt: skip


@dataclass(slots=True)
class Transform:
    """A change made to a buffer before it is looked at."""

    name: str
    arguments: tuple[Any, ...] = ()


@dataclass(slots=True)
class BufferCheck:
    """Everything demanded of one buffer: all of `ops`, in order."""

    kind: str
    transforms: tuple[Transform, ...] = ()
    side: int = 0  # TO_SERVER or TO_CLIENT where the rule says which
    ops: list[Op] = field(default_factory=list)
    decoded: list[Op] = field(default_factory=list)  # of base64_data


@dataclass(slots=True)
class Number:
    """A number of a packet or a transaction: `low <= value <= high`, or not."""

    name: str
    low: int
    high: int
    negated: bool = False
    side: int = 0  # TO_SERVER or TO_CLIENT where the field belongs to one
    mask: int = 0  # of which bits alone count; 0: all

    def agrees(self, value: int) -> bool:
        """Whether a value is as demanded."""
        return (self.low <= (value & self.mask if self.mask else value) <= self.high) is not self.negated


@dataclass(slots=True)
class Flags:
    """TCP flags (or IP fragment bits): how `wanted` must stand among those not in `ignored`."""

    name: str
    wanted: int
    mode: str  # "=" exactly, "+" all of them, "*" any, "!" none
    ignored: int = 0


@dataclass(slots=True)
class Flow:
    """What `flow:` says. 0 of `direction` is both."""

    direction: int = 0
    established: bool | None = None  # False: not established
    stateless: bool = False
    only_stream: bool = False
    no_stream: bool = False
    fragment: bool | None = None


@dataclass(slots=True)
class StreamSize:
    """Bytes that went over a connection."""

    side: str
    op: str
    value: int


@dataclass(slots=True)
class Bits:
    """flowbits, xbits, hostbits. `names` joined by OR."""

    scope: str  # flow, ip_src, ip_dst, ip_pair, tx
    op: str
    names: tuple[str, ...]
    expire: int = 0


@dataclass(slots=True)
class FlowInt:
    """flowint: a number kept with the flow."""

    name: str
    op: str
    value: int | str = 0


@dataclass(slots=True)
class Limit:
    """threshold or detection_filter."""

    kind: str  # limit, threshold, both, backoff, detection_filter
    track: str
    count: int
    seconds: int
    multiplier: int = 0


@dataclass(slots=True)
class Happening:
    """decode-event, stream-event, app-layer-event."""

    kind: str
    name: str


@dataclass(slots=True)
class Tag:
    """Packets to be kept after the alert."""

    who: str
    count: int
    metric: str
    direction: str = ""


@dataclass(slots=True)
class Reputation:
    """What is asked of the reputation of an address in a category; `missing`: that it has none."""

    side: str  # any, src, dst, both
    category: str
    number: Number
    missing: bool = False


@dataclass(slots=True)
class Rule:
    """A rule. Column-free: whatever is wrong was said when it was read."""

    action: str
    protocol: str
    text: str
    file: str
    line: int
    hook: str = ""
    source: Ranges = ALL_ADDRESSES
    source_ports: Ranges = ALL_PORTS
    target: Ranges = ALL_ADDRESSES
    target_ports: Ranges = ALL_PORTS
    negating: bool = False  # an address list negates something
    both_ways: bool = False
    transactional: bool = False  # `=>`: both sides of one transaction
    sid: int = 0
    gid: int = 1
    rev: int = 0
    message: str = ""
    classtype: str = ""
    priority: int = 3
    references: list[tuple[str, str]] = field(default_factory=list)
    metadata: dict[str, list[str]] = field(default_factory=dict)
    attacked: str = ""  # target: src_ip or dest_ip
    # what it demands
    buffers: list[BufferCheck] = field(default_factory=list)
    numbers: list[Number] = field(default_factory=list)  # of the packet
    fields: list[Number] = field(default_factory=list)  # of the transaction
    flags: list[Flags] = field(default_factory=list)
    flow: Flow = field(default_factory=Flow)
    stream_sizes: list[StreamSize] = field(default_factory=list)
    bits: list[Bits] = field(default_factory=list)
    integers: list[FlowInt] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    applications: list[tuple[str, bool, str]] = field(
        default_factory=list
    )  # app-layer-protocol: name, negated, mode
    others: list[tuple[str, str]] = field(default_factory=list)  # understood, decided elsewhere
    cannot: list[str] = field(default_factory=list)  # understood, but never matched here: why
    # what it does
    limit: Limit | None = None
    filter: Limit | None = None
    tag: Tag | None = None
    silent: bool = False
    alerting: bool = False  # `alert` keyword: a pass rule that tells
    prefilter: bool = False
    reputations: list[Reputation] = field(
        default_factory=list
    )  # `rules.reputation` puts them into the header

    def payload(self) -> BufferCheck | None:
        """The check of packet payload or stream, if there is one."""
        return next((check for check in self.buffers if check.kind == "payload"), None)
