"""TCP reassembly in one pass over packet rows: connections found, segments put in order, pieces emitted.

Bytes go where they are needed once: what is in order is copied to the arena as it comes (and held there
until it is acknowledged, unless `inline`), what is behind a hole into pages. Nothing here allocates: the
caller grows arrays when a kernel says that one may become too small for the next packet.
"""

from __future__ import annotations

import numpy as np

from citywall.batches import ACK, FIN, IP, RST, SYN, TRANSPORT, URG
from citywall.kernels import bare_kernel, copy_bytes, load_be16, load_be32
from ingest.reassembly.layout import (
    CLOSED,
    CONFIG,
    DEEP,
    ESTABLISHED,
    MAX_WAITING,
    META_AT,
    ODD,
    PAGE,
    SYN_RECEIVED,
    SYN_SENT,
    UNTRACKED,
    URGENT,
)

SESSIONS = META_AT["sessions"]
FREE_SESSION = META_AT["free_session"]
OLDEST = META_AT["oldest"]
NEWEST = META_AT["newest"]
LIVE = META_AT["live"]
NUMBER = META_AT["number"]
PIECES = META_AT["pieces"]
ARENA = META_AT["arena"]
ORDER = META_AT["order"]
ENDED = META_AT["ended"]
ODDITIES = META_AT["odd"]
SEGMENTS = META_AT["segments"]
FREE_SEGMENT = META_AT["free_segment"]
SEGMENTS_USED = META_AT["segments_used"]
HELD = META_AT["held"]
EVICTED = META_AT["evicted"]
GAPS = META_AT["gaps"]
GAP_BYTES = META_AT["gap_bytes"]
OVERLAPS = META_AT["overlaps"]
OUT_OF_WINDOW = META_AT["out_of_window"]
DEPTH_REACHED = META_AT["depth_reached"]
DROPPED_SEGMENTS = META_AT["dropped_segments"]
UNTRACKED_PACKETS = META_AT["untracked"]
FORCED = META_AT["forced"]
TRUNCATED = META_AT["truncated"]
BAD_CHECKSUM = META_AT["bad_checksum"]

ODD_GAP = ODD.index("reassembly_seq_gap")
ODD_OVERLAP = ODD.index("reassembly_overlap_different_data")
ODD_SYNACK_WRONG_ACK = ODD.index("3whs_synack_with_wrong_ack")
ODD_SYNACK_WRONG_WAY = ODD.index("3whs_synack_in_wrong_direction")
ODD_ACK_WRONG_WAY = ODD.index("3whs_ack_in_wrong_dir")
ODD_OUT_OF_WINDOW = ODD.index("est_packet_out_of_window")
ODD_INVALID_ACK = ODD.index("est_invalid_ack")
ODD_SYN_AGAIN = ODD.index("est_syn_resend")
ODD_SYN_AGAIN_SEQ = ODD.index("est_syn_resend_diff_seq")
ODD_SYN_TOCLIENT = ODD.index("est_syn_toclient")
ODD_SYNACK_AGAIN = ODD.index("est_synack_resend")
ODD_SYNACK_TOSERVER = ODD.index("est_synack_toserver")
ODD_SYNACK_AGAIN_ACK = ODD.index("est_synack_resend_with_different_ack")
ODD_SYNACK_AGAIN_SEQ = ODD.index("est_synack_resend_with_diff_seq")
ODD_WRONG_ACK_EVASION = ODD.index("3whs_right_seq_wrong_ack_evasion")
ODD_DEPTH = ODD.index("reassembly_depth_reached")
ODD_MEMORY = ODD.index("reassembly_memory_full")
ODD_RETRANSMISSION = ODD.index("pkt_retransmission")
ODD_FIN_SYN = ODD.index("fin_syn")
ODD_SYN_FLOOD = ODD.index("3whs_syn_flood")
ODD_RST_INJECT = ODD.index("suspected_rst_inject")
ODD_INVALID_TIMESTAMP = ODD.index("pkt_invalid_timestamp")
ODD_TFO_IGNORED = ODD.index("3whs_synack_tfo_data_ignored")
ODD_WRONG_SEQ_WRONG_ACK = ODD.index("3whs_wrong_seq_wrong_ack")
ODD_ACK_INJECT = ODD.index("3whs_ack_data_inject")
ODD_URGENT = ODD.index("reassembly_urgent_oob_limit_reached")

# Bits of `direction_of`: the direction; the connection stood before the packet; its bytes went into a stream.
DIRECTION, STOOD, STREAMED = 1, 2, 4
# TCP options that are looked at.
_SCALE, _STAMPS, _FAST_OPEN, _EXPERIMENT = 3, 8, 34, 254

_URGENT = CONFIG.index("urgent")
_BESIDE, _WITHIN, _NOT_TAKEN = (URGENT.index(name) for name in ("oob", "inline", "drop"))
_MOST_URGENT = 0xFFFF  # bytes out of band of one direction

# What `track` says stopped it.
DONE, MORE_SESSIONS, MORE_ROOM, MORE_SEGMENTS = 0, 1, 2, 3
# Rows of each output that one packet may need beside those of the segments it sets free.
MARGIN = 64
_TCP = 6
_GRE = 47  # what it carries has flows, not it
_UDP = 17
#: Servers' ports by which protocols are looked for (DNS, Kerberos, S7, NetBIOS, LDAP, SMB, Modbus, MQTT, NFS,
#: the global catalogue, DNP3, EtherNet/IP): who is there first, where the beginning was not seen, may be one.
_SERVERS = (53, 88, 102, 139, 389, 445, 502, 1883, 2049, 3268, 20000, 44818)
_SECOND = 1_000_000_000
_LONGEST = 600 * _SECOND


@bare_kernel
def _odd(kind, number, direction, frame, odd, meta):
    n = meta[ODDITIES]
    if n < len(odd):
        odd[n]["kind"] = kind
        odd[n]["number"] = number
        odd[n]["direction"] = direction
        odd[n]["frame"] = frame
        meta[ODDITIES] = n + 1


@bare_kernel
def release(side, pieces, order, upto, frame, time, meta):
    """Hand out what is held of a direction, up to offset `upto`."""
    at = np.int64(side["held_first"])
    while at >= 0:
        piece = pieces[at]
        offset = np.int64(piece["offset"])
        length = np.int64(piece["length"])
        if offset >= upto:
            break
        after = np.int64(piece["next"])
        if offset + length > upto:  # acknowledged in part
            rest = meta[PIECES]
            meta[PIECES] = rest + 1
            cut = upto - offset
            other = pieces[rest]
            other["number"] = piece["number"]
            other["slot"] = piece["slot"]
            other["direction"] = piece["direction"]
            other["arrived"] = piece["arrived"]
            other["frame"] = 0
            other["time"] = 0
            other["gap"] = 0
            other["offset"] = upto
            other["at"] = piece["at"] + cut
            other["length"] = length - cut
            other["next"] = after
            piece["length"] = cut
            length = cut
            if after < 0:
                side["held_last"] = rest
            after = rest
        piece["frame"] = frame
        piece["time"] = time
        piece["next"] = -1
        order[meta[ORDER]] = at
        meta[ORDER] += 1
        side["held_bytes"] -= length
        meta[HELD] -= length
        at = after
    if side["deep"] == 1 and side["done"] == 0 and at != side["held_first"]:
        side["deep"] = 2
    side["held_first"] = at
    if at < 0:
        side["held_last"] = -1


@bare_kernel
def _emit(source, at, n, number, slot, direction, side, pieces, arena, order, odd, config, frame, time, meta):
    """`n` bytes in order, from `side["next"]` on: a piece, held or handed out."""
    offset = np.int64(side["next"])
    side["next"] = offset + n
    if side["highest"] < offset + n:
        side["highest"] = offset + n
    if side["done"] != 0 or side["mute"] != 0 or n <= 0:
        return
    depth = config[3]
    if depth > 0 and side["deep"] < 2 and offset + n >= depth:
        side["done"] = 1
        meta[DEPTH_REACHED] += 1
        _odd(ODD_DEPTH, number, direction, frame, odd, meta)
        n = depth - offset
        if n <= 0:
            return
    i = meta[PIECES]
    meta[PIECES] = i + 1
    copy_bytes(arena, meta[ARENA], source, at, n)
    piece = pieces[i]
    piece["number"] = number
    piece["slot"] = slot
    piece["direction"] = direction
    piece["offset"] = offset
    piece["arrived"] = frame
    piece["at"] = meta[ARENA]
    piece["length"] = n
    piece["gap"] = min(np.int64(side["gap"]), np.int64(0x7FFFFFFF))
    piece["next"] = -1
    side["gap"] = 0
    meta[ARENA] += n
    if config[2] != 0:
        piece["frame"] = frame
        piece["time"] = time
        order[meta[ORDER]] = i
        meta[ORDER] += 1
        if side["deep"] == 1 and side["done"] == 0:
            side["deep"] = 2
        return
    piece["frame"] = 0
    piece["time"] = 0
    last = np.int64(side["held_last"])
    if last >= 0:
        pieces[last]["next"] = i
    else:
        side["held_first"] = i
    side["held_last"] = i
    side["held_bytes"] += n
    meta[HELD] += n


@bare_kernel
def _drain(
    slot, number, direction, side, segments, pages, pieces, arena, order, odd, config, frame, time, meta
):
    """Emit waiting segments that are now in order."""
    at = np.int64(side["waiting"])
    while at >= 0:
        segment = segments[at]
        offset = np.int64(segment["offset"])
        length = np.int64(segment["length"])
        if offset > side["next"]:
            break
        skip = np.int64(side["next"]) - offset
        if skip < length:
            _emit(
                pages, at * PAGE + skip, length - skip, number, slot, direction, side, pieces, arena, order,
                odd, config, frame, time, meta,
            )  # fmt: skip
        after = np.int64(segment["next"])
        segment["next"] = meta[FREE_SEGMENT]
        meta[FREE_SEGMENT] = at
        meta[SEGMENTS_USED] -= 1
        side["waiting_count"] -= 1
        side["waiting_bytes"] -= length
        at = after
    side["waiting"] = at


@bare_kernel
def _new_wins(policy, new_start, new_stop, old_start, old_stop):
    """Whether the later segment's bytes stand where two overlap."""
    if policy == 1:
        return False
    if policy == 2:
        return True
    if policy == 3:
        return new_start < old_start or (new_start == old_start and new_stop > old_stop)
    if policy == 4:
        return new_start < old_start and new_stop > old_stop
    return new_start < old_start


@bare_kernel
def _wait(buffer, source, start, stop, number, direction, side, segments, pages, odd, config, frame, meta):
    """Put bytes `start` to `stop` of a stream, at `buffer[source]`, among the waiting segments."""
    before = np.int64(-1)
    at = np.int64(side["waiting"])
    s = start
    while s < stop:
        while at >= 0 and segments[at]["offset"] + segments[at]["length"] <= s:
            before = at
            at = np.int64(segments[at]["next"])
        end = stop
        if at >= 0 and segments[at]["offset"] < stop:
            end = max(s, np.int64(segments[at]["offset"]))
        while s < end:  # nothing there yet: pages of its own
            if (
                meta[SEGMENTS_USED] >= config[6]
                or np.int64(side["waiting_count"]) >= MAX_WAITING
                or (meta[FREE_SEGMENT] < 0 and meta[SEGMENTS] >= len(segments))
            ):
                meta[DROPPED_SEGMENTS] += 1
                _odd(ODD_MEMORY, number, direction, frame, odd, meta)
                return
            fresh = meta[FREE_SEGMENT]
            if fresh >= 0:
                meta[FREE_SEGMENT] = np.int64(segments[fresh]["next"])
            else:
                fresh = meta[SEGMENTS]
                meta[SEGMENTS] = fresh + 1
            meta[SEGMENTS_USED] += 1
            n = min(end - s, np.int64(PAGE))
            segment = segments[fresh]
            segment["offset"] = s
            segment["length"] = n
            segment["start"] = start
            segment["stop"] = stop
            segment["next"] = at
            copy_bytes(pages, fresh * PAGE, buffer, source + (s - start), n)
            if before >= 0:
                segments[before]["next"] = fresh
            else:
                side["waiting"] = fresh
            side["waiting_count"] += 1
            side["waiting_bytes"] += n
            before = fresh
            s += n
        if s >= stop:
            return
        old = segments[at]
        n = min(stop, np.int64(old["offset"]) + np.int64(old["length"])) - s
        into = at * PAGE + (s - np.int64(old["offset"]))
        differs = False
        for k in range(n):
            if pages[into + k] != buffer[source + (s - start) + k]:
                differs = True
                break
        if differs:
            meta[OVERLAPS] += 1
            _odd(ODD_OVERLAP, number, direction, frame, odd, meta)
            if _new_wins(config[4], start, stop, np.int64(old["start"]), np.int64(old["stop"])):
                copy_bytes(pages, into, buffer, source + (s - start), n)
        s += n


@bare_kernel
def _rewrite(buffer, source, start, stop, number, direction, side, pieces, arena, odd, config, frame, meta):
    """Bytes sent again that are held already: told where they differ, replaced where the policy says so."""
    at = np.int64(side["held_first"])
    steps = 0
    while at >= 0 and steps < 256:
        piece = pieces[at]
        offset = np.int64(piece["offset"])
        length = np.int64(piece["length"])
        if offset >= stop:
            break
        low = max(offset, start)
        high = min(offset + length, stop)
        if low < high:
            into = np.int64(piece["at"]) + (low - offset)
            differs = False
            for k in range(high - low):
                if arena[into + k] != buffer[source + (low - start) + k]:
                    differs = True
                    break
            if differs:
                meta[OVERLAPS] += 1
                _odd(ODD_OVERLAP, number, direction, frame, odd, meta)
                if _new_wins(config[4], start, stop, offset, offset + length):
                    copy_bytes(arena, into, buffer, source + (low - start), high - low)
        at = np.int64(piece["next"])
        steps += 1


@bare_kernel
def _skip_holes(
    slot, number, direction, side, segments, pages, pieces, arena, order, odd, config, frame, time, meta
):
    """Bytes that were acknowledged but never seen are gaps: go on behind them."""
    limit = np.int64(side["acked"])
    if side["fin"] >= 0 and limit > side["fin"]:
        limit = np.int64(side["fin"])
    while side["next"] < limit:
        target = limit
        at = np.int64(side["waiting"])
        if at >= 0 and segments[at]["offset"] < target:
            target = np.int64(segments[at]["offset"])
        missed = target - np.int64(side["next"])
        if missed > 0:
            side["gap"] += missed
            side["next"] = target
            meta[GAPS] += 1
            meta[GAP_BYTES] += missed
            if side["done"] == 0 and side["mute"] == 0:
                _odd(ODD_GAP, number, direction, frame, odd, meta)
        _drain(
            slot,
            number,
            direction,
            side,
            segments,
            pages,
            pieces,
            arena,
            order,
            odd,
            config,
            frame,
            time,
            meta,
        )


@bare_kernel
def _behind_holes(
    slot, number, direction, side, segments, pages, pieces, arena, order, odd, config, frame, time, meta
):
    """Hand out what waits behind holes, as far as it came."""
    while side["waiting"] >= 0:
        missed = np.int64(segments[np.int64(side["waiting"])]["offset"]) - np.int64(side["next"])
        if missed > 0:
            side["gap"] += missed
            side["next"] += missed
            meta[GAPS] += 1
            meta[GAP_BYTES] += missed
        _drain(
            slot, number, direction, side, segments, pages, pieces, arena, order, odd, config, frame, time,
            meta,
        )  # fmt: skip


@bare_kernel
def _unchain(slot, sessions, meta):
    """Take a session out of the chain by last packet."""
    s = sessions[slot]
    older = np.int64(s["older"])
    newer = np.int64(s["newer"])
    if older >= 0:
        sessions[older]["newer"] = newer
    else:
        meta[OLDEST] = newer
    if newer >= 0:
        sessions[newer]["older"] = older
    else:
        meta[NEWEST] = older


@bare_kernel
def _chain(slot, sessions, meta):
    """Put a session at the new end of that chain."""
    s = sessions[slot]
    newest = meta[NEWEST]
    s["older"] = newest
    s["newer"] = -1
    if newest >= 0:
        sessions[newest]["newer"] = slot
    else:
        meta[OLDEST] = slot
    meta[NEWEST] = slot


@bare_kernel
def fill_slots(sessions, count, slots):
    """Enter the first `count` sessions that are in use into an empty table of slots."""
    mask = len(slots) - 1
    for i in range(count):
        if sessions[i]["used"] != 0:
            h = np.int64(sessions[i]["hash"] >> np.uint64(20)) & mask
            while slots[h] >= 0:
                h = (h + 1) & mask
            slots[h] = i


@bare_kernel
def end_session(slot, sessions, sides, slots, segments, pieces, order, ended, frame, time, meta):
    """A connection is over: what is held is handed out, what waits is dropped, its record told.

    `frame` is where that was found; 0 at the end of input.
    """
    s = sessions[slot]
    s["ended"] = frame
    if frame == 0:
        frame = np.int64(s["last_frame"])
    for d in range(2):
        side = sides[2 * slot + d]
        release(side, pieces, order, np.int64(1) << 62, frame, time, meta)
        at = np.int64(side["waiting"])
        while at >= 0:
            after = np.int64(segments[at]["next"])
            segments[at]["next"] = meta[FREE_SEGMENT]
            meta[FREE_SEGMENT] = at
            meta[SEGMENTS_USED] -= 1
            at = after
        side["waiting"] = -1
    ended[meta[ENDED]] = s
    meta[ENDED] += 1
    mask = len(slots) - 1
    h = np.int64(s["hash"] >> np.uint64(20)) & mask
    while slots[h] != slot:
        h = (h + 1) & mask
    hole = h  # backward shift: no tombstones
    while True:
        h = (h + 1) & mask
        other = np.int64(slots[h])
        if other < 0:
            break
        home = np.int64(sessions[other]["hash"] >> np.uint64(20)) & mask
        if ((h - home) & mask) >= ((h - hole) & mask):
            slots[hole] = other
            hole = h
    slots[hole] = -1
    _unchain(slot, sessions, meta)
    s["used"] = 0
    s["newer"] = meta[FREE_SESSION]
    meta[FREE_SESSION] = slot
    meta[LIVE] -= 1


@bare_kernel
def end_all(sessions, sides, slots, segments, pieces, order, ended, meta):
    """End every connection, the one idle longest first, while there is room; those left over."""
    while meta[OLDEST] >= 0:
        slot = meta[OLDEST]
        if meta[ENDED] >= len(ended) or meta[ORDER] + MARGIN >= len(order):
            break
        s = sessions[slot]
        end_session(
            slot, sessions, sides, slots, segments, pieces, order, ended, np.int64(0), np.int64(s["last"]),
            meta,
        )  # fmt: skip
    return meta[LIVE]


@bare_kernel
def _deep(ports, config):
    """Whether a connection is read to its end, by either port."""
    for n in range(DEEP, len(config)):
        if config[n] > 0 and (config[n] == ports >> 16 or config[n] == ports & 0xFFFF):
            return 1
    return 0


@bare_kernel
def _open(p, frame, slot, sessions, sides, config, meta):
    """Begin a session from a packet, whose sender is taken for the client."""
    s = sessions[slot]
    s["a_hi"] = p["a_hi"]
    s["a_lo"] = p["a_lo"]
    s["b_hi"] = p["b_hi"]
    s["b_lo"] = p["b_lo"]
    s["hash"] = p["hash"]
    s["ports"] = p["ports"]
    s["vlan"] = p["vlan"]
    s["proto"] = p["proto"]
    s["version"] = p["version"]
    s["client"] = p["reversed"]
    s["midstream"] = 0
    s["state"] = UNTRACKED
    s["answered"] = 0
    s["asked"] = 0
    s["syn_count"] = 0
    s["fast"] = 0
    s["reset"] = 0
    s["used"] = 1
    s["first"] = p["time"]
    s["last"] = p["time"]
    s["frame"] = frame
    s["last_frame"] = frame
    s["offset"] = p["offset"]
    s["number"] = meta[NUMBER]
    meta[NUMBER] += 1
    meta[LIVE] += 1
    deep = _deep(np.int64(p["ports"]), config)
    for d in range(2):
        clear(sides[2 * slot + d])
        sides[2 * slot + d]["deep"] = deep


@bare_kernel
def clear(side):
    """A direction of which nothing is known."""
    side["next"] = 0
    side["highest"] = 0
    side["acked"] = 0
    side["window"] = -1
    side["fin"] = -1
    side["waiting_bytes"] = 0
    side["held_bytes"] = 0
    side["gap"] = 0
    side["isn"] = 0
    side["waiting"] = -1
    side["waiting_count"] = 0
    side["held_first"] = -1
    side["held_last"] = -1
    side["known"] = 0
    side["scale"] = 0
    side["done"] = 0
    side["mute"] = 0
    side["deep"] = 0
    side["stamped"] = 0
    side["stamp"] = 0
    side["urgent"] = 0


@bare_kernel
def _timeout(s):
    """Nanoseconds without a packet after which a connection's key is a new one's."""
    if s["proto"] == _TCP:
        state = s["state"]
        if state == CLOSED or state == SYN_SENT or state == SYN_RECEIVED:
            return 60 * _SECOND
        return _LONGEST
    return 300 * _SECOND if s["answered"] != 0 else 30 * _SECOND


@bare_kernel
def _option(buffer, at, end, wanted):
    """Where the value of an option stands among TCP options `buffer[at:end]`, and its size; -1 without it."""
    while at < end:
        kind = buffer[at]
        if kind == 0:
            break
        if kind == 1:
            at += 1
            continue
        if at + 2 > end:
            break
        size = np.int64(buffer[at + 1])
        if size < 2 or at + size > end:
            break
        if kind == wanted:
            return at + 2, size - 2
        at += size
    return np.int64(-1), np.int64(0)


@bare_kernel
def _window_scale(buffer, at, end):
    """The window scale among TCP options (RFC 7323): its shift, 0 without it."""
    place, size = _option(buffer, at, end, _SCALE)
    if place < 0 or size != 1:
        return np.int64(0)
    return min(np.int64(buffer[place]), np.int64(14))


@bare_kernel
def _stamp(buffer, at, end, side):
    """Keep the time stamp that a SYN carries."""
    place, size = _option(buffer, at, end, _STAMPS)
    side["stamped"] = 1 if place >= 0 and size == 8 else 0
    side["stamp"] = load_be32(buffer, place) if place >= 0 and size == 8 else 0


@bare_kernel
def _echo_wrong(buffer, at, end, side, s):
    """Whether an answer to a SYN echoes a time stamp that no SYN carried, neither the last nor one before."""
    place, size = _option(buffer, at, end, _STAMPS)
    if place < 0 or size != 8:
        return False
    echo = np.int64(load_be32(buffer, place + 4))
    mine = np.int64(side["stamp"])
    stamps = s["stamps"]
    for k in range(min(np.int64(s["syn_count"]), len(stamps))):
        if echo != 0 and stamps[k] == echo:
            return False
    if side["stamped"] != 0:
        return mine != 0 and echo != 0 and echo != mine
    return mine == 0 and echo != 0


@bare_kernel
def _fast_open(buffer, at, end):
    """Whether a SYN asks for TCP Fast Open (RFC 7413), by its option or the one it had as an experiment."""
    place, _ = _option(buffer, at, end, _FAST_OPEN)
    if place >= 0:
        return True
    place, size = _option(buffer, at, end, _EXPERIMENT)
    return place >= 0 and size >= 2 and load_be16(buffer, place) == 0xF989


@bare_kernel
def _another_syn(s, mine, seq, stamp):
    """Keep a SYN that another takes the place of; True where there are too many of them."""
    isn = np.int64(mine["isn"])
    old = np.int64(mine["stamp"])
    if isn == seq and old == stamp:
        return False
    syns = s["syns"]
    stamps = s["stamps"]
    most = len(syns)
    count = np.int64(s["syn_count"])
    for k in range(min(count, most)):
        if syns[k] == isn and stamps[k] == old:
            return False
    syns[count % most] = isn
    stamps[count % most] = old
    s["syn_count"] = count + 1 if count + 1 < 2 * most else most
    return count >= most


@bare_kernel
def _syn_answered(s, mine, ack):
    """Whether an answer is to the last SYN or one before it, which then counts."""
    if ack == (np.int64(mine["isn"]) + 1) & 0xFFFFFFFF:
        return True
    syns = s["syns"]
    for k in range(min(np.int64(s["syn_count"]), len(syns))):
        if ack == (np.int64(syns[k]) + 1) & 0xFFFFFFFF:
            mine["isn"] = syns[k]
            return True
    return False


@bare_kernel
def _transport_at(buffer, start, net, version):
    """Offset from `start` of the transport header behind the network header at `net`; -1 in a fragment.

    The row was decoded, so every header up to the transport is there.
    """
    if version == 4:
        if load_be16(buffer, start + net + 6) & 0x3FFF:
            return np.int64(-1)
        return net + (np.int64(buffer[start + net]) & 15) * 4
    kind = np.int64(buffer[start + net + 6])
    at = net + 40
    for _ in range(16):
        if kind == _TCP or kind == _UDP:
            return at
        size = (np.int64(buffer[start + at + 1]) + 1) * 8
        if kind == 51:
            size = (np.int64(buffer[start + at + 1]) + 2) * 4
        elif kind == 44:
            if load_be16(buffer, start + at + 2) & 0xFFF9:
                return np.int64(-1)
            size = np.int64(8)  # all of a datagram in one fragment (RFC 6946)
        kind = np.int64(buffer[start + at])
        at += size
    return np.int64(-1)


@bare_kernel
def _sum_wrong(buffer, start, net, transport, length, version, proto):
    """Whether the transport checksum over `length` whole bytes is wrong (RFC 1071, 8200 §8.1)."""
    total = np.int64(proto) + length
    if version == 4:
        first = start + net + 12
        words = 4
    else:
        first = start + net + 8
        words = 16
    for k in range(words):
        total += np.int64(load_be16(buffer, first + 2 * k))
    at = start + transport
    for k in range(length >> 1):
        total += np.int64(load_be16(buffer, at + 2 * k))
    if length & 1:
        total += np.int64(buffer[at + length - 1]) << 8
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total != 0xFFFF


@bare_kernel
def _find(p, sessions, slots):
    """The session of a packet's key, or -1."""
    mask = len(slots) - 1
    h = np.int64(p["hash"] >> np.uint64(20)) & mask
    while slots[h] >= 0:
        i = np.int64(slots[h])
        s = sessions[i]
        if (
            s["hash"] == p["hash"]
            and s["a_hi"] == p["a_hi"]
            and s["a_lo"] == p["a_lo"]
            and s["b_hi"] == p["b_hi"]
            and s["b_lo"] == p["b_lo"]
            and s["ports"] == p["ports"]
            and s["proto"] == p["proto"]
            and s["vlan"] == p["vlan"]
        ):
            return i
        h = (h + 1) & mask
    return np.int64(-1)


@bare_kernel
def _distance(seq, isn, near):
    """Stream offset of a sequence number, taken to be within 2 GiB of offset `near`."""
    base = (np.int64(isn) + 1 + near) & 0xFFFFFFFF
    ahead = (np.int64(seq) - base) & 0xFFFFFFFF
    if ahead >= 0x80000000:
        ahead -= 0x100000000
    return near + ahead


@bare_kernel
def _beside(side, mark, seq):
    """How many bytes out of band stand before a sequence number: all, or all but the last one, at `mark`."""
    ahead = (seq - np.int64(mark)) & 0xFFFFFFFF
    return np.int64(side["urgent"]) - (1 if ahead == 0 or ahead >= 0x80000000 else 0)


@bare_kernel
def _urge(seq, s, direction, side, frame, odd, meta):
    """An urgent byte at a sequence number is out of band; False where there were too many of them."""
    marks = s["marks"]
    if side["urgent"] != 0 and (seq - np.int64(marks[direction]) - 1) & 0xFFFFFFFF >= 0x7FFFFFFF:
        return True  # sent again
    if side["urgent"] >= _MOST_URGENT:
        return False
    side["urgent"] += 1
    marks[direction] = seq & 0xFFFFFFFF
    if side["urgent"] == _MOST_URGENT:
        _odd(ODD_URGENT, np.int64(s["number"]), direction, frame, odd, meta)
    return True


@bare_kernel
def _is_answer(buffer, at, n):
    """Whether bytes are what only a server says first: a status line of HTTP/1, or TLS's ServerHello."""
    if n < 8:
        return False
    if buffer[at] == 0x16:
        return buffer[at + 1] == 3 and buffer[at + 5] == 2
    return load_be32(buffer, at) == 0x48545450 and load_be32(buffer, at + 4) >> 8 == 0x2F312E


@bare_kernel
def _serves(port):
    """Whether a port is one that only servers of a protocol have, which a layer is looked for behind."""
    for known in _SERVERS:
        if port == known:
            return True
    return False


@bare_kernel
def _handshake(
    buffer, q, options_end, flags, seq, ack, window, payload, body, bodied, d, s, sides, slot, config, frame,
    odd, meta,
):  # fmt: skip
    """Packets that begin a connection, or come before it stands. True where data may follow."""
    mine = sides[2 * slot + d]
    other = sides[2 * slot + 1 - d]
    number = np.int64(s["number"])
    state = s["state"]
    if flags & SYN and flags & FIN:
        _odd(ODD_FIN_SYN, number, d, frame, odd, meta)
    if state == UNTRACKED:
        if flags & SYN and not flags & (ACK | RST):
            if d == 1:
                s["client"] = 1 - s["client"]
                s["answered"] = 0
                mine = sides[2 * slot]
            s["state"] = SYN_SENT
            mine["isn"] = seq
            mine["known"] = 1
            mine["scale"] = _window_scale(buffer, q + 20, options_end)
            _stamp(buffer, q + 20, options_end, mine)
            if _fast_open(buffer, q + 20, options_end):
                s["fast"] = 1
                return True  # its bytes are the stream's first
            return False
        picked = config[0] != 0 or (config[1] != 0 and flags & SYN)
        if not picked or flags & RST or not flags & ACK:
            meta[UNTRACKED_PACKETS] += 1
            return False
        s["midstream"] = 1
        if flags & SYN:  # an answer whose question was missed
            if d == 0:
                s["client"] = 1 - s["client"]
                s["asked"] = 0
                s["answered"] = 1
            mine = sides[2 * slot + 1]
            other = sides[2 * slot]
            mine["isn"] = seq
            other["isn"] = (ack - 1) & 0xFFFFFFFF
            mine["known"] = 1
            other["known"] = 1
            mine["scale"] = _window_scale(buffer, q + 20, options_end)
            s["state"] = SYN_RECEIVED
            return False
        to = load_be16(buffer, q + 2)
        speaks = to >= 1024 and _serves(load_be16(buffer, q)) and not _serves(to)
        if d == 0 and (speaks or _is_answer(buffer, body, bodied)):  # the server speaks first
            s["client"] = 1 - s["client"]
            s["asked"] = 0
            s["answered"] = 1
            mine = sides[2 * slot + 1]
            other = sides[2 * slot]
        mine["isn"] = (seq - 1) & 0xFFFFFFFF
        other["isn"] = (ack - 1) & 0xFFFFFFFF
        mine["known"] = 1
        other["known"] = 1
        s["state"] = ESTABLISHED
        return True
    if flags & SYN:
        if not flags & ACK:
            if state == SYN_SENT and d == 0:
                place, size = _option(buffer, q + 20, options_end, _STAMPS)
                stamp = np.int64(load_be32(buffer, place)) if place >= 0 and size == 8 else np.int64(0)
                if _another_syn(s, mine, seq, stamp):
                    _odd(ODD_SYN_FLOOD, number, d, frame, odd, meta)
                mine["isn"] = seq  # the latest question is the one that may be answered
                mine["scale"] = _window_scale(buffer, q + 20, options_end)
                _stamp(buffer, q + 20, options_end, mine)
            elif d == 1:
                _odd(ODD_SYN_TOCLIENT, number, d, frame, odd, meta)
            elif state >= ESTABLISHED and seq != np.int64(mine["isn"]):
                _odd(ODD_SYN_AGAIN_SEQ, number, d, frame, odd, meta)
            elif state >= ESTABLISHED:
                _odd(ODD_SYN_AGAIN, number, d, frame, odd, meta)
        elif state == SYN_SENT:
            if d == 0:
                _odd(ODD_SYNACK_WRONG_WAY, number, d, frame, odd, meta)
            elif not (
                _syn_answered(s, other, ack)
                or (s["fast"] != 0 and ack == (np.int64(other["isn"]) + 1 + other["next"]) & 0xFFFFFFFF)
            ):
                _odd(ODD_SYNACK_WRONG_ACK, number, d, frame, odd, meta)
            elif _echo_wrong(buffer, q + 20, options_end, other, s):
                _odd(ODD_INVALID_TIMESTAMP, number, d, frame, odd, meta)
            else:
                if s["fast"] != 0 and other["next"] > 0 and ack == (np.int64(other["isn"]) + 1) & 0xFFFFFFFF:
                    _odd(ODD_TFO_IGNORED, number, d, frame, odd, meta)
                    other["next"] = 0  # what came with the SYN was not taken: it comes again
                    other["highest"] = 0
                    other["held_first"] = -1
                    other["held_last"] = -1
                    meta[HELD] -= np.int64(other["held_bytes"])
                    other["held_bytes"] = 0
                mine["isn"] = seq
                mine["known"] = 1
                mine["scale"] = _window_scale(buffer, q + 20, options_end)
                other["window"] = window
                s["state"] = SYN_RECEIVED
        elif state >= ESTABLISHED:
            if d == 0:
                _odd(ODD_SYNACK_TOSERVER, number, d, frame, odd, meta)
            elif seq != np.int64(mine["isn"]):
                _odd(ODD_SYNACK_AGAIN_SEQ, number, d, frame, odd, meta)
            elif ack != (np.int64(other["isn"]) + 1) & 0xFFFFFFFF:
                _odd(ODD_SYNACK_AGAIN_ACK, number, d, frame, odd, meta)
            else:
                _odd(ODD_SYNACK_AGAIN, number, d, frame, odd, meta)
        return False
    if state == SYN_SENT:
        if d == 1 and _echo_wrong(buffer, q + 20, options_end, other, s):
            _odd(ODD_INVALID_TIMESTAMP, number, d, frame, odd, meta)
        elif flags & RST:
            if d == 1 or (window == 0 and seq == mine["isn"] and ack == (seq + 1) & 0xFFFFFFFF):
                s["state"] = CLOSED
        elif config[1] != 0 and d == 0 and flags & ACK:  # the other half goes another way
            other["isn"] = (ack - 1) & 0xFFFFFFFF
            other["known"] = 1
            s["state"] = ESTABLISHED
            return True
        return False
    if state == SYN_RECEIVED:
        if flags & RST:
            s["state"] = CLOSED
            return False
        if not flags & ACK:
            return False
        if d == 1:
            if s["midstream"] == 0 and s["fast"] == 0 and config[2] != 0:
                fits = payload > 0 and seq == (np.int64(mine["isn"]) + 1) & 0xFFFFFFFF
                _odd(ODD_ACK_INJECT if fits else ODD_ACK_WRONG_WAY, number, d, frame, odd, meta)
                return False
            ahead = _distance(seq, mine["isn"], np.int64(mine["next"]))
            if s["midstream"] == 0 and s["fast"] == 0 and ahead < 0:
                _odd(ODD_WRONG_SEQ_WRONG_ACK, number, d, frame, odd, meta)
                return False
        elif s["midstream"] == 0 and ack != (np.int64(other["isn"]) + 1) & 0xFFFFFFFF:
            near = _distance(ack, other["isn"], np.int64(other["next"]))
            if near < 0 or near > np.int64(other["highest"]):
                _odd(ODD_WRONG_ACK_EVASION, number, d, frame, odd, meta)
                return False
        s["state"] = ESTABLISHED
    return True


@bare_kernel
def track(
    buffer, packets, first, frames, sessions, sides, slots, segments, pages, pieces, arena, order, ended,
    odd, flow_of, direction_of, config, meta,
):  # fmt: skip
    """Take packet rows (PACKET[n]), of frames (i8[n]), from `first` on; the row it stopped before, and why.

    `flow_of` (i8[n]) takes each row's flow number or -1, `direction_of` (u1[n]) its direction. `order`
    (i8) takes indices of pieces as they become known.
    """
    for i in range(first, len(packets)):
        p = packets[i]
        flow_of[i] = -1
        direction_of[i] = 0
        status = p["status"]
        proto = p["proto"]
        if (status != TRANSPORT and status != IP) or proto == _GRE:
            continue
        payload = np.int64(p["payload"])
        start = np.int64(p["offset"])
        at = np.int64(p["payload_at"])
        whole = status == TRANSPORT and p["reason"] == 0 and (proto == _TCP or proto == _UDP)
        transport = np.int64(-1)
        wrong = False
        if whole:
            net = at + payload - np.int64(p["ip_bytes"])
            if net >= 0:
                transport = _transport_at(buffer, start, net, p["version"])
            if transport < 0:
                continue  # a fragment, whole only when put together
            if config[8] != 0 and proto == _TCP and at + payload <= np.int64(p["captured"]):
                length = at + payload - transport
                if length > 0 and _sum_wrong(buffer, start, net, transport, length, p["version"], proto):
                    meta[BAD_CHECKSUM] += 1
                    wrong = True  # of a flow, but none of its stream
        slot = _find(p, sessions, slots)
        spare = payload
        count = np.int64(MARGIN)
        if slot >= 0:
            for d in range(2):
                spare += np.int64(sides[2 * slot + d]["waiting_bytes"])
                count += 2 * np.int64(sides[2 * slot + d]["waiting_count"])
        if (
            meta[ARENA] + spare > len(arena)
            or meta[PIECES] + count > len(pieces)
            or meta[PIECES] + count > len(order)
            or meta[ENDED] + MARGIN > len(ended)
        ):
            return i, MORE_ROOM
        if (
            meta[FREE_SEGMENT] < 0
            and meta[SEGMENTS] + 2 + payload // PAGE > len(segments)
            and (len(segments) < config[6])
        ):
            return i, MORE_SEGMENTS
        time = np.int64(p["time"])
        frame = frames[i]
        flags = np.int64(p["flags"]) if proto == _TCP else np.int64(0)
        if slot >= 0:
            s = sessions[slot]
            if time - np.int64(s["last"]) > _timeout(s) or (
                proto == _TCP and s["state"] == CLOSED and flags & SYN and not flags & ACK
            ):
                end_session(
                    slot, sessions, sides, slots, segments, pieces, order, ended,
                    frame, np.int64(s["last"]), meta,
                )  # fmt: skip
                slot = np.int64(-1)
        for _ in range(2):  # a little of what has been silent long
            old = meta[OLDEST]
            if old < 0 or old == slot or time - np.int64(sessions[old]["last"]) <= _LONGEST:
                break
            end_session(
                old, sessions, sides, slots, segments, pieces, order, ended,
                frame, np.int64(sessions[old]["last"]), meta,
            )  # fmt: skip
        if slot < 0:
            if meta[LIVE] >= config[5]:
                old = meta[OLDEST]
                end_session(
                    old, sessions, sides, slots, segments, pieces, order, ended,
                    frame, np.int64(sessions[old]["last"]), meta,
                )  # fmt: skip
                meta[EVICTED] += 1
            slot = meta[FREE_SESSION]
            if slot >= 0:
                meta[FREE_SESSION] = np.int64(sessions[slot]["newer"])
            elif meta[SESSIONS] < len(sessions):
                slot = meta[SESSIONS]
                meta[SESSIONS] = slot + 1
            else:
                return i, MORE_SESSIONS
            _open(p, frame, slot, sessions, sides, config, meta)
            _chain(slot, sessions, meta)
            mask = len(slots) - 1
            h = np.int64(p["hash"] >> np.uint64(20)) & mask
            while slots[h] >= 0:
                h = (h + 1) & mask
            slots[h] = slot
        else:
            _unchain(slot, sessions, meta)
            _chain(slot, sessions, meta)
        s = sessions[slot]
        s["last"] = max(np.int64(s["last"]), time)  # a clock that went back ends nothing
        s["last_frame"] = frame
        number = np.int64(s["number"])
        flow_of[i] = number
        d = np.int64(0) if p["reversed"] == s["client"] else np.int64(1)
        if d == 1:
            s["answered"] = 1
        else:
            s["asked"] = 1
        stood = s["state"] >= ESTABLISHED if proto == _TCP else s["answered"] != 0 and s["asked"] != 0
        direction_of[i] = d | (STOOD if stood else 0)
        if wrong or not whole:
            continue
        n = min(payload, np.int64(p["captured"]) - at)
        if n < payload:
            meta[TRUNCATED] += 1
        if proto == _UDP:
            side = sides[2 * slot + d]
            length = np.int64(load_be16(buffer, start + transport + 4)) - 8
            if 0 <= length < n:
                n = length
            if n > 0 and side["mute"] == 0:
                k = meta[PIECES]
                _emit(
                    buffer, start + at, n, number, slot, d, side, pieces, arena, order, odd, config, frame,
                    time, meta,
                )  # fmt: skip
                if config[2] == 0 and meta[PIECES] > k:
                    release(side, pieces, order, np.int64(1) << 62, frame, time, meta)
            continue

        q = start + transport
        if transport + 20 > np.int64(p["captured"]):
            continue
        options_end = start + min(at, np.int64(p["captured"]))
        seq = np.int64(load_be32(buffer, q + 4))
        ack = np.int64(load_be32(buffer, q + 8))
        window = np.int64(load_be16(buffer, q + 14))
        fresh_state = s["state"]
        if fresh_state < ESTABLISHED or flags & SYN:
            go_on = _handshake(
                buffer, q, options_end, flags, seq, ack, window, payload, start + at, n, d, s, sides, slot,
                config, frame, odd, meta,
            )  # fmt: skip
            d = np.int64(0) if p["reversed"] == s["client"] else np.int64(1)
            if d == 0:
                s["asked"] = 1
            if (
                fresh_state < ESTABLISHED
                and s["state"] == ESTABLISHED
                and (payload > 0 or s["midstream"] != 0)
            ):
                stood = True  # bytes right behind the handshake: its acknowledgement may have been lost
            direction_of[i] = d | (STOOD if stood else 0)
            if not go_on:
                continue
        if s["reset"] == d + 1 and not flags & RST:  # who went on had not sent the reset
            s["reset"] = 0
            s["state"] = ESTABLISHED
            _odd(ODD_RST_INJECT, number, d, frame, odd, meta)
        mine = sides[2 * slot + d]
        other = sides[2 * slot + 1 - d]
        if mine["known"] == 0:
            continue
        if flags & SYN:  # bytes of a SYN stand behind it
            seq += 1
        offset = _distance(seq, mine["isn"], np.int64(mine["next"]))
        if mine["urgent"] != 0:
            offset -= _beside(mine, s["marks"][d], seq + max(payload, 1) - 1)
        end = offset + payload
        if flags & URG and config[_URGENT] != _WITHIN and payload > 0:
            pointer = np.int64(load_be16(buffer, q + 18))
            if config[_URGENT] == _NOT_TAKEN:
                if config[2] != 0:
                    continue
            elif 0 < pointer <= payload:  # the last byte, wherever the pointer points (RFC 6093)
                n = min(n, payload - 1)
                if config[_URGENT] == _BESIDE:
                    end -= 1
                    if not _urge(seq + payload - 1, s, d, mine, frame, odd, meta):
                        n = np.int64(0)
        relaxed = s["midstream"] != 0 or config[1] != 0
        if flags & ACK and other["known"] != 0:
            acked = _distance(ack, other["isn"], np.int64(other["acked"]))
            if other["urgent"] != 0:
                acked -= _beside(other, s["marks"][1 - d], ack)
            beyond = np.int64(other["highest"])
            if other["fin"] >= 0:
                beyond = max(beyond, np.int64(other["fin"]))
            if acked > max(beyond + 1, np.int64(other["window"])) and not relaxed:
                _odd(ODD_INVALID_ACK, number, d, frame, odd, meta)
                continue
            if acked > other["acked"]:
                other["acked"] = acked
            if acked >= other["acked"]:
                other["window"] = np.int64(other["acked"]) + (window << np.int64(mine["scale"]))
            if other["next"] < other["acked"]:
                _skip_holes(
                    slot, number, 1 - d, other, segments, pages, pieces, arena, order, odd, config, frame,
                    time, meta,
                )  # fmt: skip
            if other["held_first"] >= 0:
                release(other, pieces, order, np.int64(other["acked"]), frame, time, meta)
        if flags & RST:
            if s["state"] != CLOSED:
                s["state"] = CLOSED
                s["reset"] = d + 1
                for k in range(2):  # nothing will fill the holes
                    _behind_holes(
                        slot, number, k, sides[2 * slot + k], segments, pages, pieces, arena, order, odd,
                        config, frame, time, meta,
                    )  # fmt: skip
                release(mine, pieces, order, np.int64(1) << 62, frame, time, meta)
                release(other, pieces, order, np.int64(1) << 62, frame, time, meta)
            continue
        if payload > 0 and mine["window"] >= 0 and end > mine["window"] + 1 and not relaxed:
            meta[OUT_OF_WINDOW] += 1
            _odd(ODD_OUT_OF_WINDOW, number, d, frame, odd, meta)
            continue
        if n > 0 or (flags & URG and payload > 0):
            direction_of[i] |= STREAMED
            if mine["deep"] == 1 and other["deep"] == 2:
                mine["deep"] = 2
        if n > 0 and (s["state"] != CLOSED or (mine["fin"] >= 0 and offset < mine["fin"])):
            if mine["fin"] >= 0 and offset + n > mine["fin"]:
                n = np.int64(mine["fin"]) - offset
            ahead = np.int64(mine["next"])
            if offset < ahead:
                if mine["held_first"] >= 0:
                    _rewrite(
                        buffer, start + at, offset, min(offset + n, ahead), number, d, mine, pieces, arena,
                        odd, config, frame, meta,
                    )  # fmt: skip
                if offset + n <= ahead:
                    _odd(ODD_RETRANSMISSION, number, d, frame, odd, meta)
            if offset + n > ahead:
                if offset <= ahead:
                    cut = ahead - offset
                    waiting = np.int64(mine["waiting"])
                    if waiting >= 0 and segments[waiting]["offset"] < offset + n:
                        # Overlaps what waits: let the policy decide, then take all from there.
                        _wait(
                            buffer, start + at + cut, ahead, offset + n, number, d, mine, segments, pages,
                            odd, config, frame, meta,
                        )  # fmt: skip
                    else:
                        _emit(
                            buffer, start + at + cut, n - cut, number, slot, d, mine, pieces, arena, order,
                            odd, config, frame, time, meta,
                        )  # fmt: skip
                    if mine["waiting"] >= 0:
                        _drain(
                            slot, number, d, mine, segments, pages, pieces, arena, order, odd, config, frame,
                            time, meta,
                        )  # fmt: skip
                elif mine["done"] == 0 and mine["mute"] == 0:
                    _wait(
                        buffer, start + at, offset, offset + n, number, d, mine, segments, pages, odd, config,
                        frame, meta,
                    )  # fmt: skip
                    if mine["highest"] < offset + n:
                        mine["highest"] = offset + n
            if mine["acked"] > mine["next"] and config[2] != 0:
                _skip_holes(
                    slot,
                    number,
                    d,
                    mine,
                    segments,
                    pages,
                    pieces,
                    arena,
                    order,
                    odd,
                    config,
                    frame,
                    time,
                    meta,
                )
            if mine["held_first"] >= 0 and mine["acked"] > pieces[np.int64(mine["held_first"])]["offset"]:
                release(mine, pieces, order, np.int64(mine["acked"]), frame, time, meta)
            if config[1] != 0 and (s["answered"] == 0 or s["asked"] == 0):  # nobody acknowledges
                release(mine, pieces, order, np.int64(mine["next"]), frame, time, meta)
            elif np.int64(mine["held_bytes"]) > config[7] or meta[HELD] > config[9]:
                meta[FORCED] += 1
                release(mine, pieces, order, np.int64(mine["next"]), frame, time, meta)
        if flags & FIN and mine["fin"] < 0:
            mine["fin"] = end
        if (
            mine["fin"] >= 0
            and other["fin"] >= 0
            and mine["acked"] > mine["fin"]
            and other["acked"] > other["fin"]
        ):
            s["state"] = CLOSED
    return len(packets), DONE


@bare_kernel
def gather(pieces, order, arena, out):
    """Copy the bytes of `pieces[order]` one behind the other into `out`; the pieces lie there from now on."""
    to = 0
    for k in range(len(order)):
        piece = pieces[order[k]]
        n = np.int64(piece["length"])
        copy_bytes(out, to, arena, np.int64(piece["at"]), n)
        piece["at"] = to
        to += n
    return to


@bare_kernel
def keep_held(count, sides, pieces, arena, kept, kept_arena):
    """Copy what of `count` pieces is held to the beginning of new arrays; (pieces, bytes) kept."""
    n = 0
    to = 0
    for i in range(count):
        piece = pieces[i]
        side = sides[2 * np.int64(piece["slot"]) + np.int64(piece["direction"])]
        if piece["frame"] != 0 or np.int64(side["held_first"]) != i:
            continue
        at = np.int64(i)
        before = np.int64(-1)
        while at >= 0:
            old = pieces[at]
            after = np.int64(old["next"])
            size = np.int64(old["length"])
            kept[n] = old
            copy_bytes(kept_arena, to, arena, np.int64(old["at"]), size)
            kept[n]["at"] = to
            kept[n]["next"] = -1
            old["frame"] = -1  # moved: the next ones of its chain are not beginnings
            to += size
            if before >= 0:
                kept[before]["next"] = n
            else:
                side["held_first"] = n
            side["held_last"] = n
            before = np.int64(n)
            n += 1
            at = after
    return n, to
