"""Request targets, normalised as libhtp's IDS personality does, so that rules see one spelling."""

from __future__ import annotations

import re

_PERCENT = re.compile(rb"%(?:u([0-9A-Fa-f]{4})|([0-9A-Fa-f]{2}))")
_SLASHES = re.compile(rb"/{2,}")
_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.\-]*://?")


def decode(text: bytes) -> bytes:
    """Percent-decoded once, `%uXXXX` too; what is no code stays."""
    return _PERCENT.sub(_code, text) if b"%" in text else text


def _code(match: re.Match[bytes]) -> bytes:
    if match.group(2) is not None:
        return bytes((int(match.group(2), 16),))
    value = int(match.group(1), 16)
    if value < 256:
        return bytes((value,))
    if 0xFF01 <= value <= 0xFF5E:  # full-width forms stand for ASCII
        return bytes((value - 0xFEE0,))
    return b"?"


def path(text: bytes) -> bytes:
    """A path: decoded, backslashes turned, slashes pressed together, dot segments resolved (RFC 3986)."""
    text = decode(text)
    if b"\\" in text:
        text = text.replace(b"\\", b"/")
    if b"//" in text:
        text = _SLASHES.sub(b"/", text)
    return _undotted(text) if b"." in text else text


def _undotted(text: bytes) -> bytes:
    if b"/." not in text and not text.startswith(b"."):
        return text
    out: list[bytes] = []
    rooted = text.startswith(b"/")
    pieces = text.split(b"/")
    last = len(pieces) - 1
    for i, piece in enumerate(pieces[1:] if rooted else pieces):
        ends = i == last - (1 if rooted else 0)
        if piece == b".":
            if ends:
                out.append(b"")
        elif piece == b"..":
            if out:
                out.pop()
            if ends:
                out.append(b"")
        else:
            out.append(piece)
    return (b"/" if rooted else b"") + b"/".join(out)


def split(raw: bytes, *, authority: bool = False) -> tuple[bytes, bytes, bytes]:
    """A request target: (normalised path, query and fragment; host where it is absolute; port).

    `authority`: of CONNECT, which names only a host and port.
    """
    if authority:
        host, port = host_of(raw)
        return raw, host, port
    host = port = b""
    rest = raw
    if match := _ABSOLUTE.match(raw) if not raw.startswith(b"/") else None:
        rest = raw[match.end() :]
        cut = min(
            (i for i in (rest.find(b"/"), rest.find(b"?"), rest.find(b"#")) if i >= 0), default=len(rest)
        )
        host, port = host_of(rest[:cut].rpartition(b"@")[2])
        rest = rest[cut:]
    rest, hash_sign, fragment = rest.partition(b"#")
    before, question, query = rest.partition(b"?")
    out = path(before)
    if question:
        out += b"?" + decode(query)
    if hash_sign:
        out += b"#" + decode(fragment)
    return out, host, port


def host_of(text: bytes) -> tuple[bytes, bytes]:
    """A host and port: (host in lower case without trailing dots, port)."""
    text = text.strip(b" \t")
    if text.startswith(b"["):
        host, _, rest = text.partition(b"]")
        return (host + b"]").lower(), rest.lstrip(b":")
    host, _, port = text.partition(b":")
    return host.strip(b" \t").lower().rstrip(b"."), port
