"""pcre: a regular expression, in the sticky buffer or in the one that an old-style flag names."""

from __future__ import annotations

import re

from citywall.errors import RuleFault
from rules.expressions import check
from rules.keywords.base import Keyword, unquoted
from rules.language.builder import Builder
from rules.language.model import Pcre

#: Old-style flags and the buffers they stand for.
_BUFFERS = {
    "U": "http.uri", "I": "http.uri.raw", "P": "http.request_body", "Q": "file.data", "H": "http.header",
    "D": "http.header.raw", "M": "http.method", "C": "http.cookie", "S": "http.stat_code",
    "Y": "http.stat_msg", "V": "http.user_agent", "W": "http.host", "Z": "http.host.raw",
}  # fmt: skip
_FLAGS = frozenset("ismxAEGRBO")
_CAPTURE = re.compile(r"^(?:(flow|pkt|alert):)?([\w.-]+)$")


def pcre(builder: Builder, value: str) -> None:
    """`pcre:[!]"/expression/flags[,capture...]"`."""
    text = value.strip()
    negated = text.startswith("!")
    text = unquoted(text[1:] if negated else text)
    if not text.startswith("/"):
        raise builder.fault("pcre needs its expression between slashes")
    end = text.rfind("/")
    if end == 0:
        raise builder.fault("the pcre's closing slash is missing")
    tail, _, names = text[end + 1 :].partition(",")
    captures = tuple(name.strip() for name in names.split(",") if name.strip())
    for name in captures:
        if not _CAPTURE.match(name):
            raise builder.fault(f"pcre cannot capture into {name!r}")
    kind, flags = _flags(builder, tail.strip())
    if kind is not None:
        if builder.kind is not None and builder.kind != kind:
            raise builder.fault(f"this pcre is looked for in {kind}, but {builder.kind} is set")
        builder.allow(
            frozenset({"http", "smtp", "ftp-data", "nfs", "smb"} if kind == "file.data" else {"http"}), "pcre"
        )
    if kind == "http.host" and "i" in flags:
        raise builder.fault("a pcre in http.host is without case anyway: the flag i is not allowed")
    expression = text[1:end].replace("\\;", ";").encode("utf-8", "surrogateescape")
    try:
        check(expression, flags)
    except RuleFault as e:
        raise builder.fault(e.reason) from None
    relative = "R" in flags
    op = Pcre(
        expression, flags.replace("R", "").replace("B", ""), negated, relative, captures, builder.column
    )
    builder.add(op, None if kind == builder.kind else kind)


def _flags(builder: Builder, letters: str) -> tuple[str | None, str]:
    """The buffer that old-style flags name, and the other flags."""
    kind = None
    flags = ""
    for flag in letters:
        if flag in _BUFFERS:
            if kind is not None and kind != _BUFFERS[flag]:
                raise builder.fault("pcre names two buffers")
            kind = _BUFFERS[flag]
        elif flag in _FLAGS:
            flags += flag
        else:
            raise builder.fault(f"pcre does not know the flag {flag!r}")
    return kind, flags


KEYWORDS = {"pcre": Keyword(pcre)}
