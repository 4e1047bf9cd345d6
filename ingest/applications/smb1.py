"""SMB 1 (MS-CIFS): trees, files, transactions over pipes, session set-up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.applications import ntlm
from ingest.applications.tables import TO_CLIENT, TO_SERVER

if TYPE_CHECKING:
    from ingest.applications.parser import Transaction
    from ingest.applications.smb import Smb

_CLOSE, _TRANS, _READ, _WRITE, _SESSION, _TREE, _CREATE = 0x04, 0x25, 0x2E, 0x2F, 0x73, 0x75, 0xA2
_NEGOTIATE = 0x72
#: Stands for a negotiation that was begun in version 1: servers answer it in version 2 (MS-SMB2 §3.3.5.3).
NEGOTIATING = (-1, 0)
#: Commands that say something of files.
FILES = frozenset({_CLOSE, _READ, _WRITE, _CREATE})
#: Commands behind which another may stand in one message (AndX): locks, opening, log-off beside those above.
CHAINING = frozenset({0x24, 0x2D, 0x74, _READ, _WRITE, _SESSION, _TREE, _CREATE})
#: Commands of one message, and what says that no other follows.
MOST_CHAINED, NONE = 8, 0xFF


def read(parser: Smb, d: int, data: bytes, frame: int, time: int) -> None:
    """One message: a command, and those chained to it, each a transaction."""
    if len(data) < 35:
        parser.odd("smb.malformed_data", d, frame)
        return
    command, at = data[4], 32
    for _ in range(MOST_CHAINED):
        words = data[at + 1 : at + 1 + 2 * data[at]]
        _read(parser, command, data, words, data[at + 3 + 2 * data[at] :], frame, time)
        if command not in CHAINING or len(words) < 4 or words[0] == NONE:
            return
        command, after = words[0], _word(words, 2)
        if not at < after <= len(data) - 3:
            return
        at = after


def _read(
    parser: Smb, command: int, data: bytes, words: bytes, payload: bytes, frame: int, time: int
) -> None:
    from ingest.applications.smb import remember

    response = bool(data[9] & 0x80)
    key = (
        int.from_bytes(data[30:32], "little") | 1 << 32,
        int.from_bytes(data[26:28], "little") << 16 | command,
    )
    d = TO_CLIENT if response else TO_SERVER
    made = parser.asked.get(key) if response else None
    if made is None or made.over:
        made = parser.begin(frame, time)
        made.note("smb.command", d, frame, command)
        made.note("smb.version", d, frame, 1)
        if not response:
            remember(parser.asked, key, made)
            if command == _NEGOTIATE:
                remember(parser.asked, NEGOTIATING, made)
    if response:
        made.note("smb.status", d, frame, int.from_bytes(data[5:9], "little"))
    unicode = bool(data[11] & 0x80)
    (_response if response else _request)(
        parser, made, command, key, data, words, payload, unicode, frame, time
    )
    made.whole(d, frame)
    if response and not made.over:
        parser.asked.pop(key, None)
        parser.finish(made)


def _word(words: bytes, at: int, n: int = 2) -> int:
    return int.from_bytes(words[at : at + n], "little")


def _string(data: bytes, at: int, unicode: bool) -> tuple[bytes, int]:
    """A string that ends with a NUL, and where the next thing stands."""
    if not unicode:
        end = data.find(b"\0", at)
        end = len(data) if end < 0 else end
        return data[at:end], end + 1
    end = at
    while end + 1 < len(data) and data[end : end + 2] != b"\0\0":
        end += 2
    return data[at:end].decode("utf-16-le", "replace").encode(), end + 2


def _request(
    parser: Smb, made: Transaction, command: int, key: tuple[int, int], data: bytes, words: bytes,
    payload: bytes, unicode: bool, frame: int, time: int,
) -> None:  # fmt: skip
    from ingest.applications.smb import remember

    d, start = TO_SERVER, len(data) - len(payload)
    if command == _TREE and len(words) >= 8:
        at = _word(words, 6)
        if unicode and (start + at) % 2:
            at += 1
        remember(parser.shares, key, _string(payload, at, unicode)[0])
    elif command == _SESSION:
        ntlm.put(made, d, frame, payload)
    elif command == _CREATE and len(words) >= 48:
        at = (start % 2) if unicode else 0
        name = _string(payload, at, unicode)[0]
        remember(parser.creates, key, name)
        made.put("smb.filename", d, frame, name)
    elif command == _WRITE and len(words) >= 24:
        length = _word(words, 20) | _word(words, 18) << 16
        at = _word(words, 22)
        parser.transferred(made, d, words[4:6], data[at : at + length], frame, time)
    elif command == _READ and len(words) >= 6:
        remember(parser.reads, key, words[4:6])
    elif command == _TRANS and len(words) >= 28:
        at, length = _word(words, 24), _word(words, 22)
        parser.calls.pdu(d, data[at : at + length], frame, time, made)
    elif command == _CLOSE and len(words) >= 2:
        parser.closed_file(made, words[:2], frame)


def _response(
    parser: Smb, made: Transaction, command: int, key: tuple[int, int], data: bytes, words: bytes,
    payload: bytes, unicode: bool, frame: int, time: int,
) -> None:  # fmt: skip
    from ingest.applications.smb import remember

    d = TO_CLIENT
    if command == _TREE and key in parser.shares:
        service = _string(payload, 0, unicode=False)[0]
        made.put(
            "smb.named_pipe" if service == b"IPC" else "smb.share", TO_SERVER, frame, parser.shares.pop(key)
        )
    elif command == _CREATE and key in parser.creates and len(words) >= 7:
        remember(parser.names, words[5:7], parser.creates.pop(key))
    elif command == _READ and key in parser.reads and len(words) >= 14:
        length, at = _word(words, 10) | _word(words, 14) << 16, _word(words, 12)
        parser.transferred(made, d, parser.reads.pop(key), data[at : at + length], frame, time)
    elif command == _TRANS and len(words) >= 20:
        at, length = _word(words, 14), _word(words, 12)
        parser.calls.pdu(d, data[at : at + length], frame, time, made)
    elif command == _SESSION and _word(data, 5, 4) not in (0, 0xC0000016):
        made.note("smb.ntlm_fail", d, frame, int(unicode) | 1)
