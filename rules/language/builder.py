"""What keywords write to: a rule under construction, and where the next content goes."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from citywall.errors import RuleFault
from rules.language.model import (
    Base64,
    BufferCheck,
    ByteExtract,
    ByteMath,
    Content,
    Op,
    Pcre,
    Rule,
    Transform,
)

PAYLOAD = "payload"


def over_https(protocols: AbstractSet[str]) -> set[str]:
    """Protocols, with DNS over HTTPS where they are of what it consists of."""
    return {*protocols, "doh2"} if protocols & {"dns", "http", "http2"} else {*protocols}


class Builder:
    """A rule being read, option by option."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.column = 0  # of the option being read
        self.kind: str | None = None  # the sticky buffer that is set; None: the payload
        self.side = 0  # of the transaction, where the rule says which
        self.check: BufferCheck | None = None  # what the sticky buffer's next op goes to
        self.transforms: list[Transform] = []
        self.base64 = False
        self.last: tuple[BufferCheck, Content | Pcre] | None = None
        self.protocols: set[str] = set()  # those that its buffers and keywords allow
        self.restricted = False
        self.packet_only: str = ""  # the keyword that ties the rule to packets
        self.seen: set[str] = set()
        self.variables: list[str] = []
        self.latest: BufferCheck | None = None  # what the last op went to
        self.pending = False  # a sticky buffer without content yet

    def fault(self, reason: str) -> RuleFault:
        """An error at the option being read."""
        return RuleFault(reason, self.column)

    def allow(self, protocols: frozenset[str], name: str) -> None:
        """A buffer or keyword that belongs to some application protocols only."""
        if self.restricted:
            common = {*self.protocols & protocols} or over_https(self.protocols) & over_https(protocols)
            if not common:
                raise self.fault(f"{name} does not go together with what stands before it")
            self.protocols = common
        else:
            self.protocols = set(protocols)
            self.restricted = True

    def stick(self, kind: str | None, multiple: bool = False, side: int = 0) -> None:
        """Set the sticky buffer; None is the payload again."""
        if self.pending:
            raise self.fault(f"{self.kind} has nothing to look for")
        self.base64 = False
        self.kind = kind
        self.side = side
        self.transforms = []
        self.check = None
        self.pending = kind is not None
        if kind is not None and not multiple:
            self.check = self._find(kind, ())

    def transform(self, transform: Transform) -> None:
        """Add a transform to the sticky buffer that was just set."""
        if self.kind is None or self.base64:
            raise self.fault(f"{transform.name} needs a sticky buffer before it")
        self.transforms.append(transform)
        self.check = self._find(self.kind, tuple(self.transforms))

    def _find(self, kind: str, transforms: tuple[Transform, ...]) -> BufferCheck | None:
        for check in self.rule.buffers:
            if check.kind == kind and check.transforms == transforms and check.side == self.side:
                return check
        return None

    def target(self, kind: str | None = None) -> BufferCheck:
        """The check that the next op goes to; `kind` names a buffer other than the sticky one."""
        if kind is None and self.kind is not None:
            if self.check is None:
                self.check = BufferCheck(self.kind, tuple(self.transforms), self.side)
                self.rule.buffers.append(self.check)
            self.pending = False
            return self.check
        kind = kind or PAYLOAD
        check = self._find(kind, ())
        if check is None:
            check = BufferCheck(kind)
            self.rule.buffers.append(check)
        return check

    def add(self, op: Op, kind: str | None = None) -> None:
        """Put an op at the end of its buffer's list."""
        relative = getattr(op, "relative", False) and not isinstance(op, Content)
        if kind is None and self.kind is None and self.latest is not None and relative:
            kind = self.latest.kind  # old style: it counts from the last match, wherever that was
        decoding = self.base64 and kind is None and self.kind is None
        check = self._decoding() if decoding else self.target(kind)
        self.latest = check
        if self.base64 and kind is None:
            check.decoded.append(op)
        else:
            check.ops.append(op)
        if isinstance(op, Content | Pcre):
            self.last = (check, op)
        if isinstance(op, ByteExtract | ByteMath):
            if op.name in self.variables and isinstance(op, ByteExtract):
                raise self.fault(f"the variable {op.name} is set twice")
            self.variables.append(op.name)

    def _decoding(self) -> BufferCheck:
        """The buffer that is decoded: where base64_decode stands."""
        return next(
            check for check in reversed(self.rule.buffers) if any(isinstance(op, Base64) for op in check.ops)
        )

    def content(self, keyword: str) -> tuple[BufferCheck, Content]:
        """The content that a modifier belongs to: the last one."""
        if self.last is None or not isinstance(self.last[1], Content):
            raise self.fault(f"{keyword} needs a content before it")
        check, op = self.last
        assert isinstance(op, Content)
        return check, op

    def move(self, kind: str, keyword: str) -> None:
        """Old style: a modifier that says in which buffer the content before it is looked for."""
        if self.kind is not None:
            raise self.fault(f"{keyword} cannot be used after a sticky buffer")
        check, op = self.content(keyword)
        if check.kind != PAYLOAD:
            raise self.fault(f"{keyword}: this content is looked for in {check.kind} already")
        check.ops.remove(op)
        if not check.ops and not check.decoded:
            self.rule.buffers.remove(check)
        target = self.target(kind)
        if op.relative and not target.ops:
            # distance or within were written before the buffer was known; they count from its start
            op.offset, op.depth = op.offset or op.distance, op.depth or op.within
            op.distance = op.within = None
        target.ops.append(op)
        self.last = (target, op)
        self.latest = target

    def amount(self, text: str, what: str, low: int = -(1 << 31), high: int = 1 << 31) -> int | str:
        """A number within bounds, or the name of a variable set before."""
        text = text.strip()
        try:
            number = int(text, 0) if text[:2].lower() == "0x" else int(text)
        except ValueError:
            if text in self.variables:
                return text
            raise self.fault(f"{what}: {text!r} is no number and no variable set before") from None
        if not low <= number <= high:
            raise self.fault(f"{what}: {number} is not within {low} and {high}")
        return number

    def number(self, text: str, what: str, low: int = 0, high: int = (1 << 63) - 1) -> int:
        """A number within bounds."""
        text = text.strip()
        try:
            number = int(text, 16) if text[:2].lower() == "0x" else int(text)
        except ValueError:
            raise self.fault(f"{what}: {text!r} is no number") from None
        if not low <= number <= high:
            raise self.fault(f"{what}: {number} is not within {low} and {high}")
        return number

    def once(self, keyword: str) -> None:
        """Refuse a keyword that stands there twice."""
        if keyword in self.seen:
            raise self.fault(f"{keyword} is given twice")
        self.seen.add(keyword)

    def has_base64(self) -> bool:
        """Whether a base64_decode came before."""
        return any(isinstance(op, Base64) for check in self.rule.buffers for op in check.ops)
