"""FTP's control connections: a transaction a command, as `ingest.applications.ftp` reads them.

Data connections that are announced are jobs for Python. With AUTH the flow goes over to Python, which knows
what TLS that begins in the middle is.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import copy_bytes, internal, load_be32, shared
from ingest.applications.compiled.layout import ANNOUNCED, BLOOM, FTP, META_AT
from ingest.applications.compiled.looks.kernels import place_of
from ingest.applications.compiled.memory.kernels import append, remove
from ingest.applications.compiled.rows.kernels import begin, enough, finish, job, note, odd, put, whole
from ingest.applications.ftp import KNOWN, MOST_LINE
from ingest.applications.parser import MOST_OPEN
from ingest.applications.tables import ANOMALY_KIND, FIELD, KIND

#: A flow's list of commands not yet answered: transaction, verb, whether Suricata knows it.
ASKED = 0
#: Words of a flow: where the next data connection goes (0: not known, else 1 + side + 2 * port); FLAGS; 1 and
#: the three digits of a reply that goes on; what the latest command says of places (a verb, and its port).
PLACE, FLAGS, MANY, LATEST = 0, 1, 2, 3
#: Bits of ports to which data connections were announced since they were last told: `BLOOM` words.
PORTS = 4
#: Flags: a place was agreed upon for the next transfer; behind the piece at hand a line ends with its frame;
#: what is left of a line too long is skipped (of a client's, and shifted by one of a server's).
NEGOTIATED, FOLLOWED, SKIPPING = 1, 2, 4
ARENA = META_AT["arena"]
_VERBS = ("AUTH", "PORT", "EPRT", "PASV", "EPSV", "RETR", "STOR", "STOU", "APPE", "NLST", "LIST", "MLSD")
(_AUTH, _PORT, _EPRT, _PASV, _EPSV, _RETR, _STOR, _STOU, _APPE, _NLST, _LIST, _MLSD) = (
    int.from_bytes(verb.encode(), "big") for verb in _VERBS
)
_UPPER = 0xDFDFDFDF  # of four letters
_LEAST_WITH_NAME = len(b"RETR x")
_KNOWN = np.array([list(word.ljust(8, b"\0")) for word in sorted(KNOWN)], np.int64)
_KNOWN_SIZES = np.array([len(word) for word in sorted(KNOWN)], np.int64)
# Of those words, where the ones begin that begin with each byte.
_KNOWN_AT = np.searchsorted(_KNOWN[:, 0], np.arange(257))
_COMMAND, _DATA = KIND["ftp.command"], KIND["ftp.command_data"]
_CODE, _REPLY = KIND["ftp.completion_code"], KIND["ftp.reply"]
_MODE, _DYNAMIC, _ADDRESS, _RECEIVED = (
    FIELD[f"ftp.{name}"] for name in ("mode", "dynamic_port", "port_address", "reply_received")
)
_NO_NAME, _NO_PORT = ANOMALY_KIND["ftp.file_without_name"], ANOMALY_KIND["ftp.file_before_port"]
_LONG = np.array([ANOMALY_KIND[f"ftp.{side}_command_too_long"] for side in ("request", "response")], np.int64)
# A command takes a node, and what is left of a piece some.
_NODES = 4
_SPREAD = 40503  # odd, near 65536 divided by the golden ratio


@internal
def bit_of(port):
    """The word and the bit that stand for a port."""
    hashed = (port * _SPREAD >> 8) & (64 * BLOOM - 1)
    return hashed >> 6, hashed & 63


@shared
def name_port(flow, port):
    """A port was named, or may have been."""
    if port <= 0xFFFF:
        word, bit = bit_of(port)
        flow["words"][PORTS + word] |= np.int64(1) << bit


@internal
def _digit(byte):
    return 48 <= byte <= 57


@internal
def _upper(byte):
    return byte - 32 if 97 <= byte <= 122 else byte


@shared
def six(data, at, end):
    """Port and address of the first h,h,h,h,p,p: of numbers of up to three digits; (-1, -1) for none.

    The first may have more digits before those that count, the last behind them. An address with a number
    above 255 is -1.
    """
    while at < end:
        if not _digit(data[at]):
            at += 1
            continue
        comma = at
        while comma < end and _digit(data[comma]):
            comma += 1
        start = max(at, comma - 3)
        address, port, sound = np.int64(0), np.int64(0), True
        i = start
        for k in range(6):
            value, begun = np.int64(0), i
            while i < end and i < begun + 3 and _digit(data[i]):
                value = 10 * value + np.int64(data[i]) - 48
                i += 1
            if i == begun or (k < 5 and (i == end or data[i] != 44)):
                port = np.int64(-1)
                break
            i += 1
            if k < 4:
                sound = sound and value < 256
                address = address << 8 | value
            elif k == 4:
                port = value << 8
            else:
                port |= value
        if port >= 0:
            return port, address if sound else np.int64(-1)
        at = comma + 1
    return np.int64(-1), np.int64(-1)


@shared
def extended(data, at, end):
    """The port of the first (|||p|), of up to five digits; -1 for none."""
    while at + 7 <= end:
        if data[at] == 40 and data[at + 1] == 124 and data[at + 2] == 124 and data[at + 3] == 124:
            i, value = at + 4, np.int64(0)
            while i < end and i < at + 9 and _digit(data[i]):
                value = 10 * value + np.int64(data[i]) - 48
                i += 1
            if i > at + 4 and i + 1 < end and data[i] == 124 and data[i + 1] == 41:
                return value
        at += 1
    return np.int64(-1)


@shared
def last_number(data, at, end):
    """What stands behind the last | but those at the end: its first five digits, 0 where it is no number."""
    while end > at and data[end - 1] == 124:
        end -= 1
    begun = end
    while begun > at and data[begun - 1] != 124:
        begun -= 1
    value = np.int64(0)
    for i in range(begun, end):
        if not _digit(data[i]):
            return np.int64(0)
        if i < begun + 5:
            value = 10 * value + np.int64(data[i]) - 48
    return value


@shared
def known_in(data, at, end):
    """Whether a command that Suricata knows stands anywhere in a line."""
    for i in range(at, end):
        first = np.int64(_upper(data[i]))
        for row in range(_KNOWN_AT[first], _KNOWN_AT[first + 1]):
            size = _KNOWN_SIZES[row]
            if i + size > end:
                continue
            k = 1
            while k < size and _upper(data[i + k]) == _KNOWN[row, k]:
                k += 1
            if k == size:
                return True
    return False


@internal
def _verb(data, at, end):
    """A verb of four letters as a number, any case; 0 for any other."""
    if end - at != 4:
        return np.int64(0)
    for i in range(at, end):
        if not 65 <= _upper(data[i]) <= 90:
            return np.int64(0)
    return np.int64(load_be32(data, at)) & _UPPER


@internal
def _transfers(verb):
    return verb == _RETR or verb == _STOR or verb == _STOU or verb == _APPE


@internal
def _placed(mem, flow, tx, side, port, frame):
    """Where the next data connection goes: told for both sides."""
    flow["words"][PLACE] = 1 + side + 2 * port
    for d in range(2):
        note(mem, tx, _MODE, d, 0, frame, side)
        note(mem, tx, _DYNAMIC, d, 0, frame, port)


@internal
def _latest(flow, data, at, end, verb):
    """What replies to the latest command may agree upon."""
    port = np.int64(0)
    if verb == _PORT:
        port = max(six(data, at, end)[0], np.int64(0))
    elif verb == _EPRT:
        port = last_number(data, at, end)
    elif verb != _PASV and verb != _EPSV:
        verb = np.int64(0)
    flow["words"][LATEST] = verb << 20 | port


@internal
def _announce(mem, flow, tx, verb, data, at, end, frame):
    """A data connection is expected: its verb and the name of its file are left to Python."""
    side, port = (flow["words"][PLACE] - 1) & 1, (flow["words"][PLACE] - 1) >> 1
    flow["words"][PLACE] = 0
    to = mem.meta[ARENA]
    for i in range(4):
        mem.arena[to + i] = verb >> (24 - 8 * i) & 0xFF
    copy_bytes(mem.arena, to + 4, data, at, end - at)
    mem.meta[ARENA] = to + 4 + end - at
    job(mem, tx, ANNOUNCED, side, port, frame, to, 4 + end - at)
    name_port(flow, port)


@shared
def _command(mem, owner, verb, data, at, space, end, frame, time):
    """A command, whose verb ends at `space`; its transaction."""
    flow = mem.flows[owner]
    if flow["counts"][ASKED] >= MOST_OPEN:  # the oldest is told without an answer
        remove(mem, flow, ASKED, np.int64(flow["tables"][ASKED]))
    tx = begin(mem, owner, FTP, frame, time)
    rest = min(space + 1, end)
    put(mem, tx, _COMMAND, 0, 0, frame, data, at, space - at)
    if rest < end:
        put(mem, tx, _DATA, 0, 0, frame, data, rest, end - rest)
    whole(mem, tx, 0, frame)
    append(mem, flow, ASKED, tx, verb, 1 if known_in(data, at, end) else 0)
    _latest(flow, data, rest, end, verb)
    transfers = _transfers(verb)
    if transfers and verb != _STOU and end - at < _LEAST_WITH_NAME:
        odd(mem, owner, _NO_NAME, 0, frame, tx)
    elif transfers or verb == _NLST or verb == _LIST or verb == _MLSD:
        if flow["words"][FLAGS] & NEGOTIATED == 0:
            odd(mem, owner, _NO_PORT, 0, frame, tx)
        flow["words"][FLAGS] &= ~NEGOTIATED
    if verb == _PORT:
        port, address = six(data, rest, end)
        if port >= 0:
            note(mem, tx, _ADDRESS, 0, 0, frame, address)
            _placed(mem, flow, tx, np.int64(0), port, frame)
    elif verb == _EPRT:
        if rest < end and data[end - 1] == 124:
            _placed(mem, flow, tx, np.int64(0), last_number(data, rest, end), frame)
    elif transfers and flow["words"][PLACE] > 0:
        _announce(mem, flow, tx, verb, data, rest, end, frame)
    return tx


@internal
def _agree(flow, data, at, end, code):
    """With a reply to the latest command it may be known where the next data connection goes."""
    verb, port = flow["words"][LATEST] >> 20, flow["words"][LATEST] & 0xFFFFF
    if verb == _PASV or verb == _EPSV:
        port = np.int64(-1)
        spaced = end - at >= 4 and data[at + 3] == 32
        if verb == _PASV and spaced and code == 0x323237:
            port = six(data, at, end)[0]
        elif verb == _EPSV and spaced and code == 0x323239:
            port = extended(data, at, end)
    if port > 0:
        flow["words"][FLAGS] |= NEGOTIATED


@internal
def _received(mem, flow, tx, data, at, end, after, stop, frame):
    """A reply is there; one that is preliminary is none, if nothing more comes with it."""
    preliminary = end - at >= 4 and data[at] == 49 and _digit(data[at + 1]) and _digit(data[at + 2])
    if not preliminary or not (data[at + 3] == 32 or 9 <= data[at + 3] <= 13):
        note(mem, tx, _RECEIVED, 1, 0, frame, 1)
    elif place_of(data, after, stop, 10) == stop and (
        flow["alone"][1] or flow["words"][FLAGS] & FOLLOWED == 0
    ):
        note(mem, tx, _RECEIVED, 1, 0, frame, 0)


@shared
def _reply(mem, owner, data, at, end, after, stop, frame, time):
    """A line of a reply, `after` which other bytes go on to `stop`; its transaction."""
    flow = mem.flows[owner]
    digits = min(end - at, 3)
    code, numeric = np.int64(0), digits > 0
    for i in range(digits):
        numeric = numeric and _digit(data[at + i])
        code = code << 8 | np.int64(data[at + i])
    three = numeric and digits == 3
    many = flow["words"][MANY]
    last = False
    if many == 0 or (end - at >= 4 and many == 1 + code and data[at + 3] == 32):
        last = not (three and end - at >= 4 and data[at + 3] == 45)
        flow["words"][MANY] = 0 if last else 1 + code
    first = np.int64(flow["tables"][ASKED])
    asked = first >= 0
    verb = np.int64(0)
    if asked:
        tx, verb = np.int64(mem.nodes[first]["a"]), np.int64(mem.nodes[first]["b"])
    else:
        tx = begin(mem, owner, FTP, frame, time)
    if numeric:
        put(mem, tx, _CODE, 1, 0, frame, data, at, digits)
    _agree(flow, data, at, end, code)
    if asked and mem.nodes[first]["c"]:
        _received(mem, flow, tx, data, at, end, after, stop, frame)
    begun = min(at + 4, end) if numeric else at
    put(mem, tx, _REPLY, 1, 0, frame, data, begun, end - begun)
    if not last:
        if not asked:
            finish(mem, tx)
        return tx
    if end > at and data[at] == 49 and asked:
        return tx  # the transfer goes on
    port = np.int64(-1)
    if verb == _PASV:
        port = six(data, at, end)[0]
    elif verb == _EPSV:
        port = extended(data, at, end)
    if port >= 0:
        _placed(mem, flow, tx, np.int64(1), port, frame)
    whole(mem, tx, 1, frame)
    if asked:
        remove(mem, flow, ASKED, first)
    finish(mem, tx)
    return tx


@shared
def ftp_stream(mem, owner, d, data, at, end, frame, time):
    """Line by line, of one too long its beginning; where the first begins that is not whole."""
    flow = mem.flows[owner]
    skipping = SKIPPING << d
    while True:
        line_end = place_of(data, at, end, 10)
        skipped = flow["words"][FLAGS] & skipping != 0
        if line_end == end and (skipped or end - at < MOST_LINE):
            return end if skipped else at
        after = min(line_end + 1, end)
        if skipped:
            flow["words"][FLAGS] &= ~skipping
            at = after
            continue
        whole_line = line_end < end
        while line_end > at and data[line_end - 1] == 13:
            line_end -= 1
        line_end = min(line_end, at + MOST_LINE)
        if not enough(mem, 1, 8, 2 * (line_end - at) + 16, _NODES, 0):
            return at
        if d == 0:
            space = place_of(data, at, line_end, 32)
            verb = _verb(data, at, space)
            if verb == _AUTH:
                flow["handed"] = 1
                return at
            tx = _command(mem, owner, verb, data, at, space, line_end, frame, time)
        else:
            tx = _reply(mem, owner, data, at, line_end, after, end, frame, time)
        if after - at >= MOST_LINE:
            odd(mem, owner, _LONG[d], d, frame, tx)
        if not whole_line:
            flow["words"][FLAGS] |= skipping
        at = after


@shared
def ftp_end(mem, owner, frame):
    """A flow is over: what was not answered is told to be. False where there was no room."""
    flow = mem.flows[owner]
    if not enough(mem, 0, np.int64(flow["counts"][ASKED]), 0, 0, 0):
        return False
    at = np.int64(flow["tables"][ASKED])
    while at >= 0:
        if mem.nodes[at]["c"]:
            note(mem, np.int64(mem.nodes[at]["a"]), _RECEIVED, 1, 0, frame, 0)
        at = np.int64(mem.nodes[at]["after"])
    return True
