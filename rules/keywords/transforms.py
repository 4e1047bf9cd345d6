"""Transforms: changes made to a sticky buffer before it is looked at."""

from __future__ import annotations

from citywall.errors import RuleFault
from rules.expressions import check
from rules.keywords.base import NONE, OPTIONAL, Keyword, quoted, unquoted
from rules.language.builder import Builder
from rules.language.model import Transform

SIMPLE = (
    *("strip_whitespace", "compress_whitespace", "to_lowercase", "to_uppercase", "to_md5", "to_sha1"),
    *("to_sha256", "dotprefix", "url_decode", "header_lowercase", "strip_pseudo_headers", "domain", "tld"),
)


def _simple(name: str) -> Keyword:
    def setup(builder: Builder, _value: str) -> None:
        builder.transform(Transform(name))

    return Keyword(setup, NONE)


def xor(builder: Builder, value: str) -> None:
    """`xor:"hex key"`."""
    try:
        key = bytes.fromhex(unquoted(value))
    except ValueError:
        raise builder.fault("xor takes its key in hexadecimal") from None
    if not 0 < len(key) <= 255:
        raise builder.fault("an xor key has 1 to 255 bytes")
    builder.transform(Transform("xor", (key,)))


def pcrexform(builder: Builder, value: str) -> None:
    """The first group of an expression takes the buffer's place."""
    expression = quoted(builder, value, "pcrexform")[1].replace("\\;", ";").encode("utf-8", "surrogateescape")
    try:
        check(expression, "")
    except RuleFault as e:
        raise builder.fault(e.reason) from None
    builder.transform(Transform("pcrexform", (expression,)))


def from_base64(builder: Builder, value: str) -> None:
    """`from_base64[:bytes n, offset n, mode rfc4648|rfc2045|strict]`."""
    count = offset = 0
    mode = "rfc4648"
    for part in (p.strip() for p in unquoted(value).split(",") if p.strip()):
        words = part.split()
        if len(words) != 2 or words[0] not in {"bytes", "offset", "mode"}:
            raise builder.fault(f"from_base64 does not know {part!r}")
        if words[0] == "mode":
            mode = words[1].lower()
            if mode not in {"rfc4648", "rfc2045", "strict"}:
                raise builder.fault(f"from_base64 has no mode {mode!r}")
        elif words[0] == "bytes":
            count = builder.number(words[1], "from_base64 bytes", 0, 65535)
        else:
            offset = builder.number(words[1], "from_base64 offset", 0, 65535)
    builder.transform(Transform("from_base64", (count, offset, mode)))


def _inflating(name: str) -> Keyword:
    def setup(builder: Builder, value: str) -> None:
        most = 1024
        text = value.strip()
        if text:
            if not text.startswith("max-size"):
                raise builder.fault(f"{name} does not know {text!r}")
            most = builder.number(text.removeprefix("max-size"), f"{name} max-size", 1, 1 << 20)
        builder.transform(Transform(name, (most,)))

    return Keyword(setup, OPTIONAL)


def subslice(builder: Builder, value: str) -> None:
    """`subslice:start[,count]`: a part of the buffer."""
    parts = [builder.number(part, "subslice", -65535, 65535) for part in value.split(",")]
    if len(parts) not in {1, 2}:
        raise builder.fault("subslice takes a start and a count")
    builder.transform(Transform("subslice", tuple(parts)))


KEYWORDS = {
    **{name: _simple(name) for name in SIMPLE},
    "xor": Keyword(xor),
    "pcrexform": Keyword(pcrexform),
    "from_base64": Keyword(from_base64, OPTIONAL),
    "gunzip": _inflating("gunzip"),
    "zlib_deflate": _inflating("zlib_deflate"),
    "subslice": Keyword(subslice),
}
