"""What begins an HTTP/1 conversation, and which words are methods."""

from __future__ import annotations

import re

from ingest.applications.tables import TO_CLIENT

_METHODS = (
    "GET", "POST", "PUT", "HEAD", "OPTIONS", "TRACE", "CONNECT", "DELETE", "PATCH", "PROPFIND",
    "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH", "DEBUG", "MERGE",
    "CHECKOUT", "CHECKIN", "UPDATE", "LABEL", "BIND", "VERSION-CONTROL", "MKWORKSPACE", "MKACTIVITY",
    "BASELINE-CONTROL", "INVALID", "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE", "M-SEARCH", "BCOPY", "BDELETE",
    "BMOVE", "BPROPFIND", "BPROPPATCH", "POLL",
)  # fmt: skip
#: Methods that begin another request where one has just ended; other words are a body.
KNOWN = frozenset(
    b"HEAD GET PUT POST DELETE CONNECT OPTIONS TRACE PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK "
    b"VERSION-CONTROL CHECKOUT UNCHECKOUT CHECKIN UPDATE LABEL REPORT MKWORKSPACE MKACTIVITY "
    b"BASELINE-CONTROL MERGE INVALID".split()
)
_STARTS = tuple(f"{method}{blank}".encode() for method in _METHODS for blank in " \t")
_BEGINNINGS = frozenset(start[:n] for start in _STARTS for n in range(len(start) + 1))


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes begin an HTTP/1 conversation."""
    data = data.lstrip(b" \r\n")[:20]
    if direction == TO_CLIENT:
        head = data[:5].upper()
        return head == b"HTTP/" or (None if b"HTTP/".startswith(head) and len(head) < 5 else False)
    if data.startswith(_STARTS):
        return True
    if data in _BEGINNINGS:
        return None
    return ports[1] in (80, 8080, 3128, 8000) and _ODD_REQUEST.match(data) is not None


_ODD_REQUEST = re.compile(rb"[A-Za-z][A-Za-z_-]{1,14}[ \t]+[/A-Za-z*]")
