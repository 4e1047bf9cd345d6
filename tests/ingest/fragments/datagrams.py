"""The oracle of the fragments: datagrams as lists of byte strings, every byte decided by itself.

Nothing is bounded but by the timeout, so scenes must fit the memory of what is tested.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from citywall.batches import (
    DATAGRAM_ABANDONED,
    FRAGMENT,
    FRAGMENT_LENGTH,
    FRAGMENT_OVERLAP,
    FRAGMENT_REPEAT,
    FRAGMENT_TINY,
    FRAGMENT_TOO_LARGE,
)


def stronger(policy: str, new: tuple[int, int], old: tuple[int, int]) -> bool:
    """Whether the later fragment's bytes stand."""
    before, through = new[0] < old[0], new[1] >= old[1]
    return {
        "first": False,
        "last": True,
        "bsd": before,
        "bsd-right": not before,
        "linux": new[0] <= old[0],
        "windows": before and new[1] > old[1],
        "solaris": before and through,
    }[policy]


@dataclass
class Fragment:
    frame: int
    start: int
    more: bool
    head: bytes  # IP header and what is before the fragment header, as it is to stand
    data: bytes
    row: Any
    waiting: bool = False

    @property
    def span(self) -> tuple[int, int]:
        return self.start, self.start + len(self.data)


@dataclass
class Datagram:
    begun: int
    frame: int
    version: int
    total: int | None = None
    flow: Any = None  # the row of the first fragment
    broken: bool = False
    fragments: list[Fragment] = field(default_factory=list)

    def whole(self, policy: str) -> bytes | None:
        """The datagram, where all of it is here."""
        first = next((f for f in self.fragments if f.start == 0), None)
        if self.total is None or first is None or self.broken:
            return None
        owner: list[Fragment | None] = [None] * self.total
        content = bytearray(self.total)
        for f in self.fragments:
            for at, byte in enumerate(f.data[: max(0, self.total - f.start)], f.start):
                old = owner[at]
                if old is None or stronger(policy, f.span, old.span):
                    owner[at], content[at] = f, byte
        if None in owner:
            return None
        head = bytearray(first.head)
        if self.version == 4:
            if len(head) + self.total > 65535:
                return b""
            head[2:4] = (len(head) + self.total).to_bytes(2, "big")
            head[6:8] = (int.from_bytes(head[6:8], "big") & 0x4000).to_bytes(2, "big")
            head[10:12] = b"\0\0"
            words = sum(int.from_bytes(head[i : i + 2], "big") for i in range(0, len(head), 2))
            while words >> 16:
                words = (words & 0xFFFF) + (words >> 16)
            head[10:12] = (~words & 0xFFFF).to_bytes(2, "big")
        else:
            length = len(head) - 40 + self.total
            head[4:6] = (length if length <= 65535 else 0).to_bytes(2, "big")
        return bytes(head + content)


def read(row: Any, data: bytes) -> tuple[tuple[Any, ...], int, bool, bytes, bytes, int] | None:
    """(key, offset, more, head, bytes that are here, bytes that should be) of a fragment's packet."""
    at, end = int(row["network"]), int(row["network"]) + int(row["ip_bytes"])
    b_sends = row["reversed"] == 1
    ends = [(int(row[f"{e}_hi"]), int(row[f"{e}_lo"])) for e in ("ba" if b_sends else "ab")]
    if row["version"] == 4:
        word, behind = int.from_bytes(data[at + 6 : at + 8], "big"), at + data[at] % 16 * 4
        key = (*ends, data[at + 4 : at + 6], int(row["proto"]), 4, int(row["vlan"]))
        return key, word % 0x2000 * 8, bool(word & 0x2000), data[at:behind], data[behind:end], end - behind
    link, kind, here = at + 6, data[at + 6], at + 40
    while kind != 44:
        size = (data[here + 1] + 2) * 4 if kind == 51 else (data[here + 1] + 1) * 8
        link, kind, here = here, data[here], here + size
    head = bytearray(data[at:here])
    head[link - at] = data[here]
    word = int.from_bytes(data[here + 2 : here + 4], "big")
    key = (*ends, data[here + 4 : here + 8], 0, 6, int(row["vlan"]))
    return key, word & 0xFFF8, bool(word & 1), bytes(head), data[here + 8 : end], end - here - 8


@dataclass
class Plain:
    """What is told of packets: rows by frame with the flow they count to, datagrams, events."""

    policy: str
    timeout: int
    held: dict[tuple[Any, ...], Datagram] = field(default_factory=dict)
    rows: list[tuple[int, Any, bool]] = field(
        default_factory=list
    )  # frame, row whose flow it is, its own bytes
    whole: dict[int, bytes] = field(default_factory=dict)
    events: list[tuple[int, int]] = field(default_factory=list)  # kind, frame

    def take(self, frame: int, row: Any, data: bytes) -> None:
        time = int(row["time"])
        while self.held:
            key, oldest = next(iter(self.held.items()))
            if time - oldest.begun <= self.timeout:
                break
            self.abandon(key)
        if not row["marks"]:
            self.rows.append((frame, row, True))
            return
        found = read(row, data)
        assert found is not None
        key, offset, more, head, content, length = found
        d = self.held.setdefault(key, Datagram(time, frame, int(row["version"])))
        f = Fragment(frame, offset, more, head, content, row)
        if offset == 0 and row["status"] != FRAGMENT:
            self.rows.append((frame, row, True))
            if d.flow is None:
                d.flow = row
                self.release(d)
        elif d.flow is not None:
            self.rows.append((frame, d.flow, True))
        else:
            f.waiting = True
        if self.odd(d, f, length):
            d.fragments.append(f)
            if not more and d.total is None:
                d.total = f.span[1]
            made = d.whole(self.policy)
            if made is not None:
                if made:
                    self.whole[frame] = made
                self.release(d)
                del self.held[key]
        elif f.waiting:
            self.rows.append((frame, row, True))

    def odd(self, d: Datagram, f: Fragment, length: int) -> bool:
        """Tell what is odd; whether the fragment is kept."""
        stop = f.start + length
        large = stop + (20 if d.version == 4 else 0) > 65535
        if large:
            self.events.append((FRAGMENT_TOO_LARGE, f.frame))
        elif f.more and length < 48:
            self.events.append((FRAGMENT_TINY, f.frame))
        if f.more and length % 8:
            self.events.append((FRAGMENT_LENGTH, f.frame))
        if large or not length or d.broken:
            return False
        if len(f.data) < length:
            d.broken = True
            return False
        over = [o for o in d.fragments if o.span[0] < stop and o.span[1] > f.start]
        compared = sorted(over, key=lambda o: o.start)[:8]  # so many and no more
        twins = [o for o in compared if (o.span, o.data) == (f.span, f.data)]
        if over:
            alone = len(twins) == len(over)
            self.events.append((FRAGMENT_REPEAT if alone else FRAGMENT_OVERLAP, f.frame))
        return not twins

    def release(self, d: Datagram) -> None:
        for f in d.fragments:
            if f.waiting:
                f.waiting = False
                self.rows.append((f.frame, f.row if d.flow is None else d.flow, False))

    def abandon(self, key: tuple[Any, ...]) -> None:
        d = self.held.pop(key)
        self.release(d)
        self.events.append((DATAGRAM_ABANDONED, d.frame))

    def end(self) -> None:
        for key in list(self.held):
            self.abandon(key)
