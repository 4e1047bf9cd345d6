"""One walk over the pieces of a batch: whose they are, what each flow speaks, and its messages.

Nothing here allocates: where a message may not find room the walk stops before it (`again`), the caller lets
arrays grow, and the walk goes on with the same piece.
"""

from __future__ import annotations

import numpy as np

from citywall.bundle.kernels import by_pointer
from citywall.kernels import bare_kernel, copy_bytes, internal, shared
from ingest.applications.compiled.dcerpc.kernels import dcerpc_stream
from ingest.applications.compiled.dns.kernels import dns_message, dns_stream
from ingest.applications.compiled.ftp.kernels import (
    FLAGS,
    FOLLOWED,
    PORTS,
    bit_of,
    ftp_end,
    ftp_stream,
    name_port,
)
from ingest.applications.compiled.http1.kernels import HAND, NO_ROOM_NOW, http1_end, http1_stream
from ingest.applications.compiled.krb5.kernels import krb5_message, krb5_stream
from ingest.applications.compiled.layout import (
    BLOOM,
    CONFIG_AT,
    DCERPC,
    DNS,
    FRESH,
    FTP,
    GONE,
    HERE,
    HTTP,
    KRB5,
    MARKS,
    META_AT,
    MOST_ANNOUNCERS,
    NO_FLOWS,
    NO_ROOM,
    NO_ROOM_FOR_PIECE,
    PYTHON,
    QUIET,
    SMB,
    SSH,
    TABLES,
    TLS,
)
from ingest.applications.compiled.looks.kernels import YES, looks, recognise_tcp, recognise_udp
from ingest.applications.compiled.memory.kernels import (
    append,
    copy_out,
    drop_held,
    drop_tail,
    free_chain,
    keep,
    remove,
    remove_all,
)
from ingest.applications.compiled.rows.kernels import enough, finish, odd
from ingest.applications.compiled.smb.kernels import smb_stream
from ingest.applications.compiled.snmp.kernels import snmp_message
from ingest.applications.compiled.ssh.kernels import ssh_stream
from ingest.applications.compiled.tls.kernels import tls_stream
from ingest.applications.parser import MOST_HELD
from ingest.applications.tables import ANOMALY_KIND, PROTOCOL

FLOWS = META_AT["flows"]
FREE_FLOW = META_AT["free_flow"]
AGAIN = META_AT["again"]
STOP = META_AT["stop"]
SHORT = META_AT["short"]
LIVE = META_AT["live"]
ANNOUNCERS = META_AT["announcers"]
HANDED = META_AT["handed"]
LEFT = META_AT["gone"]
KEEP, ALLOWED, READS, OWN = (CONFIG_AT[name] for name in ("keep", "allowed", "reads", "here"))
_MISMATCH = ANOMALY_KIND["applayer.mismatch_protocol_both_directions"]
_ONE_SIDED = ANOMALY_KIND["applayer.detect_protocol_only_one_direction"]
_LIMIT = ANOMALY_KIND["applayer.parser_limit_reached"]
_FAILED = PROTOCOL["failed"]
_MOST_UNKNOWN = 4096
_MOST_SEEN, _SEEN_OF_EACH = 256, 64
_UDP = 17
_MULTIPLY = np.uint64(0x9E3779B97F4A7C15)
# The commands of FTP with which a data connection is expected, as four bytes one behind the other.
_RETR, _STOR, _STOU, _APPE = (int.from_bytes(verb, "big") for verb in (b"RETR", b"STOR", b"STOU", b"APPE"))
# Words of a flow that Python reads: the last four bytes to the server, whether a command was among them, what
# numbers each direction is in the middle of; the ports that were named stand where FTP's kernel has them.
_LAST_FOUR, _MAY_ANNOUNCE, _NUMBERS = 0, 1, 2


@internal
def _bucket(mem, number):
    hashed = np.uint64(number) * _MULTIPLY >> np.uint64(32)
    return np.int64(hashed & np.uint64(len(mem.buckets) - 1))


@shared
def flow_of(mem, number):
    """The row of a flow, -1 where it is not known."""
    at = np.int64(mem.buckets[_bucket(mem, number)])
    while at >= 0:
        flow = mem.flows[at]
        if flow["number"] == number:
            return at
        at = np.int64(flow["after"])
    return np.int64(-1)


@shared
def _clear(flow):
    for d in range(2):
        flow["sides"][d] = 0
        flow["sides_frame"][d] = 0
        flow["done"][d] = 0
        flow["tail"][d] = -1
        flow["tail_end"][d] = -1
        flow["tail_size"][d] = 0
        flow["need"][d] = 1
        flow["looked"][d] = -1
        flow["looked_end"][d] = -1
        flow["looked_size"][d] = 0
        flow["last_frame"][d] = 0
        flow["run"][d] = 0
        flow["alone"][d] = 0
    flow["handed"] = 0
    for i in range(TABLES):
        flow["tables"][i] = -1
        flow["ends"][i] = -1
        flow["counts"][i] = 0
    for i in range(8):
        flow["words"][i] = 0


@shared
def _open(mem, number, session):
    """A row for a new flow."""
    at = mem.meta[FREE_FLOW]
    if at >= 0:
        mem.meta[FREE_FLOW] = np.int64(mem.flows[at]["after"])
    else:
        at = mem.meta[FLOWS]
        mem.meta[FLOWS] = at + 1
    mem.meta[LIVE] += 1
    flow = mem.flows[at]
    _clear(flow)
    high, low = np.int64(session["ports"]) >> 16, np.int64(session["ports"]) & 0xFFFF
    flow["number"] = number
    flow["made"] = 0
    flow["protocol"] = 0
    flow["protocol_frame"] = 0
    flow["client_port"] = high if session["client"] == 0 else low
    flow["server_port"] = low if session["client"] == 0 else high
    flow["first"] = -1
    flow["last"] = -1
    flow["open"] = 0
    flow["seen"] = 0
    flow["used"] = 1
    flow["mode"] = FRESH
    flow["python"] = 0
    flow["udp"] = 1 if session["proto"] == _UDP else 0
    flow["over"] = 0
    flow["spoken"] = 0
    flow["unread"] = 0
    bucket = _bucket(mem, number)
    flow["after"] = mem.buckets[bucket]
    mem.buckets[bucket] = at
    return at


@shared
def _drop_flow(mem, at):
    """Forget a flow."""
    flow = mem.flows[at]
    bucket = _bucket(mem, np.int64(flow["number"]))
    before = np.int64(mem.buckets[bucket])
    if before == at:
        mem.buckets[bucket] = flow["after"]
    else:
        while mem.flows[before]["after"] != at:
            before = np.int64(mem.flows[before]["after"])
        mem.flows[before]["after"] = flow["after"]
    flow["used"] = 0
    flow["number"] = -1
    flow["after"] = mem.meta[FREE_FLOW]
    mem.meta[FREE_FLOW] = at
    mem.meta[LIVE] -= 1


@shared
def _drop_looked(mem, flow, d):
    free_chain(mem, np.int64(flow["looked"][d]))
    flow["looked"][d] = -1
    flow["looked_end"][d] = -1
    flow["looked_size"][d] = 0


@shared
def _mark(mem, flow, d, n, frame, time):
    """Bytes of so many pieces are held: who brought them."""
    node = mem.nodes[append(mem, flow, MARKS + d, n, frame, time)]
    node["x"] = flow["run"][d]


@shared
def _hold_tail(mem, flow, d, data, at, n):
    first, last = keep(mem, np.int64(flow["tail_end"][d]), np.int64(flow["tail_size"][d]), data, at, n)
    if flow["tail"][d] < 0:
        flow["tail"][d] = first
    flow["tail_end"][d] = last
    flow["tail_size"][d] += n


@shared
def _rest(mem, flow, d, data, at, end, used, frame, time, brought):
    """What was not used up waits; `brought` bytes of what was read came with the piece at hand."""
    gone = used - at
    before = (end - at) - brought
    drop_tail(mem, flow, d)
    left = brought
    if gone >= before:
        remove_all(mem, flow, MARKS + d)
        left = end - used
    else:
        while gone > 0:
            first = np.int64(flow["tables"][MARKS + d])
            n = np.int64(mem.nodes[first]["a"])
            if n > gone:
                mem.nodes[first]["a"] = n - gone
                break
            gone -= n
            remove(mem, flow, MARKS + d, first)
    if end > used:
        _hold_tail(mem, flow, d, data, used, end - used)
        if left > 0:
            _mark(mem, flow, d, left, frame, time)


@shared
def _stream(mem, owner, d, data, at, end, frame, time):
    """What is complete of a direction's bytes is read; where the rest begins."""
    spoken = np.int64(mem.flows[owner]["spoken"])
    if spoken == SMB:
        return smb_stream(mem, owner, d, data, at, end, frame, time)
    if spoken == DCERPC:
        return dcerpc_stream(mem, owner, d, data, at, end, frame, time)
    if spoken == HTTP:
        return http1_stream(mem, owner, d, data, at, end, frame, time)
    if spoken == TLS:
        return tls_stream(mem, owner, d, data, at, end, frame, time)
    if spoken == SSH:
        return ssh_stream(mem, owner, d, data, at, end, frame, time)
    if spoken == KRB5:
        return krb5_stream(mem, owner, d, data, at, end, frame, time)
    if spoken == FTP:
        return ftp_stream(mem, owner, d, data, at, end, frame, time)
    return dns_stream(mem, owner, d, data, at, end, frame, time)


@shared
def _read(mem, owner, d, data, at, end, frame, time, brought):
    """Read a direction's bytes, all of them; False where there was no room for all that they say."""
    flow = mem.flows[owner]
    used = _stream(mem, owner, d, data, at, end, frame, time)
    if flow["handed"]:
        flow["need"][d] = min(brought, end - used)  # bytes of the piece at hand that are Python's
        _rest(mem, flow, d, data, at, end - np.int64(flow["need"][d]), used, frame, time, np.int64(0))
        return True
    if mem.meta[STOP]:
        _rest(mem, flow, d, data, at, end, used, frame, time, brought)
        return False
    if not flow["done"][d] and end - used > MOST_HELD:
        if not enough(mem, 0, 1, 0, 0, 0):
            _rest(mem, flow, d, data, at, end, used, frame, time, brought)
            return False
        odd(mem, owner, _LIMIT, d, frame, -1)
        flow["done"][d] = 1
    if flow["done"][d]:
        drop_held(mem, flow, d)
    else:
        _rest(mem, flow, d, data, at, end, used, frame, time, brought)
    return True


@shared
def _feed(mem, owner, d, data, at, n, frame, time):
    """More bytes of a direction."""
    flow = mem.flows[owner]
    held = np.int64(flow["tail_size"][d])
    if held + n < flow["need"][d]:
        _hold_tail(mem, flow, d, data, at, n)
        _mark(mem, flow, d, n, frame, time)
        return True
    if held == 0:
        return _read(mem, owner, d, data, at, at + n, frame, time, n)
    copy_out(mem, np.int64(flow["tail"][d]), held, mem.scratch, 0)
    copy_bytes(mem.scratch, held, data, at, n)
    return _read(mem, owner, d, mem.scratch, np.int64(0), held + n, frame, time, n)


@shared
def _go_on(mem, owner, d, frame, time):
    """Read what is held once more, as there was no room for it; the last mark is of the piece at hand."""
    flow = mem.flows[owner]
    held = np.int64(flow["tail_size"][d])
    if held == 0:
        return True
    last = np.int64(flow["ends"][MARKS + d])
    brought = np.int64(mem.nodes[last]["a"])
    remove(mem, flow, MARKS + d, last)
    copy_out(mem, np.int64(flow["tail"][d]), held, mem.scratch, 0)
    return _read(mem, owner, d, mem.scratch, np.int64(0), held, frame, time, brought)


@shared
def _side(mem, flow, d, protocol, frame):
    flow["sides"][d] = protocol
    flow["sides_frame"][d] = frame
    _drop_looked(mem, flow, d)


@shared
def _compare(mem, owner, d, data, at, n, frame):
    """What a direction's first bytes look like, where the other one said what is spoken."""
    flow = mem.flows[owner]
    spoken = np.int64(flow["spoken"])
    n = min(n, np.int64(_MOST_UNKNOWN))
    before = np.int64(flow["looked_size"][d])
    if before > 0:
        copy_out(mem, np.int64(flow["looked"][d]), before, mem.scratch, 0)
    copy_bytes(mem.scratch, before, data, at, n)
    client, server = np.int64(flow["client_port"]), np.int64(flow["server_port"])
    if looks(spoken, d, mem.scratch, np.int64(0), before + n, client, server) == YES:
        _side(mem, flow, d, spoken, frame)
        return
    found = recognise_tcp(mem.config[ALLOWED], d, mem.scratch, np.int64(0), before + n, client, server)
    if found < 0 and before + n < _MOST_UNKNOWN:
        first, last = keep(mem, np.int64(flow["looked_end"][d]), before, data, at, n)
        if flow["looked"][d] < 0:
            flow["looked"][d] = first
        flow["looked_end"][d] = last
        flow["looked_size"][d] = before + n
        return
    odd(mem, owner, _MISMATCH if found > 0 else _ONE_SIDED, d, frame, -1)
    _side(mem, flow, d, found if found > 0 else np.int64(_FAILED), frame)


@shared
def _begin_here(mem, flow, d, protocol, frame):
    """A protocol was found that is read here, or that nobody wants to be read."""
    flow["mode"] = HERE
    flow["spoken"] = protocol
    flow["protocol"] = protocol
    flow["protocol_frame"] = frame
    _side(mem, flow, d, protocol, frame)
    if not mem.config[READS] >> protocol & 1:
        flow["unread"] = 1
        flow["done"][0] = 1
        flow["done"][1] = 1


@shared
def _datagram(mem, owner, d, data, at, n, frame, time):
    """A datagram: found out what it is, and read. False where there was no room."""
    flow = mem.flows[owner]
    if flow["mode"] == FRESH:
        client, server = np.int64(flow["client_port"]), np.int64(flow["server_port"])
        found = recognise_udp(mem.config[ALLOWED], d, data, at, n, client, server)
        if found <= 0:
            flow["seen"] += min(n, np.int64(_SEEN_OF_EACH))
            if flow["seen"] > _MOST_SEEN:
                flow["mode"] = QUIET
                flow["over"] = 1
            return True
        if mem.config[READS] >> found & 1 and not mem.config[OWN] >> found & 1:
            flow["mode"] = PYTHON
            flow["spoken"] = found
            return True
        _begin_here(mem, flow, d, found, frame)
    if not flow["sides"][d]:
        _side(mem, flow, d, np.int64(flow["protocol"]), frame)
    if flow["done"][d]:
        return True
    if flow["spoken"] == DNS:
        return dns_message(mem, owner, data, at, at + n, frame, time)
    if flow["spoken"] == KRB5:
        return krb5_message(mem, owner, d, data, at, at + n, frame, time)
    return snmp_message(mem, owner, d, data, at, at + n, frame, time)


@shared
def _named(announcers, i, port):
    """Whether an announcer named a port, or may have; a place that nobody understood has the port 0."""
    word, bit = bit_of(port)
    return port == 0 or announcers[i, 1 + word] >> bit & 1 == 1


@shared
def _announced(mem, session, places, announcers):
    """Whether a connection may be one that another announced: Python says whether it is."""
    known = mem.meta[ANNOUNCERS]
    if known > MOST_ANNOUNCERS:  # too many to look for
        return True
    high, low = np.int64(session["ports"]) >> 16, np.int64(session["ports"]) & 0xFFFF
    for i in range(len(places)):
        if (
            places[i, 0] == np.int64(session["a_lo"])
            and places[i, 1] == np.int64(session["a_hi"])
            and places[i, 2] == high
        ) or (
            places[i, 0] == np.int64(session["b_lo"])
            and places[i, 1] == np.int64(session["b_hi"])
            and places[i, 2] == low
        ):
            return True
    for i in range(known):
        host = announcers[i, 0]
        if host == np.int64(session["a_lo"]) and _named(announcers, i, high):
            return True
        if host == np.int64(session["b_lo"]) and _named(announcers, i, low):
            return True
    return False


@shared
def _announce(mem, flow, host, announcers):
    """A connection of a host may announce others, in this very batch, at the ports that it named."""
    n = mem.meta[ANNOUNCERS]
    at = np.int64(0)
    while at < min(n, MOST_ANNOUNCERS) and announcers[at, 0] != host:
        at += 1
    if at == min(n, MOST_ANNOUNCERS):
        mem.meta[ANNOUNCERS] = n + 1
        if at == MOST_ANNOUNCERS:
            return
        announcers[at, 0] = host
        for word in range(BLOOM):
            announcers[at, 1 + word] = 0
    for word in range(BLOOM):
        announcers[at, 1 + word] |= flow["words"][PORTS + word]


@shared
def _name_ports(flow, d, data, at, end):
    """The ports that bytes name as FTP does, and maybe others: h,h,h,h,p,p and |p|.

    Six numbers stand anywhere; what is behind the last one's third digit does not matter, and a line may be
    cut. The first may have more digits before those that count.
    """
    state = np.int64(flow["words"][_NUMBERS + d])
    number, before, run, count = state & 0x1FFFF, state >> 17 & 0x3FF, state >> 27 & 7, state >> 30 & 7
    for i in range(at, end):
        byte = np.int64(data[i])
        if 48 <= byte <= 57:
            if run < 5:
                number = 10 * number + byte - 48
            run = min(run + 1, np.int64(6))
            if count >= 5 and run <= 3:
                name_port(flow, before << 8 | number)
            continue
        if byte == 44 and 1 <= run <= 3:
            before = number
            count = min(count + 1, np.int64(5))
        else:
            if byte == 124 and run > 0:
                name_port(flow, number)
            count = np.int64(1) if byte == 44 and run > 3 else np.int64(0)
        number, run = np.int64(0), np.int64(0)
    flow["words"][_NUMBERS + d] = number | before << 17 | run << 27 | count << 30


@shared
def _may_announce(flow, piece, data):
    """Whether a flow that Python reads may announce a connection by now: its client wrote a transfer's verb.

    It stays so while nobody knows what the flow speaks: what came may yet be read as FTP.
    """
    if flow["spoken"] == FTP and flow["handed"]:  # its kernel may have read what places it named
        for word in range(BLOOM):
            flow["words"][PORTS + word] = -1
        return True
    if flow["spoken"] == FTP:
        flow["words"][_MAY_ANNOUNCE] = 0
    elif flow["spoken"] != 0:
        return False
    at = np.int64(piece["at"])
    end = at + np.int64(piece["length"])
    _name_ports(flow, np.int64(piece["direction"]), data, at, end)
    if piece["direction"] == 0:
        last = np.int64(flow["words"][_LAST_FOUR])
        for i in range(at, end):
            byte = np.int64(data[i])
            if ord("a") <= byte <= ord("z"):
                byte -= 32
            last = (last << 8 | byte) & 0xFFFFFFFF
            if last == _RETR or last == _STOR or last == _STOU or last == _APPE:
                flow["words"][_MAY_ANNOUNCE] = 1
        flow["words"][_LAST_FOUR] = last
    return flow["words"][_MAY_ANNOUNCE] == 1


@shared
def _begin_stream(mem, owner, session, d, data, at, n, gap, frame, places, announcers):
    """The first bytes of a connection: who reads it."""
    flow = mem.flows[owner]
    if _announced(mem, session, places, announcers):
        flow["mode"] = PYTHON
        return
    if gap:
        flow["mode"] = QUIET
        flow["over"] = 1
        return
    client, server = np.int64(flow["client_port"]), np.int64(flow["server_port"])
    found = recognise_tcp(mem.config[ALLOWED], d, data, at, min(n, np.int64(_MOST_UNKNOWN)), client, server)
    own = found > 0 and (mem.config[OWN] >> found & 1 or not mem.config[READS] >> found & 1)
    if own:
        _begin_here(mem, flow, d, found, frame)
        return
    flow["mode"] = PYTHON
    flow["spoken"] = max(found, np.int64(0))


@shared
def _hand_over(mem, flow, piece):
    """Python goes on with a flow, from the last bytes of a piece on."""
    left = np.int64(flow["need"][np.int64(piece["direction"])])
    piece["at"] += piece["length"] - left
    piece["length"] = left
    flow["mode"] = PYTHON
    mem.meta[HANDED] += 1


@shared
def _piece(mem, owner, session, piece, data, places, announcers, follows):
    """One piece of a stream; False where there was no room. `follows`: one of its direction, at once."""
    flow = mem.flows[owner]
    d = np.int64(piece["direction"])
    at, n = np.int64(piece["at"]), np.int64(piece["length"])
    frame, time = np.int64(piece["frame"]), np.int64(piece["time"])
    if flow["udp"]:
        return _datagram(mem, owner, d, data, at, n, frame, time)
    if mem.meta[AGAIN]:
        sound = _go_on(mem, owner, d, frame, time)
        if flow["handed"]:
            _hand_over(mem, flow, piece)
        return sound
    if not enough(mem, 0, 2, 0, 4, 2 * (np.int64(flow["tail_size"][d]) + n + _MOST_UNKNOWN)):
        mem.meta[STOP] = NO_ROOM_FOR_PIECE
        return False
    # Python is fed at once what follows, but for a piece of a side of which nothing was known.
    if not follows or flow["alone"][d]:
        flow["run"][d] += 1
    flow["alone"][d] = 0 if flow["sides"][d] else 1
    if flow["mode"] == FRESH:
        gap = np.int64(piece["gap"])
        _begin_stream(mem, owner, session, d, data, at, n, gap, frame, places, announcers)
        if flow["mode"] != HERE:
            return True
    elif piece["gap"]:
        if flow["spoken"] == HTTP and not flow["done"][d]:
            flow["handed"] = 1 + d
            flow["need"][d] = n
            _hand_over(mem, flow, piece)
            return True
        flow["done"][d] = 1
        drop_held(mem, flow, d)
    if not flow["sides"][d]:
        _compare(mem, owner, d, data, at, n, frame)
        if flow["spoken"] == HTTP and not flow["done"][d] and not flow["sides"][d]:
            _drop_looked(mem, flow, d)  # Python looks at it again
            flow["handed"] = 1 + d
            flow["need"][d] = n
            _hand_over(mem, flow, piece)
            return True
    if flow["done"][d]:
        return True
    sound = _feed(mem, owner, d, data, at, n, frame, time)
    if flow["handed"]:
        _hand_over(mem, flow, piece)
    return sound


@shared
def _line_follows(pieces, i, data):
    """Whether a line ends in what came behind piece `i` with the same frame."""
    piece = pieces[i]
    for j in range(i + 1, len(pieces)):
        other = pieces[j]
        if (
            other["number"] != piece["number"]
            or other["direction"] != piece["direction"]
            or other["frame"] != piece["frame"]
            or other["gap"] != 0
        ):
            return False
        at = np.int64(other["at"])
        for k in range(at, at + np.int64(other["length"])):
            if data[k] == 10:
                return True
    return False


@shared
def _announce_ports(mem, flow, session, announcers):
    """Data connections that FTP's kernel announced are those of both hosts of its flow."""
    named = np.int64(0)
    for word in range(BLOOM):
        named |= flow["words"][PORTS + word]
    if named:
        _announce(mem, flow, np.int64(session["a_lo"]), announcers)
        _announce(mem, flow, np.int64(session["b_lo"]), announcers)
        for word in range(BLOOM):
            flow["words"][PORTS + word] = 0


@internal
def _session_of(piece, sessions, ended, order, numbers):
    """The session of a flow: in its slot, or among those that are over."""
    number = np.int64(piece["number"])
    low, high = 0, len(numbers)
    while low < high:
        middle = (low + high) >> 1
        if numbers[middle] < number:
            low = middle + 1
        else:
            high = middle
    if low < len(numbers) and numbers[low] == number:
        return ended[order[low]]
    return sessions[np.int64(piece["slot"])]


@bare_kernel
def walk(arrays, pieces, first, data, sessions, ended, order, numbers, places, announcers, rows, fate):
    """Take the pieces from `first` on; how far that went.

    `fate` of each: who reads it, 4 where it may be muted, and above, for Python, what is known to be spoken.
    Where the walk ends before the last piece there was no room: `again` says that the piece at which it ended
    was taken in part.
    """
    mem = by_pointer(arrays)
    mem.meta[STOP] = 0
    mem.meta[SHORT] = 0
    last = np.int64(-1)
    owner = np.int64(-1)
    session = sessions[0]
    for i in range(first, len(pieces)):
        piece = pieces[i]
        number = np.int64(piece["number"])
        if number != last:
            last = number
            owner = flow_of(mem, number)
            session = _session_of(piece, sessions, ended, order, numbers)
        if owner < 0:
            if mem.meta[FREE_FLOW] < 0 and mem.meta[FLOWS] >= len(mem.flows):
                mem.meta[STOP] = NO_FLOWS
                return i
            owner = _open(mem, number, session)
            if not mem.config[KEEP]:
                rows[owner] = session
        flow = mem.flows[owner]
        if flow["mode"] < PYTHON:
            follows = (
                i > 0
                and pieces[i - 1]["number"] == number
                and pieces[i - 1]["direction"] == piece["direction"]
                and piece["gap"] == 0
            )
            if flow["mode"] == HERE and flow["spoken"] == FTP and piece["direction"]:
                more = FOLLOWED if _line_follows(pieces, i, data) else 0
                flow["words"][FLAGS] = flow["words"][FLAGS] & ~FOLLOWED | more
            sound = _piece(mem, owner, session, piece, data, places, announcers, follows)
            if not sound:
                # a datagram, and a piece for which nothing was done yet, is taken whole once more
                mem.meta[AGAIN] = 1 if mem.meta[STOP] == NO_ROOM and not flow["udp"] else 0
                return i
            mem.meta[AGAIN] = 0
            if flow["mode"] == HERE and flow["spoken"] == FTP:
                _announce_ports(mem, flow, session, announcers)
            if flow["mode"] == HERE and flow["done"][0] and flow["done"][1]:
                flow["over"] = 1
                if flow["sides"][0] and flow["sides"][1]:
                    flow["mode"] = QUIET
        fate[i] = flow["mode"]
        if flow["mode"] == PYTHON:
            flow["python"] = 1
            fate[i] |= np.int64(flow["spoken"]) << 8
            if not flow["udp"] and _may_announce(flow, piece, data):
                _announce(mem, flow, np.int64(session["a_lo"]), announcers)
                _announce(mem, flow, np.int64(session["b_lo"]), announcers)
        elif flow["over"] and not mem.config[KEEP]:
            fate[i] |= 4
    return len(pieces)


@bare_kernel
def end_flows(arrays, numbers, frames, begun, python):
    """Flows from `begun` on are over at `frames`: what goes on in them ends. How far there was room for it.

    Those of Python are told in `python` and forgotten.
    """
    mem = by_pointer(arrays)
    mem.meta[STOP] = 0
    mem.meta[SHORT] = 0
    for i in range(begun, len(numbers)):
        at = flow_of(mem, numbers[i])
        if at < 0:
            continue
        flow = mem.flows[at]
        if flow["mode"] == HERE and flow["spoken"] == HTTP and not flow["unread"]:
            ended = http1_end(mem, at, frames[i])
            if ended == NO_ROOM_NOW:
                return i
            if ended == HAND:
                flow["handed"] = 3
                flow["mode"] = PYTHON
                flow["python"] = 1
                mem.meta[HANDED] += 1
        if flow["mode"] == HERE and flow["spoken"] == FTP and not ftp_end(mem, at, frames[i]):
            return i
        if flow["python"]:
            python[i] = True
            if flow["handed"]:
                flow["used"] = 2  # what was said here of it is yet to be told
            else:
                _drop_flow(mem, at)
            continue
        while flow["first"] >= 0:
            finish(mem, np.int64(flow["first"]))
        for d in range(2):
            drop_held(mem, flow, d)
            _drop_looked(mem, flow, d)
        for table in range(TABLES):
            remove_all(mem, flow, table)
        flow["used"] = 2
    return len(numbers)


@bare_kernel
def let_go(arrays, at):
    """Python took over all that was kept of a flow."""
    mem = by_pointer(arrays)
    flow = mem.flows[at]
    tx = np.int64(flow["first"])
    while tx >= 0:
        mem.txs[tx]["over"] = 1
        mem.txs[tx]["used"] = GONE
        mem.meta[LEFT] = 1
        tx = np.int64(mem.txs[tx]["after"])
    flow["first"] = -1
    flow["last"] = -1
    flow["open"] = 0
    for d in range(2):
        drop_held(mem, flow, d)
        _drop_looked(mem, flow, d)
    for table in range(TABLES):
        remove_all(mem, flow, table)


@bare_kernel
def forget_flows(arrays):
    """Flows that are over were told."""
    mem = by_pointer(arrays)
    for at in range(mem.meta[FLOWS]):
        if mem.flows[at]["used"] == 2:
            _drop_flow(mem, at)


@bare_kernel
def settle(arrays, numbers, protocols):
    """What Python found out of its flows: 255 where nothing more will be read, else the protocol."""
    mem = by_pointer(arrays)
    for i in range(len(numbers)):
        at = flow_of(mem, numbers[i])
        if at < 0:
            continue
        if protocols[i] == 255:
            mem.flows[at]["mode"] = QUIET
            mem.flows[at]["over"] = 1
        else:
            mem.flows[at]["spoken"] = protocols[i]


@bare_kernel
def spoken_of(arrays, numbers, out, sides_frame, found):
    """What flows speak that are read here: protocol, its frame, sides and theirs."""
    mem = by_pointer(arrays)
    for i in range(len(numbers)):
        at = flow_of(mem, numbers[i])
        if at < 0:
            continue
        flow = mem.flows[at]
        if flow["protocol"] == 0:
            continue
        found[i] = True
        out[i, 0] = flow["protocol"]
        out[i, 1] = flow["sides"][0]
        out[i, 2] = flow["sides"][1]
        sides_frame[i, 0] = flow["protocol_frame"]
        sides_frame[i, 1] = flow["sides_frame"][0]
        sides_frame[i, 2] = flow["sides_frame"][1]


@bare_kernel
def fill_buckets(mem):
    """Find flows again, where there are more buckets for them."""
    mem.buckets[:] = -1
    for at in range(mem.meta[FLOWS]):
        flow = mem.flows[at]
        if flow["used"]:
            bucket = _bucket(mem, np.int64(flow["number"]))
            flow["after"] = mem.buckets[bucket]
            mem.buckets[bucket] = at
