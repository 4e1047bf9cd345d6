"""Where traffic is played: the clock, the dice, and the frames put down so far."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from drills.forge import Forge, Side
from drills.register import Host, Register, mac_of

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
SECOND = 1_000_000_000
BENIGN = 0
_SEGMENT = 1400


class Put(NamedTuple):
    """A frame at a time (ns, whole microseconds); `label` 0 is benign, else the attack's number."""

    time: int
    serial: int
    frame: bytes
    label: int


class Stage:
    """One window of a scene. Times are ns since the epoch; `span` is the window's length in seconds.

    `scale` (at most 1) shrinks attacks into short scenes.
    """

    def __init__(self, register: Register, forge: Forge, start: int, span: float, scale: float = 1.0) -> None:
        self.register = register
        self.forge = forge
        self.start = start
        self.span = span
        self.scale = scale
        self.dice = random.Random(0)  # noqa: S311  (scenes are to be repeatable, not secret)
        self.frames: list[Put] = []
        self._label = BENIGN
        self._serial = 0

    def roll(self, *seed: object) -> None:
        """Take new dice, told apart by `seed`."""
        self.dice = random.Random("/".join(map(str, seed)))  # noqa: S311

    @contextmanager
    def labelled(self, label: int) -> Iterator[None]:
        """Frames put down inside belong to attack `label`."""
        self._label = label
        try:
            yield
        finally:
            self._label = BENIGN

    def put(self, time: int, frame: bytes) -> None:
        """Put a frame down; its time is cut to microseconds."""
        self._serial += 1
        self.frames.append(Put(time // 1000 * 1000, self._serial, frame, self._label))

    def after(self, seconds: float) -> int:
        """The time `seconds` into the window."""
        return self.start + int(seconds * SECOND)

    def moments(self, every: float, begin: float = 0.0, end: float | None = None) -> list[int]:
        """Random moments, on average one `every` seconds, as a Poisson process."""
        found, at = [], begin + self.dice.expovariate(1 / every)
        while at < (self.span if end is None else end):
            found.append(self.after(at))
            at += self.dice.expovariate(1 / every)
        return found

    def beats(self, every: float) -> list[int]:
        """Regular moments with a little jitter, the first at random."""
        found, at = [], self.dice.uniform(0, every)
        while at < self.span:
            found.append(self.after(at + self.dice.uniform(0, 0.2)))
            at += every
        return found

    def side(self, host: Host, version: int = 4) -> Side:
        """A host as one end of a conversation."""
        return Side(host.address(version), host.mac or self.register.gateway.mac)

    def stranger(self, address: str) -> Side:
        """An address outside, seen through the gateway."""
        return Side(address, self.register.gateway.mac)

    def party(self, name: str, version: int = 4) -> Side:
        """Whoever `name` is: a host by name, or an address, with the MAC that it is seen with at the tap.

        Raises ValueError for neither, or a host without an address of the version.
        """
        host = self.register.hosts.get(name) or self.register.owner(name)
        if host is not None and not host.address(version):
            raise ValueError(f"{name} has no IPv{version} address")
        if host is not None:
            return self.side(host, version if name in self.register.hosts else 6 if ":" in name else 4)
        return Side(name, mac_of(name) if self.register.inside(name) else self.register.gateway.mac)

    def port(self) -> int:
        """An ephemeral port."""
        return self.dice.randrange(32768, 61000)

    def junk(self, size: int) -> bytes:
        """Bytes that look encrypted."""
        return self.dice.randbytes(size)


class Tcp:
    """A TCP connection played step by step; `now` is its clock (ns).

    Bytes are cut into segments of 1400, every second of them acknowledged.
    """

    def __init__(
        self, stage: Stage, client: Side, server: Side, port: int, start: int, *, rtt: float | None = None
    ) -> None:
        self.stage = stage
        self.now = start
        self._sides = (client, server)
        self._ports = (stage.port(), port)
        self._next = [stage.dice.getrandbits(32), stage.dice.getrandbits(32)]
        self._half = int((stage.dice.uniform(0.0005, 0.02) if rtt is None else rtt) * SECOND / 2)

    def _segment(self, sender: int, flags: int, payload: bytes = b"") -> None:
        ports = self._ports if sender == 0 else self._ports[::-1]
        frame = self.stage.forge.tcp(
            self._sides[sender], self._sides[1 - sender], ports, flags,
            seq=self._next[sender], ack=self._next[1 - sender] if flags & ACK else 0, payload=payload,
        )  # fmt: skip
        self.stage.put(self.now, frame)
        self._next[sender] += len(payload) + bool(flags & (SYN | FIN))

    def _pass(self, share: float = 1.0) -> None:
        self.now += int(self._half * share * self.stage.dice.uniform(0.8, 1.3)) + 1000

    def wait(self, seconds: float) -> Tcp:
        """Let time go by."""
        self.now += int(seconds * SECOND)
        return self

    def open(self) -> Tcp:
        """The three-way handshake."""
        self._segment(0, SYN)
        self._pass()
        self._segment(1, SYN | ACK)
        self._pass()
        self._segment(0, ACK)
        return self

    def knock(self, tries: int = 1, refused: bool = False) -> Tcp:
        """SYNs that nobody answers (again after 1, 2, 4 … s), or that are refused."""
        for i in range(tries):
            if i:
                self.wait(float(1 << i - 1))
                self._next[0] -= 1
            self._segment(0, SYN)
        if refused:
            self._pass()
            self._segment(1, RST | ACK)
        return self

    def send(self, payload: bytes) -> Tcp:
        """The client sends."""
        return self._carry(0, payload)

    def reply(self, payload: bytes) -> Tcp:
        """The server sends."""
        return self._carry(1, payload)

    def _carry(self, sender: int, payload: bytes) -> Tcp:
        self._pass()
        for i in range(0, len(payload), _SEGMENT):
            last = i + _SEGMENT >= len(payload)
            self._segment(sender, ACK | (PSH if last else 0), payload[i : i + _SEGMENT])
            self._pass(0.05)
            if (i // _SEGMENT) % 2 or last:
                self._segment(1 - sender, ACK)
                self._pass(0.05)
        return self

    def close(self, by: int = 0) -> Tcp:
        """Both sides finish; `by` (0 client, 1 server) is first."""
        self._pass()
        self._segment(by, FIN | ACK)
        self._pass()
        self._segment(1 - by, FIN | ACK)
        self._pass()
        self._segment(by, ACK)
        return self

    def reset(self, by: int = 0) -> Tcp:
        """One side resets."""
        self._pass()
        self._segment(by, RST | ACK)
        return self


def ask(stage: Stage, client: Side, server: Side, port: int, time: int, *bodies: bytes) -> None:
    """A UDP question and answer; with one body nobody answers."""
    source = stage.port()
    stage.put(time, stage.forge.udp(client, server, (source, port), bodies[0]))
    if len(bodies) > 1:
        later = time + int(stage.dice.uniform(0.0005, 0.03) * SECOND)
        stage.put(later, stage.forge.udp(server, client, (port, source), bodies[1]))
