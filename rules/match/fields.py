"""Numbers and events of transactions against what rules demand of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rules.language.model import Number, Rule
from rules.match.compiled import Compiled
from rules.match.hits import spread
from rules.match.scene import Scene

if TYPE_CHECKING:
    from rules.match.candidates import Packets

_SSL_VERSIONS = (0x200, 0x300, 0x301, 0x302, 0x303, 0x304)
Value = tuple[int, int, int]  # direction, frame, value
#: krb5.ticket_encryption:weak, as RFC 8429 and 6649 have it.
_ENCRYPTIONS = {
    "des-cbc-crc": 1, "des-cbc-md4": 2, "des-cbc-md5": 3, "des3-cbc-sha1-kd": 16, "rc4-hmac": 23,
    "rc4-hmac-exp": 24, "aes128-cts-hmac-sha1-96": 17, "aes256-cts-hmac-sha1-96": 18,
}  # fmt: skip
_CIP = ("service", "class", "attribute")
_WEAK = frozenset({1, 2, 3, 16, 17, 18, 23, 24}) - {17, 18}


class Numbers:
    """The numbers and events of a scene by transaction."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        names = scene.names
        self._values: dict[int, dict[str, list[Value]]] = {}  # of transactions that were asked for
        self._owners = scene.tables.numbers["transaction"].astype(np.int64)  # in order
        self._columns: list[list[int]] = []  # of the values of transactions that were asked for
        self._spans: dict[int, tuple[int, int]] = {}
        self._events: dict[tuple[int, str], list[tuple[int, int]]] = {}
        self._loose: dict[str, list[tuple[int, int, int]]] = {}
        odd = scene.tables.anomalies
        for kind, direction, flow, transaction, frame in zip(
            odd["kind"].tolist(), odd["direction"].tolist(), odd["flow"].tolist(),
            odd["transaction"].tolist(), odd["frame"].tolist(), strict=True,
        ):  # fmt: skip
            name = names.anomalies[kind]
            if transaction >= 0:
                self._events.setdefault((transaction, name), []).append((direction, frame))
            else:
                self._loose.setdefault(name, []).append((flow, direction, frame))

    def ask(self, transactions: NDArray[np.int64]) -> None:
        """Look up the values of the transactions that are going to be asked for."""
        table = self._scene.tables.numbers
        first, last = (np.searchsorted(self._owners, transactions, side) for side in ("left", "right"))
        rows, _ = spread(first, last)
        self._columns = [table[name][rows].tolist() for name in ("field", "direction", "frame", "value")]
        ends = np.cumsum(last - first)
        self._spans = dict(
            zip(
                transactions.tolist(),
                zip((ends - last + first).tolist(), ends.tolist(), strict=True),
                strict=True,
            )
        )

    def values(self, transaction: int, name: str) -> list[Value]:
        """All values of a field of a transaction that was asked for."""
        found = self._values.get(transaction)
        if found is None:
            found = self._values[transaction] = self._read(transaction)
        return found.get(name, [])

    def _read(self, transaction: int) -> dict[str, list[Value]]:
        begin, end = self._spans[transaction]
        found: dict[str, list[Value]] = {}
        columns = (column[begin:end] for column in self._columns)
        for field, direction, frame, value in zip(*columns, strict=True):
            found.setdefault(self._scene.names.fields[field], []).append((direction, frame, value))
        return found

    def _rows(self, transaction: int) -> NDArray[np.void]:
        begin, end = np.searchsorted(self._owners, (transaction, transaction + 1)).tolist()
        return self._scene.tables.numbers[begin:end]

    def depth(self, flow: int, direction: int) -> int:
        """The frame at which a direction of a flow was read no further; 0 where it was to its end."""
        told = self._loose.get("stream.reassembly_depth_reached", [])
        return next((frame for f, d, frame in told if (f, d) == (flow, direction)), 0)

    def little(self, transaction: int) -> bool:
        """The byte order of a DCE/RPC message."""
        return any(value == 1 for _, _, value in self.values(transaction, "dcerpc.endian"))

    def met(self, rule: Rule, transaction: int, direction: int) -> int:
        """The frame at which all of a rule's numbers were met; -1 where they are not, 0 where it has none."""
        frame = 0
        for number in rule.fields:
            if number.name == "smb.version":
                at = self._smb_version(number, transaction, direction)
                if at < 0:
                    return -1
                frame = max(frame, at)
                continue
            frames = [
                at
                for side, at, value in self.values(transaction, number.name)
                if side == direction and number.agrees(value)
            ]
            if not frames:
                return -1
            frame = max(frame, min(frames))
        for name, argument in rule.others:
            met = self._other(name, argument, transaction, direction)
            if met < 0:
                return -1
            frame = max(frame, met)
        return frame

    def _smb_version(self, number: Number, transaction: int, direction: int) -> int:
        """The version that a command was asked in, which both sides of it have."""
        row = self._scene.tables.transactions[transaction]
        whole = int(row["request_frame" if direction == 0 else "response_frame"])
        told = self.values(transaction, number.name)
        asked = bool(row["request_frame"])
        return whole if told and whole and asked and number.agrees(told[0][2]) else -1

    def _other(self, name: str, argument: str, transaction: int, direction: int) -> int:  # noqa: PLR0911
        if name in {"bypass", "dcerpc.iface", "app-layer-state"}:
            return 0
        if name == "ftpbounce":
            return self._bounce(transaction, direction)
        if name == "ssl_version":
            return self._ssl_version(argument, transaction, direction)
        if name == "dcerpc.opnum":
            spans = [tuple(int(n) for n in span.split("-")) for span in argument.split(",")]
            return self._first(
                (at for side, at, n in self.values(transaction, name)
                 if any(low <= n <= high for low, high in spans)),
            )  # fmt: skip
        if name == "krb5.ticket_encryption":
            return self._first(
                at
                for side, at, n in self.values(transaction, name)
                if side == direction and _encrypted(argument, n)
            )
        if name in {"ldap.responses.operation", "ldap.result"}:
            return self._ldap(name, argument, transaction, direction)
        if name == "http2.settings":
            ident, low, high, negated = map(int, argument.split(","))
            return self._first(
                at
                for side, at, n in self.values(transaction, name)
                if side == direction
                and n >> 32 == ident
                and (low <= n & 0xFFFFFFFF <= high) is not bool(negated)
            )
        if name == "enip.cip_service":
            return self._cip_service(argument, transaction, direction)
        if name == "modbus":
            return self._modbus(argument, transaction, direction)
        if name in {"tls.expired", "tls.valid"}:
            return self._lasting(transaction, direction, valid=name == "tls.valid")
        return -1

    @staticmethod
    def _first(frames: Iterator[int]) -> int:
        return min(frames, default=-1)

    def _bounce(self, transaction: int, direction: int) -> int:
        """A PORT command that names another host than the client."""
        tables = self._scene.tables
        flow = tables.flows[int(tables.transactions["flow"][transaction])]
        client = int(flow["b_lo" if flow["client"] else "a_lo"]) if flow["version"] == 4 else -1
        return self._first(
            at
            for side, at, n in self.values(transaction, "ftp.port_address")
            if side == direction and n >= 0 and n != client & 0xFFFFFFFF
        )

    def _ssl_version(self, argument: str, transaction: int, direction: int) -> int:
        wanted, negated = argument.split(",")
        versions = {int(n) for n in wanted.split("/")}
        return self._first(
            at
            for side, at, n in self.values(transaction, "tls.version")
            if side == direction and n in _SSL_VERSIONS and (n in versions) is not bool(int(negated))
        )

    def _ldap(self, name: str, argument: str, transaction: int, direction: int) -> int:
        """A number of the answers; some of them have none."""
        low, high, negated, index = argument.split(",")
        rows = self._rows(transaction)
        count = len(self.values(transaction, "ldap.responses.operation"))
        mine = rows[rows["field"] == self._scene.names.fields.index(name)]
        if direction != 1 or not len(mine):
            return -1
        agreed: dict[int, int] = {
            part: at
            for part, at, value in zip(*(mine[c].tolist() for c in ("part", "frame", "value")), strict=True)
            if (int(low) <= value <= int(high)) is not bool(int(negated))
        }
        if index == "all":
            return max(agreed.values()) if len(agreed) == len(mine) else -1
        if index == "any":
            return min(agreed.values(), default=-1)
        place = int(index)
        return agreed.get(place + count if place < 0 else place, -1)

    def _modbus(self, argument: str, transaction: int, direction: int) -> int:
        """Modbus is looked at by requests alone."""
        field, *told = argument.split(",")
        if direction != 0:
            return -1
        if field == "one":
            wanted = {int(n) for n in told[0].split("/")}
            return self._first(at for _, at, n in self.values(transaction, "modbus.function") if n in wanted)
        if field == "group":
            groups = int(told[0])
            return self._first(at for _, at, n in self.values(transaction, "modbus.category") if n & groups)
        low, high, negated = map(int, told)
        if field == "modbus.span":  # addresses count from 1, and several may be meant at once
            first = [n + 1 for _, _, n in self.values(transaction, "modbus.address")]
            count = [n for _, _, n in self.values(transaction, "modbus.quantity")] or [1]
            frames = [at for _, at, _ in self.values(transaction, "modbus.address")]
            if not first:
                return -1
            meets = first[0] <= high and first[0] + max(count[0], 1) - 1 >= low
            return frames[0] if meets is not bool(negated) else -1
        return self._first(
            at for _, at, n in self.values(transaction, field) if (low <= n <= high) is not bool(negated)
        )

    def _cip_service(self, argument: str, transaction: int, direction: int) -> int:
        """A service of CIP, with its class and attribute; what is in a message counts where it is another."""
        service, *more = map(int, argument.split(","))
        rows = self._rows(transaction)
        rows = rows[rows["direction"] == direction]
        names = self._scene.names.fields
        of = {name: rows[rows["field"] == names.index(f"enip.cip_{name}")] for name in _CIP[: 1 + len(more)]}
        said = dict(zip(of["service"]["part"].tolist(), of["service"]["value"].tolist(), strict=True))
        parts = [0] if said.get(0) == service else [part for part, value in said.items() if value == service]
        for part in parts:
            if all(
                wanted in of[name]["value"][of[name]["part"] == part]
                for name, wanted in zip(_CIP[1:], more, strict=False)
            ):
                return int(of["service"]["frame"][of["service"]["part"] == part][0])
        return -1

    def _lasting(self, transaction: int, direction: int, *, valid: bool) -> int:
        """Whether a certificate was past its time when it was seen, or not; one of the future is `valid`."""
        now = int(self._scene.tables.transactions["time"][transaction]) // 1_000_000_000
        after = [
            (at, n) for side, at, n in self.values(transaction, "tls.cert_notafter") if side == direction
        ]
        if not after:
            return -1
        at, until = after[0]
        return at if (until < now) is not valid else -1

    def happened(self, name: str, transaction: int, flow: int, direction: int) -> int:
        """The frame at which an event of a transaction happened; -1 where it did not."""
        assert flow >= 0
        return min(
            (frame for side, frame in self._events.get((transaction, _ours(name)), []) if side == direction),
            default=-1,
        )

    def unowned(self, packets: Packets, compiled: Compiled) -> Iterator[tuple[int, int, int]]:
        """(packet row, number, frame) of events of no transaction, for rules that ask for nothing else."""
        rule = compiled.rule
        if len(rule.happenings) != 1 or compiled.checks or rule.fields or rule.others:
            return
        agreed = None
        for item, (flow, direction, frame) in enumerate(self._loose.get(_ours(rule.happenings[0].name), [])):
            row = packets.row_of(flow, direction, frame) if flow >= 0 else self._scene.row_at(frame)
            if not 0 <= row < len(packets.flow):
                continue
            if agreed is None:
                agreed = packets.agree(compiled)
            if agreed[row]:
                yield row, item, frame


def _ours(name: str) -> str:
    return name if "." in name else f"applayer.{name.removeprefix('applayer_')}"


def _encrypted(argument: str, number: int) -> bool:
    wanted = argument.split(",")
    if wanted == ["weak"]:
        return number in _WEAK or number < 0
    if wanted == ["!weak"]:
        return number not in _WEAK
    return any(str(number) == word or _ENCRYPTIONS.get(word) == number for word in wanted)
