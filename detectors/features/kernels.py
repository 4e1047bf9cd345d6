"""The feature kernel: one walk over flow reports that keeps what every detector needs to know of an entity.

Four tables of aligned records hold bounded state; each is a dense array of records behind an open-addressed
array of slots (`tag << 32 | index + 1`, linear probing, half load), so that a table costs memory as it fills
and a snapshot is the used part of its records:

* CONTACT: one (source, target, protocol, port) and how its first flow fared;
* GROUP: distinct contacts and failures of a source, of a source by port, of a source by target, and of an
  asker of address resolution;
* TARGET: what a host or a prefix receives without asking, by channel, per second of event time;
* LOGIN: connections from one source to one login service.

A full table gives up the quietest of eight neighbours under a moving hand (CLOCK); a suspect counts as a
minute younger for each doubling of its strikes. All of that depends on event time alone.

Whenever an entity's record changes in a way that may matter, a copy of it as of that row is handed out:
detectors judge these copies and so never see where a batch ended.

Constants that kernels freeze stand here, because the on-disk cache is keyed by this file.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from citywall.kernels import MIX1, MIX2, MIX3, bare_kernel, hash_address, helper, internal, mix64, prefetch

U8 = np.uint64
SECOND = 1_000_000_000
# Beyond these no arithmetic on times of hostile input can overflow.
FAR_FUTURE, FAR_PAST = 1 << 61, -(1 << 61)

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58
END = 2
END_LOGGED = 5
ARP_REQUEST, ARP_REPLY, ND_SOLICIT, ND_ADVERT = 1, 2, 3, 4

# GROUP.kind
BY_SOURCE, BY_PORT, BY_TARGET, BY_ASKER = 1, 2, 3, 4
# two bits of CONTACT.told, and outcomes of a first report
NOTHING, FAILED, ANSWERED, EMPTY = 0, 1, 2, 3
# TARGET.channel
SYN_HALF_OPEN, UDP_ONE_WAY, ICMP_ANY, UDP_REFLECTED, TCP_REFLECTED, OTHER_ONE_WAY = 0, 1, 2, 3, 4, 5
CHANNELS = 6
# columns of Limits.flood
ALLOWED_PACKETS, ALARM_PACKETS, ALLOWED_FLOWS, ALARM_FLOWS = 0, 1, 2, 3

BINS = 16  # of the histograms that entropy is taken from
REGISTERS = 32  # of the HyperLogLog of sources: standard error 18 %
OPEN_LOGINS = 32  # connections to one service that are followed at a time
BIN_LIMIT = 60_000
LEAST_SAMPLED = 8  # sampled packets that a flood is made of at the least: chance rarely brings so many
REPLY_SHARE = 50  # fewer than one packet back for this many is one-way
GRACE = 60 * SECOND
NEIGHBOURS = 8
AHEAD = 16  # rows whose memory is asked for together
# columns of Tables.ahead, one row a report: where probing begins for the contact, the source's groups (all,
# by port, by target), the receiving host, its prefix, and the login
AT_CONTACT, AT_SOURCE, AT_PORT, AT_PAIR, AT_HOST, AT_PREFIX, AT_LOGIN = range(7)
AHEAD_WORDS = 7
# columns of `ends`: hashes of a report's source and of its target
SOURCE_HASH, TARGET_HASH = 0, 1
NOWHERE = U8(0xFFFFFFFFFFFFFFFF)
#: Told apart from what was asked in sight: an asker of whom only refusals are seen.
BACKWARDS = U8(0x9E3779B97F4A7C15)
#: Where the ports begin that clients ask from (Linux; Windows and RFC 6056 later).
EPHEMERAL = 32768
TRACEROUTE_FIRST, TRACEROUTE_LAST = 33434, 33689  # IANA traceroute/udp, 255 hops

# services of LOGIN.service
SERVICES = ("none", "ssh", "ftp", "telnet", "smtp", "pop3", "imap", "rdp", "vnc", "smb", "login")
SSH, FTP, TELNET, SMTP, POP3, IMAP, RDP, VNC, SMB, LOGIN_PORT = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10

_FLOW = [("flow_id", "u8"), ("frame", "i8"), ("offset", "i8"), ("time", "i8")]
_ENDS = [("dst_hi", "u8"), ("dst_lo", "u8")]
_PORTS = [("domain", "u4"), ("src_port", "u2"), ("dst_port", "u2"), ("proto", "u1")]
#: Flows kept as evidence: the first and the latest of an episode, as `first_…` and `late_…`.
SAMPLES = [(f"{which}_{name}", kind) for which in ("first", "late") for name, kind in _FLOW + _ENDS + _PORTS]
#: The same where the source is not known from the record.
WIDE_SAMPLES = SAMPLES + [(f"{which}_{name}", "u8") for which in ("first", "late")
                          for name in ("src_hi", "src_lo")]  # fmt: skip

#: 32 bytes, so that none lies on two cache lines. `told`: the flow's id above two bits of its state.
CONTACT = np.dtype([("h", "u8"), ("g", "u8"), ("keep", "i8"), ("told", "u8")], align=True)

GROUP = np.dtype(
    [
        ("h", "u8"), ("g", "u8"), ("keep", "i8"),
        ("src_hi", "u8"), ("src_lo", "u8"), ("dst_hi", "u8"), ("dst_lo", "u8"),
        ("mac", "u8"),
        ("began", "i8"), ("last", "i8"),
        ("base_hi", "u8"), ("base_lo", "u8"),  # first target of the episode
        ("spread_hi", "u8"), ("spread_lo", "u8"),  # bits in which any later target differed from it
        ("walk", "i8"), ("peak", "i8"),  # sequential test, in milli-nats
        ("domain", "u4"),  # of the source
        ("dst_domain", "u4"),
        ("contacts", "u4"), ("failures", "u4"), ("refused", "u4"), ("empties", "u4"), ("odd", "u4"),
        ("targets", "u4"), ("ports", "u4"),  # of BY_SOURCE: failing targets and ports
        ("low", "u2"), ("high", "u2"),  # of BY_TARGET: lowest and highest port
        ("port", "u2"),
        ("proto", "u1"), ("kind", "u1"),
        *SAMPLES,
    ],
    align=True,
)  # fmt: skip

TARGET = np.dtype(
    [
        ("h", "u8"), ("g", "u8"), ("keep", "i8"),
        ("hi", "u8"), ("lo", "u8"),
        ("second", "i8"), ("began", "i8"), ("last", "i8"),
        ("packets_now", "i8"), ("flows_now", "i8"),  # in the present second
        ("packets_sum", "i8"), ("flows_sum", "i8"),  # CUSUM up to the present second
        ("packets_peak", "i8"), ("flows_peak", "i8"),  # highest CUSUM of the episode
        ("most_packets", "i8"), ("most_flows", "i8"),  # highest rate of the episode
        ("packets", "i8"), ("bytes", "i8"), ("replies", "i8"), ("flows", "i8"),  # of the episode
        ("sport_votes", "i8"), ("dport_votes", "i8"), ("host_votes", "i8"), ("host", "u8"),
        ("domain", "u4"),
        ("sport", "u2"), ("dport", "u2"),  # majority by vote
        ("channel", "u1"), ("prefix", "u1"),  # prefix length, 0 for a host
        *WIDE_SAMPLES,
    ],
    align=True,
)  # fmt: skip

LOGIN = np.dtype(
    [
        ("h", "u8"), ("g", "u8"), ("keep", "i8"),
        ("src_hi", "u8"), ("src_lo", "u8"), ("dst_hi", "u8"), ("dst_lo", "u8"),
        ("began", "i8"), ("last", "i8"),
        ("window", "i8"),  # start of the counting window
        ("reached", "i8"),  # when the threshold was first reached in the episode
        ("longest", "i8"), ("largest", "i8"),  # duration and payload bytes of the attempts
        ("typical", "i8"), ("votes", "i8"),  # majority payload size by vote
        ("success_flow", "u8"), ("success_bytes", "i8"), ("success_ns", "i8"),
        ("src_domain", "u4"), ("dst_domain", "u4"),
        ("now", "u4"), ("before", "u4"),  # attempts in this window and the one before
        ("attempts", "u4"), ("similar", "u4"), ("successes", "u4"),  # of the episode
        ("turn", "u4"),  # next place in the ring of open connections
        ("port", "u2"),
        ("service", "u1"),
        *SAMPLES,
    ],
    align=True,
)  # fmt: skip

# Limits.meta: three numbers a table, then the clock of flows and that of events
USED, HAND, EVICTED = 0, 1, 2
CONTACTS, GROUPS, TARGETS, LOGINS, CLOCK, META = 0, 3, 6, 9, 12, 13


class Tables(NamedTuple):
    """State of the feature kernel: records, their slots, and what stands beside a record."""

    contacts: Any
    contact_slots: Any
    groups: Any
    group_slots: Any
    targets: Any
    target_slots: Any
    source_bins: Any  # u2[targets, BINS]: packets by hash of the source
    spread_bins: Any  # u2[targets, BINS]: packets by hash of the port (of the host, for a prefix)
    registers: Any  # u1[targets, REGISTERS]
    logins: Any
    login_slots: Any
    open_logins: Any  # u2[logins, OPEN_LOGINS]
    meta: Any  # i8[META]
    ahead: Any  # u8[AHEAD, AHEAD_WORDS]: scratch


class Limits(NamedTuple):
    """What the kernel must know of the detectors' parameters; times in ns, walk in milli-nats."""

    window: Any
    gate: Any  # failures from which a group is shown to detectors
    step_failure: Any
    step_success: Any
    walk_cap: Any
    login_window: Any
    login_attempts: Any
    attempt_ns: Any
    attempt_bytes: Any
    prefix_v4: Any
    prefix_v6: Any
    flood: Any  # i8[2, CHANNELS, 4]: host and prefix
    amplifiers: Any  # u1[65536]
    services: Any  # u1[65536]: login service by port
    partition: Any  # which sources and receivers are judged here,
    partitions: Any  # of how many parts


class Output(NamedTuple):
    """Copies of records as of the row named beside each."""

    groups: Any
    group_rows: Any
    targets: Any
    target_rows: Any
    source_bins: Any
    spread_bins: Any
    registers: Any
    logins: Any
    login_rows: Any
    counts: Any  # i8[3]: groups, targets, logins written


# --- tables ---------------------------------------------------------------------------------------------


@internal
def pair_hash(a, b, x):
    """A 64-bit hash of two hashes and a salt, in this order."""
    return mix64(a * MIX1 + (b ^ x) * MIX2 + x * MIX3)


@internal
def home(h, mask):
    """Where probing for `h` begins: in bits that a slot keeps, so that slots alone can be rearranged."""
    return (h >> U8(32)) & mask


@internal
def lookup(slots, records, h, g):
    """Index of the record with fingerprint (h, g), or -1."""
    mask = U8(slots.shape[0] - 1)
    at = home(h, mask)
    while True:
        slot = slots[np.int64(at)]
        if slot == U8(0):
            return np.int64(-1)
        if slot >> U8(32) == h >> U8(32):
            i = np.int64(slot & U8(0xFFFFFFFF)) - 1
            if records[i]["h"] == h and records[i]["g"] == g:
                return i
        at = (at + U8(1)) & mask


@internal
def put_slot(slots, h, index):
    """Enter a record that is not in the table yet."""
    mask = U8(slots.shape[0] - 1)
    at = home(h, mask)
    while slots[np.int64(at)] != U8(0):
        at = (at + U8(1)) & mask
    slots[np.int64(at)] = ((h >> U8(32)) << U8(32)) | U8(index + 1)


@internal
def drop_slot(slots, h, index):
    """Take a record out and shift back what its slot had pushed on."""
    mask = U8(slots.shape[0] - 1)
    at = home(h, mask)
    while np.int64(slots[np.int64(at)] & U8(0xFFFFFFFF)) != index + 1:
        at = (at + U8(1)) & mask
    hole = at
    at = (at + U8(1)) & mask
    while slots[np.int64(at)] != U8(0):
        if ((at - home(slots[np.int64(at)], mask)) & mask) >= ((at - hole) & mask):
            slots[np.int64(hole)] = slots[np.int64(at)]
            hole = at
        at = (at + U8(1)) & mask
    slots[np.int64(hole)] = U8(0)


@internal
def quietest(records, hand, capacity):
    """The record longest unheard of among those that stand under the hand."""
    i = hand
    for k in range(1, min(NEIGHBOURS, capacity)):
        other = hand + k
        if other >= capacity:
            other -= capacity
        if records[other]["keep"] < records[i]["keep"]:
            i = other
    return i


@internal
def foresee_claim(slots, records, hand, capacity):
    """Ask for what the next record given up and the choice of the one after it will need."""
    for k in range(NEIGHBOURS):
        prefetch(records, (hand + NEIGHBOURS + k) * records.itemsize)
    i = quietest(records, hand, capacity)
    for line in range(0, records.itemsize, 64):
        prefetch(records, i * records.itemsize + line)
    prefetch(slots, np.int64(home(records[i]["h"], U8(slots.shape[0] - 1))) * 8)


@internal
def make_room(slots, records, meta, table):
    """The number of a record to use, taken out of its slot: a new one, or a quiet one where none is left.

    The last record of every table is never used: it is the blank that others are copied from.
    """
    capacity = records.shape[0] - 1
    if meta[table + USED] < capacity:
        i = meta[table + USED]
        meta[table + USED] += 1
        return i
    i = quietest(records, meta[table + HAND], capacity)
    hand = (meta[table + HAND] + NEIGHBOURS) % capacity
    meta[table + HAND] = hand
    meta[table + EVICTED] += 1
    drop_slot(slots, records[i]["h"], i)
    foresee_claim(slots, records, hand, capacity)
    return i


@internal
def settle(slots, records, i, h, g):
    """Make record `i` blank, and enter it for a new fingerprint."""
    put_slot(slots, h, i)
    records[i] = records[records.shape[0] - 1]
    records[i]["h"] = h
    records[i]["g"] = g


@helper
def claim(slots, records, meta, table, h, g):
    """A blank record for a new fingerprint, at the cost of a quiet one where the table is full."""
    i = make_room(slots, records, meta, table)
    settle(slots, records, i, h, g)
    return i


@bare_kernel
def rebuild(slots, records, used):
    """Fill empty `slots` from `records[:used]`."""
    for i in range(used):
        put_slot(slots, records[i]["h"], np.int64(i))


# --- addresses ------------------------------------------------------------------------------------------


@internal
def private(hi, lo):
    """Twin of citywall.addresses.is_private."""
    if hi == U8(0) and lo >> U8(32) == U8(0xFFFF):
        v4 = lo & U8(0xFFFFFFFF)
        return (
            v4 >> U8(24) == U8(10)
            or v4 >> U8(20) == U8(0xAC1)
            or v4 >> U8(16) == U8(0xC0A8)
            or v4 >> U8(22) == U8(0x191)
            or v4 >> U8(16) == U8(0xA9FE)
        )
    return hi >> U8(57) == U8(0x7E) or hi >> U8(54) == U8(0x3FA)


@internal
def domain_of(domain, hi, lo):
    """Twin of citywall.domains.of_host."""
    if private(hi, lo):
        return np.int64(domain)
    return np.int64(0)


@internal
def many(hi, lo):
    """Whether an address is multicast or the limited broadcast: no single host."""
    if hi == U8(0) and lo >> U8(32) == U8(0xFFFF):
        v4 = lo & U8(0xFFFFFFFF)
        return v4 >> U8(28) == U8(0xE) or v4 == U8(0xFFFFFFFF)
    return hi >> U8(56) == U8(0xFF)


@internal
def nobody(hi, lo):
    """Whether it is the address of those who have none yet."""
    return hi == U8(0) and (lo == U8(0) or lo == U8(0xFFFF00000000))


@internal
def host_hash(domain, hi, lo):
    """Hash of a host: its address and the domain that tells it apart."""
    return hash_address(hi, lo, U8(domain))


@internal
def prefix_of(hi, lo, limits):
    """The network address of the prefix that an address belongs to."""
    if hi == U8(0):
        return hi, lo & ~((U8(1) << U8(32 - limits.prefix_v4)) - U8(1))
    return hi & ~((U8(1) << U8(64 - limits.prefix_v6)) - U8(1)), U8(0)


@internal
def share_of(h, limits):
    """The partition of a hash, by its low half."""
    return np.int64(((h & U8(0xFFFFFFFF)) * U8(limits.partitions)) >> U8(32))


@internal
def receiver_share(domain, hi, lo, limits):
    """The partition of a receiver: hosts of one prefix are kept with it."""
    hi, lo = prefix_of(hi, lo, limits)
    return share_of(host_hash(domain, hi, lo), limits)


@internal
def duration(row):
    """Nanoseconds between a flow's first and last packet, at least 0 and no matter how odd its times."""
    last = min(max(row["last"], np.int64(FAR_PAST)), np.int64(FAR_FUTURE))
    return max(last - min(max(row["first"], np.int64(FAR_PAST)), np.int64(FAR_FUTURE)), np.int64(0))


@internal
def significant(value):
    """A number that changes when one of the four leading bits of `value` (at least 0) does."""
    shift = np.int64(0)
    for step in (32, 16, 8, 4, 2, 1):
        if value >> (shift + step) > 7:
            shift += step
    return (shift << 4) | (value >> shift)


@internal
def telling(before, after):
    """Whether a count that rose is shown to detectors: one by one to 31, so that bounds are met exactly."""
    return after != before and (after < 32 or significant(after) != significant(before))


@internal
def rises_past(before, after, bound):
    """Whether a count that rose is shown to detectors: as it meets a bound, then by its leading bits."""
    return after >= bound and (before < bound or significant(after) != significant(before))


# --- groups ---------------------------------------------------------------------------------------------


@internal
def keep_sample(record, row, late):
    """Keep a flow as evidence (numba wants literal names, so both sets are written out)."""
    if late:
        record["late_flow_id"] = row["flow_id"]
        record["late_frame"] = row["frame"]
        record["late_offset"] = row["offset"]
        record["late_time"] = row["first"]
        record["late_dst_hi"] = row["dst_hi"]
        record["late_dst_lo"] = row["dst_lo"]
        record["late_domain"] = row["domain"]
        record["late_src_port"] = row["src_port"]
        record["late_dst_port"] = row["dst_port"]
        record["late_proto"] = row["proto"]
    else:
        record["first_flow_id"] = row["flow_id"]
        record["first_frame"] = row["frame"]
        record["first_offset"] = row["offset"]
        record["first_time"] = row["first"]
        record["first_dst_hi"] = row["dst_hi"]
        record["first_dst_lo"] = row["dst_lo"]
        record["first_domain"] = row["domain"]
        record["first_src_port"] = row["src_port"]
        record["first_dst_port"] = row["dst_port"]
        record["first_proto"] = row["proto"]


@internal
def keep_wide_sample(record, row, late):
    """The same for records that do not know the source."""
    keep_sample(record, row, late)
    if late:
        record["late_src_hi"] = row["src_hi"]
        record["late_src_lo"] = row["src_lo"]
    else:
        record["first_src_hi"] = row["src_hi"]
        record["first_src_lo"] = row["src_lo"]


@internal
def clear_group(group):
    """Begin a group's next episode."""
    group["contacts"] = 0
    group["failures"] = 0
    group["refused"] = 0
    group["empties"] = 0
    group["targets"] = 0
    group["ports"] = 0
    group["walk"] = 0
    group["peak"] = 0
    group["spread_hi"] = 0
    group["spread_lo"] = 0
    group["low"] = 65535
    group["high"] = 0


@internal
def see_target(group, hi, lo, port, row_time):
    """Note a contact's target in the range the episode has covered."""
    if group["contacts"] == 0:
        group["began"] = row_time
        group["base_hi"] = hi
        group["base_lo"] = lo
    group["spread_hi"] = group["spread_hi"] | (group["base_hi"] ^ hi)
    group["spread_lo"] = group["spread_lo"] | (group["base_lo"] ^ lo)
    if port < group["low"]:
        group["low"] = port
    if port > group["high"]:
        group["high"] = port
    group["contacts"] += 1


@internal
def strike(group, outcome, refused, hi, lo, port, began, time, limits, never_clears):
    """Count one first contact in a group: Jung's sequential test as Page's test, and distinct counts.

    A failure adds ln((1-θ1)/(1-θ0)) to the walk, a success takes ln(θ0/θ1); at zero the hypothesis of
    a scan is given up and the episode ends, so that counts always belong to one suspicion.
    """
    if time - group["last"] > limits.window:
        clear_group(group)
        group["odd"] = 0
    group["last"] = time
    see_target(group, hi, lo, port, began)
    if outcome == FAILED:
        group["failures"] += 1
        if refused:
            group["refused"] += 1
        group["walk"] = min(group["walk"] + limits.step_failure, limits.walk_cap)
        group["peak"] = max(group["peak"], group["walk"])
    elif outcome == EMPTY:
        group["empties"] += 1
    else:
        group["walk"] = max(group["walk"] - limits.step_success, np.int64(0))
        if group["walk"] == 0 and not never_clears:
            clear_group(group)
    strikes = np.int64(group["failures"]) + np.int64(group["empties"])
    group["keep"] = time
    while strikes > 1:
        group["keep"] += GRACE
        strikes >>= 1


@internal
def forgive(group, limits, never_clears):
    """Take back a failure that proved to be a slow answer."""
    if group["failures"] > 0:
        group["failures"] -= 1
        group["walk"] = max(group["walk"] - limits.step_failure - limits.step_success, np.int64(0))
        if group["walk"] == 0 and not never_clears:
            clear_group(group)


@internal
def show_group(output, groups, i, row_index):
    """Hand out a copy of a group."""
    n = output.counts[0]
    output.groups[n] = groups[i]
    output.group_rows[n] = row_index
    output.counts[0] = n + 1


@internal
def outcome_of(row, limits, logged):
    """How a flow's first contact fared by its first report: (outcome, refused, odd flags)."""
    proto = row["proto"]
    answered = row["dst_packets"] > U8(0)
    if proto == TCP:
        if row["src_port"] == 0 and row["dst_port"] == 0:
            return NOTHING, False, False
        flags = np.int64(row["first_flags"])
        src, dst = np.int64(row["src_flags"]), np.int64(row["dst_flags"])
        if logged and flags == 0:
            if src & SYN == 0:
                return NOTHING, False, False
            flags = SYN
        silent = row["dst_payload"] == U8(0) and row["src_payload"] == U8(0)
        if flags & (SYN | ACK | RST | FIN) == SYN:
            acknowledged = src & ACK != 0 and row["src_packets"] > U8(1)
            if dst & SYN != 0 or row["dst_payload"] > U8(0) or acknowledged:
                # the initiator's acknowledgement proves an answer that the capture may not hold
                if silent and answered and (src | dst) & (FIN | RST) != 0:
                    return EMPTY, False, False
                return ANSWERED, False, False
            if dst & RST != 0:
                return FAILED, True, False
            return (ANSWERED if dst != 0 else FAILED), False, False
        if (flags & SYN != 0 and flags & (FIN | RST) != 0) or flags & (SYN | ACK | RST) == 0:
            # no stack opens a connection so: FIN, NULL, Xmas and fingerprinting probes
            return (FAILED if row["dst_payload"] == U8(0) else NOTHING), dst & RST != 0, not logged
        if (
            flags & (SYN | RST) == 0
            and dst & RST != 0
            and dst & (SYN | FIN | PSH) == 0
            and silent
            and row["src_packets"] <= U8(2)
        ):
            return FAILED, True, False  # ACK scan
        return NOTHING, False, False
    if proto == UDP:
        sport, dport = row["src_port"], row["dst_port"]
        if sport == 0 and dport == 0:
            return NOTHING, False, False
        if dport >= 1024 and (sport < 1024 or limits.amplifiers[sport] != 0):
            return NOTHING, False, False  # looks like a reply whose request was not seen
        if TRACEROUTE_FIRST <= dport <= TRACEROUTE_LAST:
            return NOTHING, False, False
        if (sport == 67 and dport == 68) or (sport == 547 and dport == 546):
            return NOTHING, False, False  # a DHCP server answers broadcasts
        return (ANSWERED if answered else FAILED), False, False
    kind = row["icmp_type"]
    if (proto == ICMP and (kind == 8 or kind == 13 or kind == 15 or kind == 17)) or (
        proto == ICMPV6 and kind == 128
    ):
        return (ANSWERED if answered else FAILED), False, False
    return NOTHING, False, False


@internal
def outcome_sampled(row, outcome, refused):
    """What a contact is known to have come to where packets were sampled: silence tells nothing."""
    if outcome == ANSWERED or (refused and np.int64(row["src_flags"]) & SYN != 0):
        return outcome
    return NOTHING


@internal
def told_of(flow_id, state):
    """What a contact keeps of the flow that made it, and how it fared."""
    return (U8(flow_id) << U8(2)) | U8(state)


@internal
def contact_salt(proto, port):
    """Salt that tells contacts by protocol and port."""
    return (U8(1) << U8(40)) | (U8(proto) << U8(16)) | U8(port)


@internal
def group_salt(kind, proto, port):
    """Salt that tells the kinds of groups."""
    return (U8(1 + kind) << U8(40)) | (U8(proto) << U8(16)) | U8(port)


@internal
def find_group(tables, a, b, kind, proto, port):
    """(index or -1, h, g) of a source's group."""
    salt = group_salt(kind, proto, port)
    h, g = pair_hash(a, b, salt), pair_hash(b, a, salt + U8(1))
    return lookup(tables.group_slots, tables.groups, h, g), h, g


@internal
def new_group(tables, h, g, kind, domain, hi, lo, proto, port):
    """Claim and fill in a group."""
    i = claim(tables.group_slots, tables.groups, tables.meta, GROUPS, h, g)
    group = tables.groups[i]
    clear_group(group)
    group["kind"] = kind
    group["src_hi"] = hi
    group["src_lo"] = lo
    group["domain"] = domain
    group["proto"] = proto
    group["port"] = port
    group["last"] = FAR_PAST
    return i


@internal
def first_failure(proto, port, b, outcome, refused):
    """A source's first failing contact in 64 bits: protocol, port, its end, half of its target's hash."""
    word = (U8(1) << U8(63)) | (U8(port) << U8(32)) | (b & U8(0xFFFFFFFF))
    if proto == UDP:
        word |= U8(1) << U8(62)
    if refused:
        word |= U8(1) << U8(61)
    if outcome == EMPTY:
        word |= U8(1) << U8(60)
    return word


@internal
def forget_first(tables, h, g, proto, port, b):
    """Take back a source's first failure: it was a slow answer."""
    i = lookup(tables.contact_slots, tables.contacts, h, g)
    ends = (U8(1) << U8(61)) | (U8(1) << U8(60))
    if i >= 0 and tables.contacts[i]["told"] & ~ends == first_failure(proto, port, b, FAILED, False):
        tables.contacts[i]["told"] = 0


@internal
def strike_first(group, first, began, row, time, limits):
    """Count a source's first failing contact, late; its target, if another, is not in the range told."""
    outcome = EMPTY if first & (U8(1) << U8(60)) else FAILED
    port = np.int64((first >> U8(32)) & U8(0xFFFF))
    refused = first & (U8(1) << U8(61)) != 0
    strike(group, outcome, refused, row["dst_hi"], row["dst_lo"], port, began, time, limits, False)
    keep_sample(group, row, False)


@internal
def count_contact(tables, limits, output, row, row_index, time, a, b, src_domain, dst_domain, outcome,
                  refused, odd):  # fmt: skip
    """Count a first contact for its source, its source and port, and its source and target."""
    proto = row["proto"]
    icmp = proto == ICMP or proto == ICMPV6
    port = 0 if icmp else row["dst_port"]
    bad = outcome != ANSWERED
    zero = U8(0)
    first, began = U8(0), np.int64(0)
    s, h, g = find_group(tables, a, zero, BY_SOURCE, 0, 0)
    if s < 0:
        if not bad and not icmp:
            return
        if not icmp and not odd:
            # A first failure only makes a source known, so that a million forged ones cost 56 bytes each.
            i = lookup(tables.contact_slots, tables.contacts, h, g)
            known = i >= 0 and time - tables.contacts[i]["keep"] <= limits.window
            if i < 0:
                i = claim(tables.contact_slots, tables.contacts, tables.meta, CONTACTS, h, g)
            contact = tables.contacts[i]
            if known:
                first, began = contact["told"], min(contact["keep"], row["first"])
            contact["keep"] = time
            contact["told"] = first_failure(proto, port, b, outcome, refused)
            if not known:
                return
        s = new_group(tables, h, g, BY_SOURCE, src_domain, row["src_hi"], row["src_lo"], 0, 0)
        if first != 0:
            strike_first(tables.groups[s], first, began, row, time, limits)
    # the groups of its port and of its target are those of this contact only where both are alike
    alike = first != 0 and (first & (U8(1) << U8(62)) != 0) == (proto == UDP)
    source = tables.groups[s]
    strike(source, outcome, refused, row["dst_hi"], row["dst_lo"], port, row["first"], time, limits, False)
    if bad and source["failures"] + source["empties"] == 1:
        keep_sample(source, row, False)
    for kind in (BY_PORT, BY_TARGET):
        if kind == BY_TARGET and icmp:
            continue
        other = b if kind == BY_TARGET else zero
        i, h, g = find_group(tables, a, other, kind, proto, port if kind == BY_PORT else 0)
        if i < 0:
            if not icmp and not bad:
                continue
            i = new_group(
                tables, h, g, kind, src_domain, row["src_hi"], row["src_lo"],
                proto, port if kind == BY_PORT else 0,
            )  # fmt: skip
            if kind == BY_TARGET:
                tables.groups[i]["dst_hi"] = row["dst_hi"]
                tables.groups[i]["dst_lo"] = row["dst_lo"]
                tables.groups[i]["dst_domain"] = dst_domain
            same = first & U8(0xFFFFFFFF) == b & U8(0xFFFFFFFF)
            if kind == BY_PORT:
                same = (first >> U8(32)) & U8(0xFFFF) == U8(port)
            if alike and same:
                strike_first(tables.groups[i], first, began, row, time, limits)
                tables.groups[i]["late_flow_id"] = 0
                if kind == BY_PORT:
                    source["ports"] += 1
                else:
                    source["targets"] += 1
        group = tables.groups[i]
        before = np.int64(group["failures"]) + np.int64(group["empties"])
        contacts = np.int64(group["contacts"])
        strike(group, outcome, refused, row["dst_hi"], row["dst_lo"], port, row["first"], time, limits, icmp)
        after = np.int64(group["failures"]) + np.int64(group["empties"])
        if bad:
            if after == 1:
                before = 0
                keep_sample(group, row, False)
                group["late_flow_id"] = 0
                if kind == BY_PORT:
                    source["ports"] += 1
                else:
                    source["targets"] += 1
        changed = bad and telling(before, after)
        if icmp:
            changed = changed or telling(contacts, np.int64(group["contacts"]))
        if changed and after >= limits.gate:
            show_group(output, tables.groups, i, row_index)
        if bad:
            keep_sample(group, row, True)
    total = np.int64(source["failures"]) + np.int64(source["empties"])
    if bad and total >= limits.gate and telling(total - 1, total):
        show_group(output, tables.groups, s, row_index)
    if bad:
        keep_sample(source, row, True)


@internal
def count_odd(tables, limits, output, row, row_index, time, a, src_domain):
    """Count a flow begun with flags that no stack begins with."""
    i, h, g = find_group(tables, a, U8(0), BY_SOURCE, 0, 0)
    if i < 0:
        i = new_group(tables, h, g, BY_SOURCE, src_domain, row["src_hi"], row["src_lo"], 0, 0)
    source = tables.groups[i]
    if time - source["last"] > limits.window:
        clear_group(source)
        source["odd"] = 0
    if source["odd"] == 0 and source["contacts"] == 0:
        source["began"] = row["first"]
        keep_sample(source, row, False)
    source["last"] = time
    source["keep"] = time + GRACE
    source["odd"] += 1
    if significant(np.int64(source["odd"])) != significant(np.int64(source["odd"]) - 1):
        show_group(output, tables.groups, i, row_index)
    keep_sample(source, row, True)


@internal
def later(row):
    """Whether a report that is not a flow's first tells of its first answer, of its end without payload."""
    src, dst = np.int64(row["src_flags"]), np.int64(row["dst_flags"])
    silent = row["dst_payload"] == U8(0) and row["src_payload"] == U8(0)
    first_answer = row["dst_packets"] > U8(0) and row["dst_packets"] == U8(row["dst_packets_delta"])
    if row["proto"] == TCP and dst & SYN == 0 and row["dst_payload"] == U8(0):
        first_answer = False
    emptied = row["proto"] == TCP and silent and dst & SYN != 0 and (src | dst) & (FIN | RST) != 0
    return first_answer, emptied


@internal
def scan_row(tables, limits, output, row, row_index, time, a, b, src_domain, dst_domain, logged):
    """What a report means for its source as a scanner."""
    proto = row["proto"]
    icmp = proto == ICMP or proto == ICMPV6
    if not (icmp or proto == TCP or proto == UDP) or many(row["dst_hi"], row["dst_lo"]):
        return
    port = 0 if icmp else row["dst_port"]
    salt = contact_salt(proto, port)
    outcome, refused, odd = NOTHING, False, False
    if row["report"] == 0:
        outcome, refused, odd = outcome_of(row, limits, logged)
        if row["sampling"] > 1:
            outcome = outcome_sampled(row, outcome, refused)
        if outcome == NOTHING:
            return
        h, g = pair_hash(a, b, salt), pair_hash(b, a, salt + U8(1))
        i = lookup(tables.contact_slots, tables.contacts, h, g)
        if i >= 0 and time - tables.contacts[i]["keep"] <= limits.window:
            tables.contacts[i]["keep"] = time
            if odd:
                count_odd(tables, limits, output, row, row_index, time, a, src_domain)
            return
        if i < 0:
            i = claim(tables.contact_slots, tables.contacts, tables.meta, CONTACTS, h, g)
        contact = tables.contacts[i]
        contact["keep"] = time
        contact["told"] = told_of(row["flow_id"], outcome)
    else:
        first_answer, emptied = later(row)
        if not (first_answer or emptied):
            return
        h, g = pair_hash(a, b, salt), pair_hash(b, a, salt + U8(1))
        i = lookup(tables.contact_slots, tables.contacts, h, g)
        if i < 0:
            return
        contact = tables.contacts[i]
        if contact["told"] == told_of(row["flow_id"], FAILED) and first_answer:
            contact["told"] = told_of(row["flow_id"], ANSWERED)
            for kind in (BY_SOURCE, BY_PORT, BY_TARGET):
                if kind == BY_TARGET and icmp:
                    continue
                j, h, g = find_group(
                    tables, a, b if kind == BY_TARGET else U8(0), kind,
                    0 if kind == BY_SOURCE else proto, port if kind == BY_PORT else 0,
                )  # fmt: skip
                if j >= 0:
                    forgive(tables.groups[j], limits, icmp and kind == BY_PORT)
                elif kind == BY_SOURCE:
                    forget_first(tables, h, g, proto, port, b)
            return
        if contact["told"] != told_of(row["flow_id"], ANSWERED) or not emptied:
            return
        contact["told"] = told_of(row["flow_id"], EMPTY)
        outcome = EMPTY
    count_contact(tables, limits, output, row, row_index, time, a, b, src_domain, dst_domain, outcome,
                  refused, odd)  # fmt: skip
    if odd:
        count_odd(tables, limits, output, row, row_index, time, a, src_domain)


@internal
def keep_refusal(record, row, late):
    """Keep the flow of a refusal as evidence: of who was refused."""
    keep_sample(record, row, late)
    if late:
        record["late_dst_hi"] = row["src_hi"]
        record["late_dst_lo"] = row["src_lo"]
        record["late_src_port"] = row["dst_port"]
        record["late_dst_port"] = row["src_port"]
    else:
        record["first_dst_hi"] = row["src_hi"]
        record["first_dst_lo"] = row["src_lo"]
        record["first_src_port"] = row["dst_port"]
        record["first_dst_port"] = row["src_port"]


@internal
def refuses_unasked(row, limits):
    """Whether a report is of a refusal alone, of a port to one above it: what was asked went another way.

    A client that resets what it held idle does so from ports above the server's, or from many above 32767.
    """
    flags = np.int64(row["first_flags"])
    return (
        row["proto"] == TCP
        and row["report"] == 0
        and flags & (SYN | ACK | RST | FIN) == ACK | RST
        and row["dst_packets"] == U8(0)
        and row["src_packets"] <= U8(2)
        and flood_channel(row, limits, False)[0] == TCP_REFLECTED  # whose receivers are told of it
        and row["sampling"] <= 1
        and 0 < row["src_port"] < min(row["dst_port"], EPHEMERAL)
        and row["dst_port"] >= 1024
        and not many(row["dst_hi"], row["dst_lo"])
    )


@internal
def refusal_row(tables, limits, output, row, row_index, time, a, b, src_domain, dst_domain):
    """Count a refusal for its receiver as a scanner of its one sender.

    Only that: answers to forged questions come from many senders, and would make their victim a scanner of
    all. Kept apart from contacts that were seen, which another partition counts.
    """
    port = np.int64(row["src_port"])
    asker = b ^ BACKWARDS
    salt = contact_salt(TCP, port)
    h, g = pair_hash(asker, a, salt), pair_hash(a, asker, salt + U8(1))
    i = lookup(tables.contact_slots, tables.contacts, h, g)
    if i >= 0 and time - tables.contacts[i]["keep"] <= limits.window:
        tables.contacts[i]["keep"] = time
        return
    if i < 0:
        i = claim(tables.contact_slots, tables.contacts, tables.meta, CONTACTS, h, g)
    tables.contacts[i]["keep"] = time
    tables.contacts[i]["told"] = U8(0)
    i, h, g = find_group(tables, asker, a, BY_TARGET, TCP, 0)
    if i < 0:
        i = new_group(tables, h, g, BY_TARGET, dst_domain, row["dst_hi"], row["dst_lo"], TCP, 0)
        tables.groups[i]["dst_hi"] = row["src_hi"]
        tables.groups[i]["dst_lo"] = row["src_lo"]
        tables.groups[i]["dst_domain"] = src_domain
    group = tables.groups[i]
    before = np.int64(group["failures"])
    strike(group, FAILED, True, row["src_hi"], row["src_lo"], port, row["first"], time, limits, False)
    after = np.int64(group["failures"])
    if after == 1:
        before = 0
        keep_refusal(group, row, False)
        group["late_flow_id"] = 0
    if telling(before, after) and after >= limits.gate:
        show_group(output, tables.groups, i, row_index)
    keep_refusal(group, row, True)


# --- floods ---------------------------------------------------------------------------------------------


@internal
def clear_target(tables, i):
    """Begin a target's next episode."""
    target = tables.targets[i]
    target["packets_now"] = 0
    target["flows_now"] = 0
    target["packets_sum"] = 0
    target["flows_sum"] = 0
    target["packets_peak"] = 0
    target["flows_peak"] = 0
    target["most_packets"] = 0
    target["most_flows"] = 0
    target["packets"] = 0
    target["bytes"] = 0
    target["replies"] = 0
    target["flows"] = 0
    target["sport_votes"] = 0
    target["dport_votes"] = 0
    target["host_votes"] = 0
    for k in range(BINS):
        tables.source_bins[i, k] = 0
        tables.spread_bins[i, k] = 0
    for k in range(REGISTERS):
        tables.registers[i, k] = 0


@internal
def add_bin(bins, i, k, weight):
    """Add to a 16-bit histogram, halving all of it before it can overflow."""
    value = np.int64(bins[i, k]) + min(weight, np.int64(4096))
    if value > BIN_LIMIT:
        for j in range(BINS):
            bins[i, j] = bins[i, j] >> 1
        value >>= 1
    bins[i, k] = value


@internal
def vote(choice, votes, value, weight):
    """Boyer and Moore's majority vote with weights."""
    if votes == 0:
        return value, weight
    if choice == value:
        return choice, min(votes + weight, np.int64(1) << np.int64(40))
    if weight > votes:
        return value, weight - votes
    return choice, votes - weight


@internal
def roll(tables, i, second, limits, level):
    """Close a target's seconds up to `second`: y = max(0, y + x - a), in closed form over empty ones."""
    target = tables.targets[i]
    gap = second - target["second"]
    if gap <= 0:
        return
    a_packets = limits.flood[level, np.int64(target["channel"]), ALLOWED_PACKETS]
    a_flows = limits.flood[level, np.int64(target["channel"]), ALLOWED_FLOWS]
    gap = min(gap, np.int64(1) << np.int64(20))  # so that no product overflows
    y = max(np.int64(0), target["packets_sum"] + target["packets_now"] - a_packets)
    target["packets_sum"] = max(np.int64(0), y - (gap - 1) * a_packets)
    y = max(np.int64(0), target["flows_sum"] + target["flows_now"] - a_flows)
    target["flows_sum"] = max(np.int64(0), y - (gap - 1) * a_flows)
    target["packets_now"] = 0
    target["flows_now"] = 0
    target["second"] = second
    if target["packets_sum"] == 0 and target["flows_sum"] == 0:
        clear_target(tables, i)


@internal
def receiver_salt(level, channel):
    """Salt that tells receivers by channel, hosts from prefixes."""
    return (U8(8 + level) << U8(40)) | U8(channel)


@internal
def find_target(tables, level, channel, domain, hi, lo):
    """Where a host (level 0) or prefix (level 1) is counted on a channel: hashes, and its place or -1."""
    key, salt = hash_address(hi, lo, U8(domain)), receiver_salt(level, channel)
    h, g = pair_hash(key, U8(0), salt), pair_hash(U8(0), key, salt + U8(1))
    return h, g, lookup(tables.target_slots, tables.targets, h, g)


@internal
def receive(tables, limits, output, row, row_index, time, level, channel, domain, hi, lo, host, source,
            packets, size, replies, is_new, sport, dport):  # fmt: skip
    """Count packets that a host (level 0) or prefix (level 1) received without asking for them."""
    h, g, i = find_target(tables, level, channel, domain, hi, lo)
    second = time // SECOND
    if i < 0:
        i = claim(tables.target_slots, tables.targets, tables.meta, TARGETS, h, g)
        fresh = tables.targets[i]
        clear_target(tables, i)
        fresh["hi"] = hi
        fresh["lo"] = lo
        fresh["domain"] = domain
        fresh["channel"] = channel
        fresh["second"] = second
        if level == 1:
            fresh["prefix"] = limits.prefix_v4 if hi == U8(0) else limits.prefix_v6
    else:
        roll(tables, i, second, limits, level)
    target = tables.targets[i]
    if target["packets"] == 0:
        target["began"] = row["first"]
        keep_wide_sample(target, row, False)
    target["last"] = time
    target["packets_now"] += packets
    target["flows_now"] += is_new
    target["packets"] += packets
    target["bytes"] += size
    target["replies"] += replies
    target["flows"] += is_new
    target["most_packets"] = max(target["most_packets"], target["packets_now"])
    target["most_flows"] = max(target["most_flows"], target["flows_now"])
    choice, votes = vote(target["sport"], target["sport_votes"], sport, packets)
    target["sport"] = choice
    target["sport_votes"] = votes
    choice, votes = vote(target["dport"], target["dport_votes"], dport, packets)
    target["dport"] = choice
    target["dport_votes"] = votes
    leader, votes = vote(target["host"], target["host_votes"], host, packets)
    target["host"] = leader
    target["host_votes"] = votes
    add_bin(tables.source_bins, i, np.int64(source >> U8(60)), packets)
    spread = host if level == 1 else mix64(U8(dport) * MIX1)
    add_bin(tables.spread_bins, i, np.int64(spread >> U8(60)), packets)
    register = np.int64(source & U8(REGISTERS - 1))
    rest = source >> U8(5)
    rank = 1
    while rank < 59 and rest & U8(1) == U8(0):
        rest >>= U8(1)
        rank += 1
    if rank > tables.registers[i, register]:
        tables.registers[i, register] = rank
    allowed_packets = limits.flood[level, channel, ALLOWED_PACKETS]
    allowed_flows = limits.flood[level, channel, ALLOWED_FLOWS]
    y_packets = max(np.int64(0), target["packets_sum"] + target["packets_now"] - allowed_packets)
    y_flows = max(np.int64(0), target["flows_sum"] + target["flows_now"] - allowed_flows)
    # A few packets that each stand for thousands are chance: their sum must be one of several.
    alarm_packets = max(
        limits.flood[level, channel, ALARM_PACKETS], LEAST_SAMPLED * np.int64(row["sampling"])
    )
    before_packets, before_flows = target["packets_peak"], target["flows_peak"]
    target["packets_peak"] = max(before_packets, y_packets)
    target["flows_peak"] = max(before_flows, y_flows)
    if rises_past(before_packets, target["packets_peak"], alarm_packets) or rises_past(
        before_flows, target["flows_peak"], limits.flood[level, channel, ALARM_FLOWS]
    ):
        n = output.counts[1]
        output.targets[n] = target
        output.target_rows[n] = row_index
        for k in range(BINS):
            output.source_bins[n, k] = tables.source_bins[i, k]
            output.spread_bins[n, k] = tables.spread_bins[i, k]
        for k in range(REGISTERS):
            output.registers[n, k] = tables.registers[i, k]
        output.counts[1] = n + 1
    target["keep"] = time + (GRACE if target["packets_peak"] + target["flows_peak"] > 0 else 0)
    keep_wide_sample(target, row, True)


@internal
def relieve(tables, limits, time, level, channel, domain, hi, lo, packets):
    """Count packets that are no flood's against those that would be, never below none."""
    _, _, i = find_target(tables, level, channel, domain, hi, lo)
    if i < 0:
        return
    roll(tables, i, time // SECOND, limits, level)
    target = tables.targets[i]
    target["packets_now"] = max(target["packets_now"] - packets, -target["packets_sum"])


@internal
def flood_sampled(row, limits):
    """`flood_channel` where only some packets were looked at, and whether they count against the channel.

    That no answer was among them tells nothing. Openings and answers of TCP are held to the other segments
    that the same host receives, answers of amplifiers to the questions that it asks; of other UDP only what
    goes from no service to no service is one-way.
    """
    proto = row["proto"]
    if proto == TCP:
        flags = np.int64(row["src_flags"]) & (SYN | ACK | RST)
        if flags == SYN:
            return SYN_HALF_OPEN, 0, False
        if flags & RST != 0 or (flags == SYN | ACK and row["src_port"] < row["dst_port"]):
            return TCP_REFLECTED, 0, False
        return SYN_HALF_OPEN, 0, True  # and of answers nobody asked for
    if proto == UDP:
        if many(row["dst_hi"], row["dst_lo"]):
            return -1, 0, False
        if limits.amplifiers[row["src_port"]] != 0:
            return UDP_REFLECTED, 0, False
        if limits.amplifiers[row["dst_port"]] != 0:
            return UDP_REFLECTED, 1, True
        return UDP_ONE_WAY if row["src_port"] >= 1024 and row["dst_port"] >= 1024 else -1, 0, False
    return ICMP_ANY if proto == ICMP or proto == ICMPV6 else -1, 0, False


@internal
def flood_side(row, limits, logged):
    """(channel or -1, 1 when the initiator is the host it is about, whether it counts against that)."""
    if row["sampling"] > 1:
        return flood_sampled(row, limits)
    channel, backwards = flood_channel(row, limits, logged)
    return channel, backwards, False


@internal
def flood_relief(tables, limits, row, time, channel, backwards, src_domain, dst_domain):
    """Packets that the host of a sampled report receives, or asks with, and that are no flood's."""
    packets = np.int64(row["src_packets_delta"])
    hi, lo, domain = row["dst_hi"], row["dst_lo"], dst_domain
    if backwards:
        hi, lo, domain = row["src_hi"], row["src_lo"], src_domain
        packets *= REPLY_SHARE
    if limits.partitions > 1 and receiver_share(domain, hi, lo, limits) != limits.partition:
        return
    for level in range(2):
        if level == 1:
            hi, lo = prefix_of(hi, lo, limits)
        relieve(tables, limits, time, level, channel, domain, hi, lo, packets)
        if channel == SYN_HALF_OPEN:
            relieve(tables, limits, time, level, TCP_REFLECTED, domain, hi, lo, packets)


@internal
def flood_channel(row, limits, logged):
    """Which way a report is one-way, and how: (channel or -1, 1 when the initiator is the receiver)."""
    proto = row["proto"]
    src_packets, dst_packets = row["src_packets"], row["dst_packets"]
    if proto == TCP:
        flags = np.int64(row["first_flags"])
        src = np.int64(row["src_flags"])
        if row["src_port"] == 0 and row["dst_port"] == 0:
            return OTHER_ONE_WAY if dst_packets == U8(0) else -1, 0
        if logged and flags == 0:
            flags = SYN if src & SYN != 0 else 0
            if flags == 0:
                return -1, 0
        if flags & (SYN | ACK | RST | FIN) == SYN:
            return SYN_HALF_OPEN if src & ACK == 0 else -1, 0
        quiet = row["src_payload"] == U8(0) and src & FIN == 0
        answered = np.int64(row["dst_flags"]) & ~(RST | ACK) != 0 or row["dst_payload"] > U8(0)
        if flags & (SYN | ACK) == SYN | ACK or flags & RST != 0:
            return TCP_REFLECTED if quiet and not answered else -1, 0
        if dst_packets == U8(0) and row["report"] == 0 and src_packets <= U8(3):
            return OTHER_ONE_WAY, 0
        return -1, 0
    if proto == UDP:
        if dst_packets * U8(REPLY_SHARE) < src_packets:
            if many(row["dst_hi"], row["dst_lo"]):
                return -1, 0
            return UDP_REFLECTED if limits.amplifiers[row["src_port"]] != 0 else UDP_ONE_WAY, 0
        if src_packets * U8(REPLY_SHARE) < dst_packets:
            return UDP_REFLECTED if limits.amplifiers[row["dst_port"]] != 0 else UDP_ONE_WAY, 1
        return -1, 0
    if proto == ICMP or proto == ICMPV6:
        kind = row["icmp_type"]
        reply = kind == 0 if proto == ICMP else kind == 129
        # hosts share one flow of ICMP, whoever began it, and a capture may begin with an answer
        if (reply and dst_packets > U8(0)) or dst_packets > U8(2) * src_packets:
            return ICMP_ANY, 1
        return ICMP_ANY, 0
    if dst_packets == U8(0) and row["report"] == 0 and not many(row["dst_hi"], row["dst_lo"]):
        return OTHER_ONE_WAY, 0
    return -1, 0


@internal
def flood_row(tables, limits, output, row, row_index, time, a, b, src_domain, dst_domain, logged):
    """What a report means for the host and the prefix that receive it."""
    channel, backwards, relieves = flood_side(row, limits, logged)
    if channel < 0:
        return
    if relieves:
        flood_relief(tables, limits, row, time, channel, backwards, src_domain, dst_domain)
        return
    if backwards:
        packets, size = np.int64(row["dst_packets_delta"]), row["dst_bytes_delta"]
        replies = np.int64(row["src_packets_delta"])
        hi, lo, domain, receiver, sender = row["src_hi"], row["src_lo"], src_domain, a, b
        sport, dport = row["dst_port"], row["src_port"]
    else:
        packets, size = np.int64(row["src_packets_delta"]), row["src_bytes_delta"]
        replies = np.int64(row["dst_packets_delta"])
        hi, lo, domain, receiver, sender = row["dst_hi"], row["dst_lo"], dst_domain, b, a
        sport, dport = row["src_port"], row["dst_port"]
    if packets == 0:
        return
    if limits.partitions > 1 and receiver_share(domain, hi, lo, limits) != limits.partition:
        return
    total = np.int64(min(size, U8(1) << U8(40)))
    if logged:  # one row tells a whole flow: what counts is its share of a second
        seconds = max(np.int64(1), duration(row) // SECOND)
        packets = (packets + seconds - 1) // seconds
        replies = (replies + seconds - 1) // seconds
        total = (total + seconds - 1) // seconds
    is_new = np.int64(1) if row["report"] == 0 else np.int64(0)
    for level in range(2):
        if level == 1:
            if many(hi, lo):
                return
            hi, lo = prefix_of(hi, lo, limits)
        receive(tables, limits, output, row, row_index, time, level, channel, domain, hi, lo, receiver,
                sender, packets, total, replies, is_new, sport, dport)  # fmt: skip


# --- logins ---------------------------------------------------------------------------------------------


@internal
def service_of(row, limits):
    """The login service a TCP flow speaks by its first bytes, else by its port; 0 for none."""
    said, asked, port = row["dst_head"], row["src_head"], row["dst_port"]
    if said >> U8(32) == U8(0x5353482D) or asked >> U8(32) == U8(0x5353482D):  # "SSH-"
        return SSH
    if said >> U8(40) == U8(0x323230) and (said >> U8(32) & U8(0xFF) in (U8(0x20), U8(0x2D))):  # "220 "
        return SMTP if limits.services[port] == SMTP else FTP
    if said >> U8(40) == U8(0x2B4F4B):  # "+OK"
        return POP3
    if said >> U8(32) == U8(0x2A204F4B):  # "* OK"
        return IMAP
    if said >> U8(32) == U8(0x52464220):  # "RFB "
        return VNC
    # TPKT (RFC 1006) around an X.224 connection request
    if asked >> U8(48) == U8(0x0300) and asked >> U8(16) & U8(0xFF) == U8(0xE0):
        return RDP
    if asked >> U8(56) == U8(0) and (asked & U8(0xFFFFFFFF) in (U8(0xFF534D42), U8(0xFE534D42))):  # SMB
        return SMB
    if said >> U8(56) == U8(0xFF) and U8(0xFB) <= (said >> U8(48) & U8(0xFF)) <= U8(0xFE):  # telnet IAC
        return TELNET
    return np.int64(limits.services[port])


@internal
def attempt(login, row, time, size, lasted, limits):
    """Count one finished short connection."""
    if time - login["last"] > limits.login_window:
        login["attempts"] = 0
        login["similar"] = 0
        login["successes"] = 0
        login["reached"] = FAR_FUTURE
        login["largest"] = 0
        login["longest"] = 0
        login["votes"] = 0
        login["now"] = 0
        login["before"] = 0
        login["window"] = time
    if login["attempts"] == 0:
        login["began"] = row["first"]
        login["window"] = time
        keep_sample(login, row, False)
    windows = (time - login["window"]) // limits.login_window
    if windows > 0:
        login["before"] = login["now"] if windows == 1 else 0
        login["now"] = 0
        login["window"] += windows * limits.login_window
    login["now"] += 1
    login["attempts"] += 1
    login["last"] = time
    login["largest"] = max(login["largest"], size)
    login["longest"] = max(login["longest"], lasted)
    near = abs(size - login["typical"]) <= max(np.int64(128), login["typical"] >> np.int64(2))
    if login["votes"] == 0:
        near = near or login["attempts"] == 1
        login["typical"] = size
        login["votes"] = 1
    elif near:
        login["votes"] += 1
    else:
        login["votes"] -= 1
    if near:
        login["similar"] += 1
    if login["reached"] == FAR_FUTURE and recent_attempts(login, time, limits) >= limits.login_attempts:
        login["reached"] = time


@internal
def recent_attempts(login, time, limits):
    """Attempts within the last window, the one before weighted by the part of it still inside."""
    left = max(limits.login_window - (time - login["window"]), np.int64(0))
    return np.int64(login["now"]) + np.int64(login["before"]) * left // limits.login_window


@internal
def login_salt(port):
    """Salt that tells the login services of a pair of hosts."""
    return (U8(16) << U8(40)) | U8(port)


@internal
def login_row(tables, limits, output, row, row_index, time, a, b, src_domain, dst_domain):
    """What a report means for the login service it goes to."""
    if row["proto"] != TCP or row["dst_packets"] == U8(0) or row["sampling"] > 1:
        return  # sampled packets of a long session look like many short ones
    service = service_of(row, limits)
    if service == 0:
        return
    salt = login_salt(row["dst_port"])
    h, g = pair_hash(a, b, salt), pair_hash(b, a, salt + U8(1))
    i = lookup(tables.login_slots, tables.logins, h, g)
    if i < 0:
        i = claim(tables.login_slots, tables.logins, tables.meta, LOGINS, h, g)
        fresh = tables.logins[i]
        fresh["src_hi"] = row["src_hi"]
        fresh["src_lo"] = row["src_lo"]
        fresh["dst_hi"] = row["dst_hi"]
        fresh["dst_lo"] = row["dst_lo"]
        fresh["src_domain"] = src_domain
        fresh["dst_domain"] = dst_domain
        fresh["port"] = row["dst_port"]
        fresh["last"] = FAR_PAST
        fresh["keep"] = time
        for k in range(OPEN_LOGINS):
            tables.open_logins[i, k] = 0
        fresh["service"] = service
    login = tables.logins[i]
    if login["service"] == LOGIN_PORT or service != np.int64(limits.services[row["dst_port"]]):
        login["service"] = service
    size = np.int64(min(row["src_payload"] + row["dst_payload"], U8(1) << U8(40)))
    lasted = duration(row)
    flags = np.int64(row["src_flags"]) | np.int64(row["dst_flags"])
    closed = flags & (FIN | RST) != 0 or row["kind"] == END
    mark = np.uint16(np.int64(row["flow_id"] % U8(65535)) + 1)
    place = -1
    for k in range(OPEN_LOGINS):
        if tables.open_logins[i, k] == mark:
            place = k
    if closed:
        ended = row["report"] == 0 or place >= 0
        if place >= 0:
            tables.open_logins[i, place] = 0
        if (
            ended
            and row["dst_payload"] > U8(0)
            and size <= limits.attempt_bytes
            and lasted <= limits.attempt_ns
        ):
            attempt(login, row, time, size, lasted, limits)
            login["keep"] = time + (GRACE if login["attempts"] > 1 else 0)
            if recent_attempts(login, time, limits) >= limits.gate:
                n = output.counts[2]
                output.logins[n] = login
                output.login_rows[n] = row_index
                output.counts[2] = n + 1
            keep_sample(login, row, True)
            return
    elif place < 0:
        tables.open_logins[i, np.int64(login["turn"])] = mark
        login["turn"] = (login["turn"] + 1) % OPEN_LOGINS
    if (
        login["attempts"] > 0
        and row["first"] >= login["reached"]
        and time - login["last"] <= limits.login_window
        and login["success_flow"] != row["flow_id"]
        and (
            size >= 2 * login["largest"] + 2048 or lasted >= max(np.int64(60 * SECOND), 4 * login["longest"])
        )
    ):
        login["successes"] += 1
        login["success_flow"] = row["flow_id"]
        login["success_bytes"] = size
        login["success_ns"] = lasted
        n = output.counts[2]
        output.logins[n] = login
        output.login_rows[n] = row_index
        output.counts[2] = n + 1


# --- what will be needed --------------------------------------------------------------------------------


@internal
def foresee_slot(slots, h):
    """Ask for the slot where probing for `h` begins; which it is."""
    at = home(h, U8(slots.shape[0] - 1))
    prefetch(slots, np.int64(at) * 8)
    return at


@internal
def fetch_record(slots, records, at):
    """Ask for the record that slot `at` names; its index, -1 where there is none."""
    if at == NOWHERE:
        return np.int64(-1)
    i = np.int64(slots[np.int64(at)] & U8(0xFFFFFFFF)) - 1
    if i >= 0:
        for line in range(0, records.itemsize, 64):
            prefetch(records, i * records.itemsize + line)
    return i


@internal
def fetch_target(tables, at):
    """Ask for a receiver and what stands beside it."""
    i = fetch_record(tables.target_slots, tables.targets, at)
    if i >= 0:
        prefetch(tables.source_bins, i * 2 * BINS)
        prefetch(tables.spread_bins, i * 2 * BINS)
        prefetch(tables.registers, i * REGISTERS)


@internal
def foresee(tables, limits, row, k, a, b):
    """Ask for the slots that a report may need; which they are, into `ahead[k]`."""
    ahead = tables.ahead
    src_hi, src_lo, dst_hi, dst_lo = row["src_hi"], row["src_lo"], row["dst_hi"], row["dst_lo"]
    for column in range(AT_CONTACT, AHEAD_WORDS):
        ahead[k, column] = NOWHERE
    proto = row["proto"]
    icmp = proto == ICMP or proto == ICMPV6
    if row["report"] == 0:
        port = 0 if icmp else row["dst_port"]
        ahead[k, AT_CONTACT] = foresee_slot(tables.contact_slots, pair_hash(a, b, contact_salt(proto, port)))
        slots = tables.group_slots
        ahead[k, AT_SOURCE] = foresee_slot(slots, pair_hash(a, U8(0), group_salt(BY_SOURCE, 0, 0)))
        ahead[k, AT_PORT] = foresee_slot(slots, pair_hash(a, U8(0), group_salt(BY_PORT, proto, port)))
        ahead[k, AT_PAIR] = foresee_slot(slots, pair_hash(a, b, group_salt(BY_TARGET, proto, 0)))
    else:
        first_answer, emptied = later(row)
        if first_answer or emptied:
            h = pair_hash(a, b, contact_salt(proto, 0 if icmp else row["dst_port"]))
            ahead[k, AT_CONTACT] = foresee_slot(tables.contact_slots, h)
    channel, backwards, _ = flood_side(row, limits, row["reason"] == END_LOGGED)
    if channel >= 0:
        if backwards:
            packets, hi, lo, h = row["dst_packets_delta"], src_hi, src_lo, a
        else:
            packets, hi, lo, h = row["src_packets_delta"], dst_hi, dst_lo, b
        domain = domain_of(row["domain"], hi, lo)
        if packets > 0:
            slots = tables.target_slots
            ahead[k, AT_HOST] = foresee_slot(slots, pair_hash(h, U8(0), receiver_salt(0, channel)))
            hi, lo = prefix_of(hi, lo, limits)
            h = host_hash(domain, hi, lo)
            ahead[k, AT_PREFIX] = foresee_slot(slots, pair_hash(h, U8(0), receiver_salt(1, channel)))
    if proto == TCP and row["dst_packets"] > U8(0) and service_of(row, limits) != 0:
        ahead[k, AT_LOGIN] = foresee_slot(tables.login_slots, pair_hash(a, b, login_salt(row["dst_port"])))


# --- entry points ---------------------------------------------------------------------------------------


@bare_kernel
def hash_ends(reports, ends):
    """Hash the source and the target of each FLOW row, once for all kernels: u8[reports, 2]."""
    for n in range(reports.shape[0]):
        row = reports[n]
        src_hi, src_lo, dst_hi, dst_lo = row["src_hi"], row["src_lo"], row["dst_hi"], row["dst_lo"]
        ends[n, SOURCE_HASH] = host_hash(domain_of(row["domain"], src_hi, src_lo), src_hi, src_lo)
        ends[n, TARGET_HASH] = host_hash(domain_of(row["domain"], dst_hi, dst_lo), dst_hi, dst_lo)


@bare_kernel
def observe_flows(reports, ends, tables, limits, output):
    """Take in FLOW `reports`, in order; copies of changed records go to `output`. `ends`: of `hash_ends`.

    `output` must have room for 3 groups, 2 targets and 1 login a report. Times that go back count as the
    newest seen.
    """
    output.counts[:] = 0
    clock = tables.meta[CLOCK]
    ahead = tables.ahead
    for start in range(0, reports.shape[0], AHEAD):
        stop = min(start + AHEAD, reports.shape[0])
        # Hash sixteen rows and ask for the slots they will need, then for the records behind these: the
        # misses of sixteen rows are waited for together.
        for n in range(start, stop):
            foresee(tables, limits, reports[n], n - start, ends[n, SOURCE_HASH], ends[n, TARGET_HASH])
        for k in range(stop - start):
            fetch_record(tables.contact_slots, tables.contacts, ahead[k, AT_CONTACT])
            fetch_record(tables.group_slots, tables.groups, ahead[k, AT_SOURCE])
            fetch_record(tables.group_slots, tables.groups, ahead[k, AT_PORT])
            fetch_record(tables.group_slots, tables.groups, ahead[k, AT_PAIR])
            fetch_target(tables, ahead[k, AT_HOST])
            fetch_target(tables, ahead[k, AT_PREFIX])
            i = fetch_record(tables.login_slots, tables.logins, ahead[k, AT_LOGIN])
            if i >= 0:
                prefetch(tables.open_logins, i * 2 * OPEN_LOGINS)
        for n in range(start, stop):
            row = reports[n]
            clock = max(clock, min(row["time"], np.int64(FAR_FUTURE)))
            src_domain = domain_of(row["domain"], row["src_hi"], row["src_lo"])
            dst_domain = domain_of(row["domain"], row["dst_hi"], row["dst_lo"])
            a, b = ends[n, SOURCE_HASH], ends[n, TARGET_HASH]
            logged = row["reason"] == END_LOGGED
            mine = limits.partitions == 1 or share_of(a, limits) == limits.partition
            if mine:
                scan_row(tables, limits, output, row, n, clock, a, b, src_domain, dst_domain, logged)
            if refuses_unasked(row, limits) and (
                limits.partitions == 1
                or receiver_share(dst_domain, row["dst_hi"], row["dst_lo"], limits) == limits.partition
            ):
                refusal_row(tables, limits, output, row, n, clock, a, b, src_domain, dst_domain)
            flood_row(tables, limits, output, row, n, clock, a, b, src_domain, dst_domain, logged)
            if mine:
                login_row(tables, limits, output, row, n, clock, a, b, src_domain, dst_domain)
    tables.meta[CLOCK] = clock


@bare_kernel
def share_flows(reports, limits, sources, receivers):
    """The partition that judges each FLOW row's source, and the one that judges who receives it.

    u1[reports] each; of a row that nobody receives unasked they are the same.
    """
    for n in range(reports.shape[0]):
        row = reports[n]
        domain = domain_of(row["domain"], row["src_hi"], row["src_lo"])
        source = share_of(host_hash(domain, row["src_hi"], row["src_lo"]), limits)
        sources[n] = source
        channel, backwards, _ = flood_side(row, limits, row["reason"] == END_LOGGED)
        if channel < 0:
            receivers[n] = source
        elif backwards:
            receivers[n] = receiver_share(domain, row["src_hi"], row["src_lo"], limits)
        else:
            domain = domain_of(row["domain"], row["dst_hi"], row["dst_lo"])
            receivers[n] = receiver_share(domain, row["dst_hi"], row["dst_lo"], limits)


@bare_kernel
def share_events(events, limits, askers):
    """The partition that judges who asks, or is answered, in each EVENT row: u1[events]."""
    for n in range(events.shape[0]):
        row = events[n]
        if row["kind"] == ARP_REPLY or row["kind"] == ND_ADVERT:
            hi, lo, mac = row["dst_hi"], row["dst_lo"], row["dst_mac"]
        else:
            hi, lo, mac = row["src_hi"], row["src_lo"], row["src_mac"]
        if nobody(hi, lo):  # named by its MAC, whatever the domain
            askers[n] = share_of(hash_address(U8(0), mac, U8(1) << U8(32)), limits)
        else:
            askers[n] = share_of(host_hash(domain_of(row["domain"], hi, lo), hi, lo), limits)


@bare_kernel
def observe_events(events, tables, limits, output):
    """Take in EVENT rows, in order: who asks for whose hardware address, and who answers.

    `output` must have room for one group an event. The tables are not those of the flows.
    """
    output.counts[:] = 0
    clock = tables.meta[CLOCK]
    for n in range(events.shape[0]):
        row = events[n]
        clock = max(clock, min(row["time"], np.int64(FAR_FUTURE)))
        kind = row["kind"]
        arp = kind == ARP_REQUEST or kind == ARP_REPLY
        # the asker may have no address yet (ARP probe, duplicate address detection): then it is its MAC
        if kind == ARP_REQUEST or kind == ND_SOLICIT:
            hi, lo, mac = row["src_hi"], row["src_lo"], row["src_mac"]
            target_hi, target_lo = row["dst_hi"], row["dst_lo"]
        elif kind == ARP_REPLY or kind == ND_ADVERT:
            hi, lo, mac = row["dst_hi"], row["dst_lo"], row["dst_mac"]
            target_hi, target_lo = row["src_hi"], row["src_lo"]
        else:
            continue
        if hi == target_hi and lo == target_lo:
            continue  # announces itself
        asker = (
            hash_address(U8(0), mac, U8(1) << U8(32) | U8(row["domain"]))
            if nobody(hi, lo)
            else hash_address(hi, lo, U8(row["domain"]))
        )
        asked = hash_address(target_hi, target_lo, U8(row["domain"]))
        salt = contact_salt(1 if arp else 2, 0)
        h, g = pair_hash(asker, asked, salt), pair_hash(asked, asker, salt + U8(1))
        i = lookup(tables.contact_slots, tables.contacts, h, g)
        group_at, group_h, group_g = find_group(tables, asker, U8(0), BY_ASKER, 1 if arp else 2, 0)
        if kind == ARP_REPLY or kind == ND_ADVERT:
            if i >= 0 and tables.contacts[i]["told"] == told_of(0, FAILED):
                tables.contacts[i]["told"] = told_of(0, ANSWERED)
                if group_at >= 0:
                    forgive(tables.groups[group_at], limits, True)
            continue
        if i >= 0 and clock - tables.contacts[i]["keep"] <= limits.window:
            tables.contacts[i]["keep"] = clock
            continue
        if i < 0:
            i = claim(tables.contact_slots, tables.contacts, tables.meta, CONTACTS, h, g)
        tables.contacts[i]["keep"] = clock
        tables.contacts[i]["told"] = told_of(0, FAILED)
        if group_at < 0:
            group_at = new_group(
                tables,
                group_h,
                group_g,
                BY_ASKER,
                domain_of(row["domain"], hi, lo),
                hi,
                lo,
                1 if arp else 2,
                0,
            )
        group = tables.groups[group_at]
        group["mac"] = mac
        strike(group, FAILED, False, target_hi, target_lo, 0, row["time"], clock, limits, True)
        if group["failures"] == 1:
            group["first_frame"] = row["frame"]
            group["first_offset"] = row["offset"]
            group["first_time"] = row["time"]
            group["first_dst_hi"] = target_hi
            group["first_dst_lo"] = target_lo
            group["first_domain"] = row["domain"]
        failures = np.int64(group["failures"])
        if failures >= limits.gate and telling(failures - 1, failures):
            show_group(output, tables.groups, group_at, n)
    tables.meta[CLOCK] = clock
