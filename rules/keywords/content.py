"""content and what modifies it."""

from __future__ import annotations

from rules.keywords.base import NONE, OPTIONAL, Keyword, pattern_of, quoted, unquoted
from rules.language.builder import Builder
from rules.language.model import Base64, Content, IsDataAt, Size

LONGEST = 4096


def content(builder: Builder, value: str) -> None:
    """`content:"bytes"`, negated with `!`."""
    builder.add(_parse(builder, value))


def _parse(builder: Builder, value: str) -> Content:
    negated, text = quoted(builder, value, "content")
    pattern = pattern_of(builder, text)
    if not pattern:
        raise builder.fault("an empty content")
    if len(pattern) > LONGEST:
        raise builder.fault(f"a content of more than {LONGEST} bytes")
    return Content(pattern, negated, column=builder.column)


def uricontent(builder: Builder, value: str) -> None:
    """Old name of a content in the normalised URI."""
    if builder.kind is not None:
        raise builder.fault("uricontent cannot be used after a sticky buffer")
    builder.allow(frozenset({"http"}), "uricontent")
    builder.add(_parse(builder, value), "http.uri")


def nocase(builder: Builder, _value: str) -> None:
    """Letters match whatever their case."""
    _, op = builder.content("nocase")
    if op.nocase:
        raise builder.fault("nocase is given twice for one content")
    op.nocase = True


def depth(builder: Builder, value: str) -> None:
    """How far from the start the match may end, counted from offset."""
    _, op = builder.content("depth")
    if op.depth is not None:
        raise builder.fault("depth is given twice for one content")
    if op.relative:
        raise builder.fault("depth cannot be mixed with distance and within in one content")
    if op.starts:
        raise builder.fault("depth cannot be mixed with startswith")
    amount = builder.amount(value, "depth", 0, 65535)
    if isinstance(amount, int) and amount < len(op.pattern):
        raise builder.fault(f"depth {amount} is less than the content's {len(op.pattern)} bytes")
    op.depth = amount


def offset(builder: Builder, value: str) -> None:
    """Where the match may begin at the earliest."""
    _, op = builder.content("offset")
    if op.offset is not None:
        raise builder.fault("offset is given twice for one content")
    if op.relative:
        raise builder.fault("offset cannot be mixed with distance and within in one content")
    if op.starts:
        raise builder.fault("offset cannot be mixed with startswith")
    op.offset = builder.amount(value, "offset", 0, 65535)


def distance(builder: Builder, value: str) -> None:
    """Bytes from the last match's end to where this one may begin."""
    _, op = builder.content("distance")
    if op.distance is not None:
        raise builder.fault("distance is given twice for one content")
    if op.offset is not None or op.depth is not None:
        raise builder.fault("distance cannot be mixed with offset and depth in one content")
    if op.starts:
        raise builder.fault("distance cannot be mixed with startswith")
    op.distance = builder.amount(value, "distance", -1048576, 1048576)


def within(builder: Builder, value: str) -> None:
    """Bytes from the last match's end within which this one must end."""
    _, op = builder.content("within")
    if op.within is not None:
        raise builder.fault("within is given twice for one content")
    if op.offset is not None or op.depth is not None:
        raise builder.fault("within cannot be mixed with offset and depth in one content")
    if op.starts:
        raise builder.fault("within cannot be mixed with startswith")
    amount = builder.amount(value, "within", -1048576, 1048576)
    if isinstance(amount, int) and amount < len(op.pattern):
        raise builder.fault(f"within {amount} is less than the content's {len(op.pattern)} bytes")
    op.within = amount


def startswith(builder: Builder, _value: str) -> None:
    """The buffer begins with it."""
    _, op = builder.content("startswith")
    if op.starts:
        raise builder.fault("startswith is given twice for one content")
    if op.relative or op.offset is not None or op.depth is not None:
        raise builder.fault("startswith cannot be mixed with depth, offset, distance and within")
    op.starts = True


def endswith(builder: Builder, _value: str) -> None:
    """The buffer ends with it."""
    _, op = builder.content("endswith")
    if op.ends:
        raise builder.fault("endswith is given twice for one content")
    op.ends = True


def fast_pattern(builder: Builder, value: str) -> None:
    """The content for the prefilter; `only` and `offset,length` are old forms."""
    _, op = builder.content("fast_pattern")
    builder.once("fast_pattern")
    if op.negated and (op.relative or op.offset is not None or op.depth is not None):
        raise builder.fault("fast_pattern on a negated content with offset, depth, distance or within")
    value = value.strip()
    if value == "only":
        if op.negated or op.relative or op.offset is not None or op.depth is not None:
            raise builder.fault("fast_pattern:only goes with no other modifier but nocase")
        op.fast_only = True
    elif value:
        first, comma, length = value.partition(",")
        if not comma:
            raise builder.fault("fast_pattern takes nothing, only, or offset,length")
        start = builder.number(first, "fast_pattern", 0, 65535)
        size = builder.number(length, "fast_pattern", 1, 65535)
        if start + size > len(op.pattern):
            raise builder.fault("the part for fast_pattern is not within the content")
        op.chop = (start, size)
    op.fast = True


def rawbytes(builder: Builder, _value: str) -> None:
    """Accepted for compatibility: the payload is raw anyway."""
    check, _ = builder.content("rawbytes")
    if check.kind != "payload":
        raise builder.fault("rawbytes belongs to a content in the payload")


def isdataat(builder: Builder, value: str) -> None:
    """`isdataat:[!]N[,relative][,rawbytes]`."""
    parts = [part.strip() for part in unquoted(value).split(",")]
    negated = parts[0].startswith("!")
    amount = builder.amount(parts[0].lstrip("! "), "isdataat", 0, 65535)
    for part in parts[1:]:
        if part not in {"relative", "rawbytes"}:
            raise builder.fault(f"isdataat does not know {part!r}")
    builder.add(IsDataAt(amount, negated, "relative" in parts[1:]))


def bsize(builder: Builder, value: str) -> None:
    """The length of the sticky buffer."""
    from rules.keywords.base import bounds

    if builder.kind is None:
        raise builder.fault("bsize needs a sticky buffer before it")
    low, high, negated = bounds(builder, value, "bsize")
    check = builder.target()
    for op in check.ops:
        if isinstance(op, Content) and not op.negated and not negated and high < len(op.pattern):
            raise builder.fault(f"bsize {value.strip()} has no room for a content of {len(op.pattern)} bytes")
    builder.add(Size(low, high, negated))


def urilen(builder: Builder, value: str) -> None:
    """`urilen:5[,norm|raw]`: the length of the request's URI, normalised where nothing else is said."""
    from rules.keywords.base import bounds

    text, _, which = value.partition(",")
    which = which.strip() or "norm"
    if which not in {"norm", "raw"}:
        raise builder.fault(f"urilen does not know {which!r}")
    low, high, negated = bounds(builder, text, "urilen", 65535)
    builder.allow(frozenset({"http"}), "urilen")
    builder.add(Size(low, high, negated), "http.uri" if which == "norm" else "http.uri.raw")


def base64_decode(builder: Builder, value: str) -> None:
    """`base64_decode:[bytes N][, offset N][, relative]`."""
    op = Base64()
    for part in (p.strip() for p in value.split(",") if p.strip()):
        words = part.split()
        if words == ["relative"]:
            op.relative = True
        elif len(words) == 2 and words[0] == "bytes":
            op.count = builder.number(words[1], "base64_decode bytes", 1)
        elif len(words) == 2 and words[0] == "offset":
            op.offset = builder.number(words[1], "base64_decode offset")
        else:
            raise builder.fault(f"base64_decode does not know {part!r}")
    builder.add(op)


def base64_data(builder: Builder, _value: str) -> None:
    """What follows is looked for in what base64_decode decoded."""
    if not builder.has_base64():
        raise builder.fault("base64_data needs a base64_decode before it")
    builder.base64 = True


KEYWORDS = {
    "content": Keyword(content),
    "uricontent": Keyword(uricontent),
    "nocase": Keyword(nocase, NONE),
    "depth": Keyword(depth),
    "offset": Keyword(offset),
    "distance": Keyword(distance),
    "within": Keyword(within),
    "startswith": Keyword(startswith, NONE),
    "endswith": Keyword(endswith, NONE),
    "fast_pattern": Keyword(fast_pattern, OPTIONAL),
    "rawbytes": Keyword(rawbytes, NONE),
    "isdataat": Keyword(isdataat),
    "bsize": Keyword(bsize),
    "urilen": Keyword(urilen),
    "base64_decode": Keyword(base64_decode, OPTIONAL),
    "base64_data": Keyword(base64_data, NONE),
}
