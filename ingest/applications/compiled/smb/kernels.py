"""SMB 1, 2 and 3 over TCP: a transaction a command, as `ingest.applications.smb` and `smb1` read them.

A flow's lists: commands not yet answered, shares asked for, files asked for, names of open files, names of
files being opened, bytes of files.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import internal, load_be32, load_le16, load_le32, load_le64, shared
from ingest.applications.compiled.dcerpc.kernels import HELD, LARGEST, pdu, wait
from ingest.applications.compiled.layout import CONFIG_AT, HASHES, META_AT, SMB
from ingest.applications.compiled.looks.kernels import holds
from ingest.applications.compiled.memory.kernels import append, copy_out, find, frame_upto, remember, remove
from ingest.applications.compiled.rows.kernels import (
    asked_for,
    begin,
    enough,
    finish,
    job,
    live,
    note,
    odd,
    put,
    put_kept,
    put_row,
    whole,
)
from ingest.applications.smb1 import CHAINING, MOST_CHAINED, NONE
from ingest.applications.tables import ANOMALY_KIND, FIELD, KIND

_ASKED, _SHARES, _READS, _NAMES, _CREATES, _FILES = 0, 1, 2, 3, 4, 5
#: Words of a flow, beside those of DCE/RPC: bytes of each direction that are passed over.
_PASSING = 2
ARENA = META_AT["arena"]
_BODY, _WANTS_HASHES, _WANTS_CALLS = CONFIG_AT["body"], CONFIG_AT["hashes"], CONFIG_AT["calls"]
_MALFORMED = ANOMALY_KIND["smb.malformed_data"]
_COMMAND, _STATUS, _VERSION, _NTLM_FAIL = (
    FIELD[f"smb.{name}"] for name in ("command", "status", "version", "ntlm_fail")
)
_SIZE, _COMPLETE = FIELD["file.size"], FIELD["file.complete"]
_PIPE, _SHARE, _FILENAME = KIND["smb.named_pipe"], KIND["smb.share"], KIND["smb.filename"]
_NTLM = np.array([[28, KIND["smb.ntlmssp_domain"]], [36, KIND["smb.ntlmssp_user"]]])
_DATA, _NAME = KIND["file.data"], KIND["file.name"]
_DIGESTS = np.array([[KIND["file.md5"], 32], [KIND["file.sha1"], 40], [KIND["file.sha256"], 64]])
_SIGNATURE = np.frombuffer(b"NTLMSSP\0\3\0\0\0", np.uint8).copy()
_MOST_MESSAGE, _MOST_REMEMBERED, _MOST_FILES = 1 << 20, 1024, 64
_SIGNED = int.from_bytes(b"SMB", "big")
_IPC = np.frombuffer(b"IPC", np.uint8).copy()
_PIPE_TRANSCEIVE = 0x0011C017
_PENDING, _MORE_NEEDED = 0x103, 0xC0000016
# Commands of version 2, and of version 1.
_SESSION, _TREE, _CREATE, _CLOSE, _READ, _WRITE, _IOCTL = 1, 3, 5, 6, 8, 9, 11
_NEGOTIATE1 = 0x72
_CHAINING = np.array(sorted(CHAINING), np.int64)
_CLOSE1, _TRANS1, _READ1, _WRITE1, _SESSION1, _TREE1, _CREATE1 = 0x04, 0x25, 0x2E, 0x2F, 0x73, 0x75, 0xA2


@shared
def to_utf8(data, at, end, out, to):
    """UTF-16 as UTF-8, what is none replaced as Python does; where it ends. At most 3 bytes for 2, and 3."""
    while at < end:
        if end - at < 2:
            code, at = np.int64(0xFFFD), end
        else:
            code = np.int64(load_le16(data, at))
            at += 2
            if 0xD800 <= code < 0xDC00:
                if end - at < 2:
                    code, at = np.int64(0xFFFD), end
                else:
                    low = np.int64(load_le16(data, at))
                    if 0xDC00 <= low < 0xE000:
                        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
                        at += 2
                    else:
                        code = np.int64(0xFFFD)
            elif 0xDC00 <= code < 0xE000:
                code = np.int64(0xFFFD)
        if code < 0x80:
            out[to] = code
            to += 1
        elif code < 0x800:
            out[to] = 0xC0 | code >> 6
            out[to + 1] = 0x80 | code & 63
            to += 2
        elif code < 0x10000:
            out[to] = 0xE0 | code >> 12
            out[to + 1] = 0x80 | code >> 6 & 63
            out[to + 2] = 0x80 | code & 63
            to += 3
        else:
            out[to] = 0xF0 | code >> 18
            out[to + 1] = 0x80 | code >> 12 & 63
            out[to + 2] = 0x80 | code >> 6 & 63
            out[to + 3] = 0x80 | code & 63
            to += 4
    return to


@internal
def _clip(at, length, begin_at, end):
    """What an offset and a length within `begin_at` to `end` point at."""
    start = min(begin_at + at, end)
    return start, min(start + length, end)


@internal
def _slice(data, place, begin_at, end):
    """What an offset and a length that stand at `place` point at."""
    return _clip(np.int64(load_le16(data, place)), np.int64(load_le16(data, place + 2)), begin_at, end)


@shared
def _keep_text(mem, flow, table, a, b, data, at, end, unicode):
    """Remember a text by message: where in the arena's free part it stands, and its size."""
    node = remember(mem, flow, table, a, b, 0, _MOST_REMEMBERED)
    to = mem.meta[ARENA]
    if unicode:
        size = to_utf8(data, at, end, mem.arena, to) - to
        wait(mem, flow, node, mem.arena, to, size)
    else:
        wait(mem, flow, node, data, at, end - at)
    return node


@shared
def _forget(mem, flow, table, at):
    """A text or file was used up."""
    flow["words"][HELD] -= np.int64(mem.nodes[at]["size"])
    remove(mem, flow, table, at)


@shared
def _ntlm(mem, tx, d, frame, data, at, end):
    """Who logs in, where a security token holds the third message of NTLM."""
    if not holds(data, at, end, _SIGNATURE):
        return
    while not holds(data, at, at + 12, _SIGNATURE):
        at += 1
    if at + 64 > end:
        return
    unicode = load_le32(data, at + 60) & 1
    for row in range(2):
        place, kind = _NTLM[row, 0], _NTLM[row, 1]
        length = np.int64(load_le16(data, at + place))
        start, stop = _clip(np.int64(load_le32(data, at + place + 4)), length, at, end)
        if stop - start != length:
            continue
        if not unicode:
            put(mem, tx, kind, d, 0, frame, data, start, length)
        elif asked_for(mem, tx, kind):
            to = mem.meta[ARENA]
            put_row(mem, tx, kind, d, 0, frame, to_utf8(data, start, stop, mem.arena, to) - to)


@shared
def _transferred(mem, owner, tx, d, lo, hi, size, data, at, end, frame, time):
    """Bytes of a file or pipe went by; `lo`, `hi`, `size`: which."""
    if end - at >= 16 and data[at] == 5 and data[at + 1] <= 1 and data[at + 2] <= 19:
        pdu(mem, owner, SMB, False, d, data, at, end, frame, time, tx)
        return
    flow = mem.flows[owner]
    file = find(mem, flow, _FILES, lo, hi, 2 * size + d)
    if file < 0:
        if flow["counts"][_FILES] >= _MOST_FILES:
            _forget(mem, flow, _FILES, np.int64(flow["tables"][_FILES]))
        file = append(mem, flow, _FILES, lo, hi, 2 * size + d)
    if mem.nodes[file]["size"] < 10 * mem.config[_BODY]:
        wait(mem, flow, file, data, at, end - at)


@shared
def _put_file(mem, tx, d, frame, file, name):
    """A file that was seen from its beginning to its end; its digests are made later."""
    first, n = np.int64(mem.nodes[file]["first"]), np.int64(mem.nodes[file]["size"])
    at = put_row(mem, tx, _DATA, d, 0, frame, n)
    if at >= 0:
        copy_out(mem, first, n, mem.arena, at)
    if name >= 0 and mem.nodes[name]["size"] > 0:
        put_kept(
            mem, tx, _NAME, d, 0, frame, np.int64(mem.nodes[name]["first"]), np.int64(mem.nodes[name]["size"])
        )
    note(mem, tx, _SIZE, d, 0, frame, n)
    note(mem, tx, _COMPLETE, d, 0, frame, 1)
    if not mem.config[_WANTS_HASHES]:
        return
    for row in range(3):
        to = put_row(mem, tx, _DIGESTS[row, 0], d, 0, frame, _DIGESTS[row, 1])
        if to < 0:
            continue
        if at < 0:
            at = mem.meta[ARENA]
            mem.meta[ARENA] = at + n
            copy_out(mem, first, n, mem.arena, at)
        job(mem, tx, HASHES, row, to, frame, at, n)


@shared
def _closed(mem, owner, tx, lo, hi, size, frame):
    """A file was closed: what was seen of it is a file."""
    flow = mem.flows[owner]
    name = find(mem, flow, _NAMES, lo, hi, size)
    for d in range(2):
        file = find(mem, flow, _FILES, lo, hi, 2 * size + d)
        if file < 0:
            continue
        if mem.nodes[file]["size"] > 0:
            _put_file(mem, tx, d, frame, file, name)
        _forget(mem, flow, _FILES, file)
    if name >= 0:
        _forget(mem, flow, _NAMES, name)


@shared
def _named(mem, flow, a, b, lo, hi, size):
    """A file was opened: its name stands by its handle from now on."""
    create = find(mem, flow, _CREATES, a, b, 0)
    if create < 0:
        return
    node = mem.nodes[create]
    first, last, held = np.int64(node["first"]), np.int64(node["last"]), np.int64(node["size"])
    node["first"] = -1
    remove(mem, flow, _CREATES, create)
    known = find(mem, flow, _NAMES, lo, hi, size)
    if flow["counts"][_NAMES] >= _MOST_REMEMBERED:
        known = np.int64(flow["tables"][_NAMES])
    if known >= 0:
        flow["words"][HELD] -= np.int64(mem.nodes[known]["size"])
    name = remember(mem, flow, _NAMES, lo, hi, size, _MOST_REMEMBERED)
    node = mem.nodes[name]
    node["first"] = first
    node["last"] = last
    node["size"] = held


@shared
def _transaction(mem, owner, command, version, a, b, response, frame, time):
    """The transaction that a message belongs to."""
    d = 1 if response else 0
    flow = mem.flows[owner]
    if response:
        asked = find(mem, flow, _ASKED, a, b, 0)
        if asked >= 0 and live(mem, np.int64(mem.nodes[asked]["x"]), np.int64(mem.nodes[asked]["y"]), owner):
            return np.int64(mem.nodes[asked]["x"])
        if version == 2 and command == 0:  # what was begun in version 1
            asked = find(mem, flow, _ASKED, np.int64(0), np.int64(0), 1)
            if asked >= 0:
                was, number = np.int64(mem.nodes[asked]["x"]), np.int64(mem.nodes[asked]["y"])
                remove(mem, flow, _ASKED, asked)
                if live(mem, was, number, owner):
                    return was
    tx = begin(mem, owner, SMB, frame, time)
    note(mem, tx, _COMMAND, d, 0, frame, command)
    note(mem, tx, _VERSION, d, 0, frame, version)
    if not response:
        asked = remember(mem, flow, _ASKED, a, b, 0, _MOST_REMEMBERED)
        mem.nodes[asked]["x"] = tx
        mem.nodes[asked]["y"] = mem.txs[tx]["number"]
        if version == 1 and command == _NEGOTIATE1:
            asked = remember(mem, flow, _ASKED, np.int64(0), np.int64(0), 1, _MOST_REMEMBERED)
            mem.nodes[asked]["x"] = tx
            mem.nodes[asked]["y"] = mem.txs[tx]["number"]
    return tx


@shared
def _answered(mem, owner, tx, a, b, response, frame):
    """A message was read: its half is whole, with an answer all is over."""
    whole(mem, tx, 1 if response else 0, frame)
    if response and not mem.txs[tx]["over"]:
        flow = mem.flows[owner]
        asked = find(mem, flow, _ASKED, a, b, 0)
        if asked >= 0:
            remove(mem, flow, _ASKED, asked)
        finish(mem, tx)


@shared
def _wait_read(mem, flow, a, b, lo, hi, size):
    """A file is asked for."""
    node = mem.nodes[remember(mem, flow, _READS, a, b, 0, _MOST_REMEMBERED)]
    node["x"] = lo
    node["y"] = hi
    node["z"] = size


# Version 2 and 3.


@shared
def _piped(mem, owner, tx, d, data, at, end, place, frame, time):
    """A call through a pipe, whose place and length stand at `place`."""
    start, stop = _clip(
        np.int64(load_le32(data, place)), np.int64(load_le32(data, place + 4)), at, end
    )  # fmt: skip
    pdu(mem, owner, SMB, False, d, data, start, stop, frame, time, tx)


@shared
def _request2(mem, owner, tx, command, a, b, data, at, end, frame, time):
    flow = mem.flows[owner]
    body = at + 64
    n = end - body
    if command == _TREE and n >= 8:
        start, stop = _slice(data, body + 4, at, end)
        _remember_share(mem, flow, a, b, data, start, stop, True)
    elif command == _SESSION and n >= 16:
        start, stop = _clip(
            np.int64(load_le16(data, body + 12)), np.int64(load_le16(data, body + 14)), at, end
        )
        _ntlm(mem, tx, 0, frame, data, start, stop)
    elif command == _CREATE and n >= 48:
        start, stop = _clip(
            np.int64(load_le16(data, body + 44)), np.int64(load_le16(data, body + 46)), at, end
        )
        _created(mem, flow, tx, a, b, data, start, stop, True, frame)
    elif command == _READ and n >= 32:
        _wait_read(
            mem, flow, a, b, np.int64(load_le64(data, body + 16)), np.int64(load_le64(data, body + 24)), 16
        )
    elif command == _WRITE and n >= 32:
        start, stop = _clip(np.int64(load_le16(data, body + 2)), np.int64(load_le32(data, body + 4)), at, end)
        _transferred(
            mem, owner, tx, 0, np.int64(load_le64(data, body + 16)), np.int64(load_le64(data, body + 24)), 16,
            data, start, stop, frame, time,
        )  # fmt: skip
    elif command == _IOCTL and n >= 32 and load_le32(data, body + 4) == _PIPE_TRANSCEIVE:
        _piped(mem, owner, tx, 0, data, at, end, body + 24, frame, time)
    elif command == _CLOSE and n >= 24:
        _closed(
            mem,
            owner,
            tx,
            np.int64(load_le64(data, body + 8)),
            np.int64(load_le64(data, body + 16)),
            16,
            frame,
        )


@shared
def _remember_share(mem, flow, a, b, data, start, stop, unicode):
    known = find(mem, flow, _SHARES, a, b, 0)
    if flow["counts"][_SHARES] >= _MOST_REMEMBERED:
        known = np.int64(flow["tables"][_SHARES])
    if known >= 0:
        flow["words"][HELD] -= np.int64(mem.nodes[known]["size"])
    _keep_text(mem, flow, _SHARES, a, b, data, start, stop, unicode)


@shared
def _created(mem, flow, tx, a, b, data, start, stop, unicode, frame):
    """A file is to be opened: its name is told and remembered."""
    known = find(mem, flow, _CREATES, a, b, 0)
    if flow["counts"][_CREATES] >= _MOST_REMEMBERED:
        known = np.int64(flow["tables"][_CREATES])
    if known >= 0:
        flow["words"][HELD] -= np.int64(mem.nodes[known]["size"])
    node = mem.nodes[_keep_text(mem, flow, _CREATES, a, b, data, start, stop, unicode)]
    put_kept(mem, tx, _FILENAME, 0, 0, frame, np.int64(node["first"]), np.int64(node["size"]))


@shared
def _shared(mem, flow, tx, share, kind, frame):
    """A share was opened."""
    node = mem.nodes[share]
    put_kept(mem, tx, kind, 0, 0, frame, np.int64(node["first"]), np.int64(node["size"]))
    _forget(mem, flow, _SHARES, share)


@shared
def _read_back(mem, owner, tx, a, b, data, start, stop, frame, time):
    """What was asked of a file came."""
    flow = mem.flows[owner]
    read = find(mem, flow, _READS, a, b, 0)
    node = mem.nodes[read]
    lo, hi, size = np.int64(node["x"]), np.int64(node["y"]), np.int64(node["z"])
    remove(mem, flow, _READS, read)
    _transferred(mem, owner, tx, 1, lo, hi, size, data, start, stop, frame, time)


@shared
def _response2(mem, owner, tx, command, a, b, data, at, end, frame, time, status):
    flow = mem.flows[owner]
    body = at + 64
    n = end - body
    if command == _TREE and find(mem, flow, _SHARES, a, b, 0) >= 0:
        kind = _PIPE if n > 2 and data[body + 2] == 2 else _SHARE
        _shared(mem, flow, tx, find(mem, flow, _SHARES, a, b, 0), kind, frame)
    elif command == _CREATE and n >= 80 and find(mem, flow, _CREATES, a, b, 0) >= 0:
        _named(
            mem, flow, a, b, np.int64(load_le64(data, body + 64)), np.int64(load_le64(data, body + 72)), 16
        )
    elif command == _READ and n >= 16 and find(mem, flow, _READS, a, b, 0) >= 0:
        start, stop = _clip(np.int64(data[body + 2]), np.int64(load_le32(data, body + 4)), at, end)
        _read_back(mem, owner, tx, a, b, data, start, stop, frame, time)
    elif command == _IOCTL and n >= 40 and load_le32(data, body + 4) == _PIPE_TRANSCEIVE:
        _piped(mem, owner, tx, 1, data, at, end, body + 32, frame, time)
    elif command == _SESSION and status != 0 and status != _MORE_NEEDED:
        note(mem, tx, _NTLM_FAIL, 1, 0, frame, 1)


@shared
def _message2(mem, owner, data, at, end, frame, time):
    """One message of version 2 or 3."""
    status = np.int64(load_le32(data, at + 8))
    command = np.int64(load_le16(data, at + 12))
    response = load_le32(data, at + 16) & 1 != 0
    b = np.int64(load_le64(data, at + 24))
    a = np.int64(load_le64(data, at + 40)) if command != _SESSION else np.int64(0)
    tx = _transaction(mem, owner, command, 2, a, b, response, frame, time)
    if response:
        note(mem, tx, _STATUS, 1, 0, frame, status)
        if status == _PENDING:
            return
        _response2(mem, owner, tx, command, a, b, data, at, end, frame, time, status)
    else:
        _request2(mem, owner, tx, command, a, b, data, at, end, frame, time)
    _answered(mem, owner, tx, a, b, response, frame)


@shared
def _compound(mem, owner, d, data, at, end, frame, time):
    """Messages behind one another."""
    for _ in range(64):
        if end - at < 64 or load_be32(data, at) != 0xFE534D42:
            return
        after = np.int64(load_le32(data, at + 20))
        if after % 8 or 0 < after < 64:
            odd(mem, owner, _MALFORMED, d, frame, -1)
            return
        _message2(mem, owner, data, at, min(at + after, end) if after else end, frame, time)
        if not after:
            return
        at = min(at + after, end)


# Version 1.


@shared
def _part(data, at, end, n):
    """A little-endian number of at most `n` bytes, of which fewer may be there."""
    value = np.int64(0)
    for i in range(min(n, end - at)):
        value |= np.int64(data[at + i]) << 8 * i
    return value


@shared
def _string(data, at, end, unicode):
    """Where a string ends that ends with a NUL."""
    if not unicode:
        while at < end and data[at] != 0:
            at += 1
        return at
    while at + 1 < end and (data[at] != 0 or data[at + 1] != 0):
        at += 2
    return at


@shared
def _request1(mem, owner, tx, command, a, b, data, at, words, payload, end, unicode, frame, time):
    """`words` to `payload` less two: the words; `payload` to `end`: the bytes."""
    flow = mem.flows[owner]
    last = min(words + 2 * np.int64(data[words - 1]), end)
    n = last - words
    if command == _TREE1 and n >= 8:
        start = payload + _part(data, words + 6, last, 2)
        if unicode and (start - at) % 2:
            start += 1
        start = min(start, end)
        _remember_share(mem, flow, a, b, data, start, _string(data, start, end, unicode), unicode)
    elif command == _SESSION1:
        _ntlm(mem, tx, 0, frame, data, payload, end)
    elif command == _CREATE1 and n >= 48:
        start = min(payload + ((payload - at) % 2 if unicode else 0), end)
        _created(mem, flow, tx, a, b, data, start, _string(data, start, end, unicode), unicode, frame)
    elif command == _WRITE1 and n >= 24:
        length = _part(data, words + 20, last, 2) | _part(data, words + 18, last, 2) << 16
        start, stop = _clip(_part(data, words + 22, last, 2), length, at, end)
        file = _part(data, words + 4, last, 2)
        _transferred(mem, owner, tx, 0, file, 0, 2, data, start, stop, frame, time)
    elif command == _READ1 and n >= 6:
        _wait_read(mem, flow, a, b, _part(data, words + 4, last, 2), 0, 2)
    elif command == _TRANS1 and n >= 28:
        start, stop = _clip(_part(data, words + 24, last, 2), _part(data, words + 22, last, 2), at, end)
        pdu(mem, owner, SMB, False, 0, data, start, stop, frame, time, tx)
    elif command == _CLOSE1 and n >= 2:
        _closed(mem, owner, tx, _part(data, words, last, 2), 0, 2, frame)


@shared
def _response1(mem, owner, tx, command, a, b, data, at, words, payload, end, frame, time, status):
    flow = mem.flows[owner]
    last = min(words + 2 * np.int64(data[words - 1]), end)
    n = last - words
    if command == _TREE1 and find(mem, flow, _SHARES, a, b, 0) >= 0:
        stop = _string(data, payload, end, False)
        pipe = stop - payload == 3 and holds(data, payload, stop, _IPC)
        _shared(mem, flow, tx, find(mem, flow, _SHARES, a, b, 0), _PIPE if pipe else _SHARE, frame)
    elif command == _CREATE1 and n >= 7 and find(mem, flow, _CREATES, a, b, 0) >= 0:
        _named(mem, flow, a, b, _part(data, words + 5, last, 2), 0, 2)
    elif command == _READ1 and n >= 14 and find(mem, flow, _READS, a, b, 0) >= 0:
        length = _part(data, words + 10, last, 2) | _part(data, words + 14, last, 2) << 16
        start, stop = _clip(_part(data, words + 12, last, 2), length, at, end)
        _read_back(mem, owner, tx, a, b, data, start, stop, frame, time)
    elif command == _TRANS1 and n >= 20:
        start, stop = _clip(_part(data, words + 14, last, 2), _part(data, words + 12, last, 2), at, end)
        pdu(mem, owner, SMB, False, 1, data, start, stop, frame, time, tx)
    elif command == _SESSION1 and status != 0 and status != _MORE_NEEDED:
        note(mem, tx, _NTLM_FAIL, 1, 0, frame, 1)


@shared
def _message1(mem, owner, d, data, at, end, frame, time):
    """One message of version 1: a command, and those chained to it."""
    if end - at < 35:
        odd(mem, owner, _MALFORMED, d, frame, -1)
        return
    command, place = np.int64(data[at + 4]), np.int64(32)
    for _ in range(MOST_CHAINED):
        words = at + place + 1
        last = min(words + 2 * np.int64(data[words - 1]), end)
        _command1(mem, owner, command, data, at, words, end, frame, time)
        if not _chaining(command) or last - words < 4 or data[words] == NONE:
            return
        after = _part(data, words + 2, last, 2)
        if after <= place or after > end - at - 3:
            return
        command, place = np.int64(data[words]), after


@shared
def _chaining(command):
    """Whether another command may stand behind one in its message."""
    for i in range(len(_CHAINING)):
        if _CHAINING[i] == command:
            return True
    return False


@shared
def _command1(mem, owner, command, data, at, words, end, frame, time):
    """One command of a message of version 1."""
    status = np.int64(load_le32(data, at + 5))
    response = data[at + 9] & 0x80 != 0
    a = np.int64(load_le16(data, at + 30)) | 1 << 32
    b = np.int64(load_le16(data, at + 26)) << 16 | command
    tx = _transaction(mem, owner, command, 1, a, b, response, frame, time)
    payload = min(words + 2 * np.int64(data[words - 1]) + 2, end)
    if response:
        note(mem, tx, _STATUS, 1, 0, frame, status)
        _response1(mem, owner, tx, command, a, b, data, at, words, payload, end, frame, time, status)
    else:
        unicode = data[at + 11] & 0x80 != 0
        _request1(mem, owner, tx, command, a, b, data, at, words, payload, end, unicode, frame, time)
    _answered(mem, owner, tx, a, b, response, frame)


@shared
def _of_files(data, at, size):
    """Whether a message of version 1 behind its length speaks of files, or what is chained in it may."""
    command = np.int64(data[at + 8])
    if command == _CLOSE1 or command == _READ1 or command == _WRITE1 or command == _CREATE1:
        return True
    return _chaining(command) and size > 37 and data[at + 37] != NONE


@shared
def _passed(flow, d, n):
    """How many of `n` bytes are passed over, since they are of a message that is too long."""
    passed = min(np.int64(flow["words"][_PASSING + d]), n)
    flow["words"][_PASSING + d] -= passed
    return passed


@shared
def smb_stream(mem, owner, d, data, at, end, frame, time):
    """Message by message, each behind its length; where the first begins that is not whole.

    Of a message that is too long its beginning is read, and the rest passed over as it comes.
    """
    flow = mem.flows[owner]
    begun = at
    at += _passed(flow, d, end - at)
    while end - at >= 8:
        first = np.int64(data[at])
        whole_size = 4 + (np.int64(load_be32(data, at)) & 0xFFFFFF)
        size = min(whole_size, np.int64(_MOST_MESSAGE))
        speaks = data[at + 4] >= 0xFD and load_be32(data, at + 4) & 0xFFFFFF == _SIGNED
        if (first != 0 and first < 0x81) or (whole_size > size and not speaks):
            if not enough(mem, 0, 1, 0, 0, 0):
                return at
            odd(mem, owner, _MALFORMED, d, frame_upto(mem, flow, d, at + 4 - begun, frame), -1)
            flow["done"][d] = 1
            return end
        if end - at < size:
            flow["need"][d] = size
            return at
        flow["need"][d] = 8
        signature = np.int64(load_be32(data, at + 4)) if size >= 8 else np.int64(0)
        older = signature == 0xFF534D42
        if older and size > 8 and not mem.config[_WANTS_CALLS] and not _of_files(data, at, size):
            flow["words"][_PASSING + d] = whole_size - size
            at += size
            at += _passed(flow, d, end - at)
            continue
        parts = np.int64(MOST_CHAINED) if older else size // 64 + 1
        rows = 40 * min(parts, 64) + size // 12
        waiting = min(np.int64(flow["words"][HELD]), parts * np.int64(flow["words"][LARGEST]))
        bound = 4 * (size + waiting) + 512 * parts
        if not enough(mem, parts, rows, bound, 6 * min(parts, 64) + size // 12, 3 * size):
            return at
        if older:
            _message1(mem, owner, d, data, at + 4, at + size, frame, time)
        elif signature == 0xFE534D42:
            _compound(mem, owner, d, data, at + 4, at + size, frame, time)
        flow["words"][_PASSING + d] = whole_size - size
        at += size
        at += _passed(flow, d, end - at)
    return at
