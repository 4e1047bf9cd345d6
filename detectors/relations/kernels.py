"""The relation kernel: a walk over flow reports and one over address resolution keep who deals with whom.

Tables are those of the feature kernel (dense records behind open-addressed slots, the quietest of eight given
up when full); a relation counts as ten minutes younger for each doubling of its flows. Whenever a record
changes in a way that may matter, a copy as of that row is handed out, so that no detector sees where a batch
ended. Sources, services and segments are judged by the partition that their hash names.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from citywall.kernels import bare_kernel, hash_address, internal, leading_zeros64, mix64, prefetch
from detectors.features.kernels import (
    ACK,
    AHEAD,
    END,
    FAR_FUTURE,
    FIN,
    ICMP,
    ICMPV6,
    RST,
    SECOND,
    SOURCE_HASH,
    SYN,
    TARGET_HASH,
    TCP,
    U8,
    UDP,
    claim,
    domain_of,
    duration,
    fetch_record,
    foresee_slot,
    lookup,
    make_room,
    many,
    nobody,
    pair_hash,
    private,
    receiver_share,
    settle,
    share_of,
    significant,
)  # fmt: skip
from detectors.relations.records import (
    ADMIN,
    ALWAYS,
    CLAIMS,
    CLEAR,
    CROWD,
    DHCP_REQUESTS,
    DHCP_SERVERS,
    DIRECTORY,
    EXECUTABLE,
    HTTP_REQUEST,
    HTTP_RESPONSE,
    INDUSTRIAL,
    JSON_RPC,
    KNOWN,
    LOGIN,
    MAPPER,
    NAMED,
    NO_WEB,
    OVER_TCP,
    PROCEDURES,
    REGISTERS,
    ROUTERS,
    RPC,
    SAID,
    SCRIPT,
    SHARE,
    SHELL,
    SSH,
    STARTS,
    TLS,
    TRANSFER,
    TRANSFER_WITHIN,
)  # fmt: skip

ARP_REQUEST, ARP_REPLY, ND_SOLICIT, ND_ADVERT = 1, 2, 3, 4
OTHER_SENDER = 2048
MILLISECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
CUT = 120 * SECOND  # a connection that its meter cut goes on within this
BONUS = 600 * SECOND
MOST = 1 << 40
NOWHERE = U8(0xFFFFFFFFFFFFFFFF)
# columns of Tables.ahead, one row a report: where probing begins for the pair, the spread, the place and the
# service, and what is known of the report already
AT_PAIR, AT_SPREAD, AT_PLACE, AT_SERVICE, WHAT = range(5)
AHEAD_WORDS = 5
SWAPPED, ATTEMPT, FIRST_ANSWER, SPREADING = 1, 2, 4, 8
HOT_BYTES = 192  # of a pair, that any report of it touches
DOS_HEADER = U8(0x4D5A9000)
# which first bytes below 64, and which from there to 127, anything that `bits_of` knows may begin with
BEGIN_LOW = U8(1 << 0x05 | 1 << 0x23 | 1 << 0x2F)
BEGIN_HIGH = U8(sum(1 << (byte - 64) for byte in b"CGHMOPSWbilnpsuw{\x7f"))
FTP_CONTROL = 21
EPHEMERAL = 32768  # ports that clients are given by most systems

# Tables.meta: three numbers a table as in the feature kernel, then the clock, rows of `starts` in use and
# those of them that nobody has any more
PAIRS, SPREADS, SERVICES, SEGMENTS, BINDINGS, CARDS, PLACES, EDGES = 0, 3, 6, 9, 12, 15, 18, 21
CLOCK, SERIES, SPARE, META = 24, 25, 26, 27
# Output.counts
PAIR_OUT, SPREAD_OUT, SERVICE_OUT, SEGMENT_OUT, BINDING_OUT, CARD_OUT, EDGE_OUT, OUTS = 0, 1, 2, 3, 4, 5, 6, 7


class Tables(NamedTuple):
    """State: records, their slots, and what stands beside a record."""

    pairs: Any
    pair_slots: Any
    spreads: Any
    spread_slots: Any
    services: Any
    service_slots: Any
    segments: Any
    segment_slots: Any
    bindings: Any
    binding_slots: Any
    cards: Any
    card_slots: Any
    places: Any
    place_slots: Any
    edges: Any
    edge_slots: Any
    starts: Any  # u4[pairs, STARTS]: of a pair's series, milliseconds after its first flow
    sizes: Any  # u4[pairs, STARTS]: bytes sent by the first report
    spare: Any  # u4[pairs]: rows of these that may be used anew
    reached: Any  # u1[spreads, REGISTERS]: HyperLogLog of targets
    comers: Any  # u1[services, REGISTERS]: HyperLogLog of sources
    masters: Any  # u8[services, KNOWN]
    speakers: Any  # u8[segments, KNOWN]
    claimed: Any  # u8[cards, CLAIMS]
    crowds: Any  # u1[places, CROWD]: HyperLogLog of sources
    meta: Any  # i8[META]
    ahead: Any  # u8[AHEAD, AHEAD_WORDS]: scratch


class Reach(NamedTuple):
    """What the kernel must know of the detectors' parameters; times in ns."""

    window: Any  # short window of a pair
    spread_window: Any
    service_window: Any
    segment_window: Any
    card_window: Any
    edge_window: Any
    learn: Any  # how long masters, servers and routers are learnt
    learn_flows: Any
    held: Any  # connections this long are shown
    bulk: Any  # bytes a day from which a pair is shown
    beacon_flows: Any
    talk_packets: Any  # packets of DNS or ICMP in the short window from which a pair is shown
    rpc_flows: Any
    gate: Any  # distinct targets or sources from which a spread or service is shown
    burst: Any  # packets from which a segment is shown
    attempt_ns: Any
    attempt_bytes: Any
    watch: Any  # u1[65536]: classes of TCP ports
    told: Any  # u1[65536]: classes of ports whose answered pairs may be told
    resolvers: Any  # u8[networks, 4]: whom NAMED ports are told of, as Prefixes.words has them
    contacts: Any  # whether any answered pair may be told, for where it is
    prefix_v4: Any
    prefix_v6: Any
    partition: Any
    partitions: Any


class Output(NamedTuple):
    """Copies of records as of the row named beside each."""

    pairs: Any
    pair_rows: Any
    starts: Any
    sizes: Any
    spreads: Any
    spread_rows: Any
    reached: Any
    services: Any
    service_rows: Any
    comers: Any
    segments: Any
    segment_rows: Any
    bindings: Any
    binding_rows: Any
    cards: Any
    card_rows: Any
    edges: Any
    edge_rows: Any
    counts: Any  # i8[OUTS]


@internal
def keep_first(record, row):
    """Keep the flow that began an episode."""
    record["first_flow_id"] = row["flow_id"]
    record["first_frame"] = row["frame"]
    record["first_offset"] = row["offset"]
    record["first_time"] = row["first"]
    record["first_src_hi"] = row["src_hi"]
    record["first_src_lo"] = row["src_lo"]
    record["first_dst_hi"] = row["dst_hi"]
    record["first_dst_lo"] = row["dst_lo"]
    record["first_domain"] = row["domain"]
    record["first_src_port"] = row["src_port"]
    record["first_dst_port"] = row["dst_port"]
    record["first_proto"] = row["proto"]


@internal
def keep_packet(record, row):
    """The same of a packet of address resolution."""
    record["first_frame"] = row["frame"]
    record["first_offset"] = row["offset"]
    record["first_time"] = row["time"]
    record["first_src_hi"] = row["src_hi"]
    record["first_src_lo"] = row["src_lo"]
    record["first_dst_hi"] = row["dst_hi"]
    record["first_dst_lo"] = row["dst_lo"]
    record["first_domain"] = row["domain"]


@internal
def note_rank(registers, i, h):
    """Enter a hash into the i-th HyperLogLog; whether a register rose."""
    register = np.int64(h & U8(registers.shape[1] - 1))
    rest = h >> U8(8)
    rank = 1
    while rank < 56 and rest & U8(1) == U8(0):
        rest >>= U8(1)
        rank += 1
    if rank > registers[i, register]:
        registers[i, register] = rank
        return True
    return False


@internal
def in_known(known, i, count, h):
    """Whether a hash is among the `count` remembered ones."""
    for k in range(count):
        if known[i, k] == h:
            return True
    return False


@internal
def bits_of(head):
    """What a direction begins with: HTTP, TLS, SSH, a script, an executable, a shell, RPC."""
    if head == U8(0):
        return 0
    two = head >> U8(48)
    if U8(0x1403) <= two <= U8(0x1703) and two & U8(0xFF) == U8(3):
        return TLS
    first = head >> U8(56)
    known = (BEGIN_LOW if first < U8(64) else BEGIN_HIGH) >> (first & U8(63))
    if (known & U8(1) == U8(0) or first > U8(127)) and head & U8(0xFFFFFFFF) != DOS_HEADER:
        return 0
    four = head >> U8(32)
    if (
        four == U8(0x47455420)  # GET
        or four == U8(0x504F5354)  # POST
        or four == U8(0x48454144)  # HEAD
        or four == U8(0x50555420)  # PUT
        or head == U8(0x4F5054494F4E5320)  # OPTIONS
        or head == U8(0x434F4E4E45435420)  # CONNECT
    ):
        return HTTP_REQUEST
    if four == U8(0x48545450):
        return HTTP_RESPONSE
    if four == U8(0x5353482D):
        return SSH
    if two == U8(0x2321) and (head >> U8(40) & U8(0xFF) in (U8(0x2F), U8(0x20))):  # "#!/", "#! "
        return SCRIPT
    # a DOS header with its usual second word, as it is or behind a length; ELF
    if (
        four == U8(0x4D5A9000)
        or head & U8(0xFFFFFFFF) == DOS_HEADER
        or four == U8(0x7F454C46)
    ):  # fmt: skip
        return EXECUTABLE
    if (
        head >> U8(16) == U8(0x7B226964223A)  # {"id":
        or head == U8(0x7B226D6574686F64)  # {"method
        or head == U8(0x7B22706172616D73)  # {"params
        or head == U8(0x7B226A736F6E7270)  # {"jsonrp
        or head == U8(0x7B22776F726B6572)  # {"worker
        or head == U8(0x7B22726573756C74)  # {"result
    ):
        return JSON_RPC
    if (
        head == U8(0x4D6963726F736F66)  # Microsof(t Windows [Version
        or head == U8(0x57696E646F777320)  # Windows (PowerShell
        or head >> U8(8) == U8(0x2F62696E2F7368)  # /bin/sh
        or head >> U8(24) == U8(0x626173683A)  # bash:
        or head >> U8(32) == U8(0x7368203A)
        or head >> U8(40) == U8(0x7368243A)
        or head >> U8(32) == U8(0x7569643D)  # uid=
        or head >> U8(40) == U8(0x69640A)  # id
        or head >> U8(40) == U8(0x6C730A)  # ls
        or head >> U8(32) == U8(0x7077640A)  # pwd
        or head >> U8(32) == U8(0x6C73202D)  # ls -
        or head >> U8(8) == U8(0x77686F616D690A)  # whoami
        or head == U8(0x77686F616D690D0A)
        or head == U8(0x756E616D65202D61)  # uname -a
        or head == U8(0x6970636F6E666967)  # ipconfig
        or head == U8(0x6966636F6E666967)  # ifconfig
        or head == U8(0x6E65742075736572)  # net user
    ):
        return SHELL
    if head >> U8(40) == U8(0x05000B) or head >> U8(40) == U8(0x050000):
        return RPC
    return 0


@internal
def turned(row):
    """Whether the initiator of a flow seen from its middle is the service's side."""
    proto = row["proto"]
    if proto == TCP:
        begun = np.int64(row["first_flags"]) & (SYN | ACK) == SYN
        served = row["src_port"] < 1024 or row["dst_port"] >= EPHEMERAL
        return not begun and row["first_flags"] != 0 and row["src_port"] < row["dst_port"] and served
    if proto == UDP:
        return row["src_port"] < 1024 and row["dst_port"] >= 1024
    kind = row["icmp_type"]
    return kind == 0 if proto == ICMP else kind == 129


@internal
def related(row):
    """Whether a row tells something new of two hosts that may deal with each other."""
    proto = row["proto"]
    if row["report"] != 0 and row["src_packets_delta"] == 0 and row["dst_packets_delta"] == 0:
        return False
    if not (proto == TCP or proto == UDP or proto == ICMP or proto == ICMPV6):
        return False
    if proto == ICMPV6 and row["icmp_type"] >= 130 and row["icmp_type"] != 137:
        return False  # neighbour discovery and multicast listeners
    if proto == TCP and row["src_port"] == 0 and row["dst_port"] == 0:
        return False
    return not (
        many(row["dst_hi"], row["dst_lo"])
        or many(row["src_hi"], row["src_lo"])
        or nobody(row["src_hi"], row["src_lo"])
    )


@internal
def milestone(flows):
    """Whether a count is a power of two, or half as much again, as 8, 12, 16, 24, 32 and 48 are."""
    while flows > 3:
        if flows & 1 != 0:
            return False
        flows >>= 1
    return flows >= 1


@internal
def clamp(time):
    """A time of hostile input within what arithmetic bears."""
    return min(max(time, -np.int64(FAR_FUTURE)), np.int64(FAR_FUTURE))


@internal
def doublings(count):
    """How often a count, from 1 on, has doubled; 0 for none."""
    return 63 - leading_zeros64(U8(max(count, np.int64(1))))


@internal
def pair_salt(proto, port):
    """Salt that tells relations by protocol and port."""
    return (U8(32) << U8(40)) | (U8(proto) << U8(16)) | U8(port)


@internal
def show_pair(tables, reach, output, i, n):
    """Hand out a copy of a pair, with its latest flows where there are enough of them to be judged."""
    k = output.counts[PAIR_OUT]
    output.pairs[k] = tables.pairs[i]
    output.pair_rows[k] = n
    if tables.pairs[i]["flows"] >= reach.beacon_flows:
        s = np.int64(tables.pairs[i]["series"]) - 1
        if s < 0:
            output.starts[k, 0] = tables.pairs[i]["start"]
            output.sizes[k, 0] = tables.pairs[i]["size"]
        else:
            for j in range(STARTS):
                output.starts[k, j] = tables.starts[s, j]
                output.sizes[k, j] = tables.sizes[s, j]
    output.counts[PAIR_OUT] = k + 1


@internal
def claim_pair(tables, h, g):
    """A blank pair. The series of one that is given up may be used anew."""
    i = make_room(tables.pair_slots, tables.pairs, tables.meta, PAIRS)
    s = np.int64(tables.pairs[i]["series"]) - 1
    if s >= 0:
        tables.spare[tables.meta[SPARE]] = s
        tables.meta[SPARE] += 1
    settle(tables.pair_slots, tables.pairs, i, h, g)
    return i


@internal
def series_of(tables, pair):
    """Where the latest flows of a pair stand; made with its second flow, for most pairs have but one."""
    if pair["series"] == 0:
        if tables.meta[SPARE] > 0:
            tables.meta[SPARE] -= 1
            s = np.int64(tables.spare[tables.meta[SPARE]])
        else:
            s = tables.meta[SERIES]
            tables.meta[SERIES] += 1
        pair["series"] = s + 1
        tables.starts[s, 0] = pair["start"]
        tables.sizes[s, 0] = pair["size"]
    return np.int64(pair["series"]) - 1


@internal
def may_matter(pair, row, reach):
    """Whether any detector may have something to say of a pair: else it need not be shown."""
    proto, port = pair["proto"], np.int64(pair["port"])
    asks = np.int64(pair["asks"])
    either = asks | np.int64(pair["says"])
    if pair["sent_bytes"] >= reach.bulk or pair["held_last"] - pair["held_began"] >= reach.held:
        return True
    talk = proto == ICMP or proto == ICMPV6 or port == 53
    if talk and pair["now_sent"] + pair["now_back"] >= reach.talk_packets:
        return True
    if row["report"] == 0 and pair["flows"] >= reach.beacon_flows and milestone(np.int64(pair["flows"])):
        return True
    if asks & RPC != 0 and pair["now_flows"] >= reach.rpc_flows:
        return True
    if port == 502 and (pair["functions"] != 0 or pair["writes"] != 0 or pair["errors"] != 0):
        return True
    if pair["answered"] == 0:
        return False
    if reach.contacts or either & (SHELL | EXECUTABLE | SCRIPT | JSON_RPC) != 0:
        return True
    told = np.int64(reach.told[port])
    if told & ALWAYS != 0 or (told & OVER_TCP != 0 and proto == TCP):
        return True
    if told & NO_WEB != 0 and asks & HTTP_REQUEST != 0:
        return True
    return told & NAMED != 0 and among_networks(reach.resolvers, pair["dst_hi"], pair["dst_lo"])


@internal
def among_networks(networks, hi, lo):
    """Whether an address is in any of the networks (base and mask, each of two words)."""
    for n in range(networks.shape[0]):
        if hi & networks[n, 2] == networks[n, 0] and lo & networks[n, 3] == networks[n, 1]:
            return True
    return False


@internal
def crowd_at(tables, key, h, source, time):
    """Enter a source among those that come to a host; how many registers none has set."""
    g = pair_hash(U8(0), key, U8(42) << U8(40))
    i = lookup(tables.place_slots, tables.places, h, g)
    if i < 0:
        i = claim(tables.place_slots, tables.places, tables.meta, PLACES, h, g)
        for k in range(CROWD):
            tables.crowds[i, k] = 0
    place = tables.places[i]
    if note_rank(tables.crowds, i, mix64(source)):
        place["sources"] += 1
    place["keep"] = time + BONUS * doublings(np.int64(place["sources"]))
    empty = 0
    for k in range(CROWD):
        if tables.crowds[i, k] == 0:
            empty += 1
    return empty


@internal
def place_hash(b):
    """Hash of a host's record as a place that others come to."""
    return pair_hash(b, U8(0), U8(41) << U8(40))


@internal
def roll_pair(pair, time, reach):
    """Begin a pair's next windows where they are over."""
    if time - pair["window"] > reach.window:
        pair["window"] = time
        pair["now_flows"] = 0
        pair["now_sent"] = 0
        pair["now_back"] = 0
        pair["now_sent_bytes"] = 0
        pair["now_back_bytes"] = 0
    if time - pair["day"] > DAY:
        pair["day"] = time
        pair["sent_bytes"] = 0
        pair["back_bytes"] = 0


@internal
def hold(pair, row, far_port):
    """Follow the longest connection of a pair, through the cuts its meter makes: its length before, now."""
    lasted = duration(row)
    before = pair["held_last"] - pair["held_began"]
    first = clamp(row["first"])
    if pair["held_port"] == far_port and pair["flows"] > 1 and first - pair["held_last"] <= CUT:
        pair["held_last"] = max(pair["held_last"], first + lasted)
    elif lasted > before or pair["flows"] <= 1:
        pair["held_port"] = far_port
        pair["held_began"] = first
        pair["held_last"] = first + lasted
    return before, pair["held_last"] - pair["held_began"]


@internal
def pass_hours(pair, time):
    """Move the hours of a pair on, and note this one."""
    hour = time // HOUR
    gap = hour - pair["hour"]
    if gap >= 24 or gap < 0:
        pair["hours"] = 1
        pair["hour"] = hour
    else:
        pair["hours"] = ((np.int64(pair["hours"]) << gap) | 1) & 0xFFFFFF
        pair["hour"] = hour


@internal
def transfer(tables, a, b, time):
    """Whether the client of a pair has lately said something at its server's control port of FTP."""
    salt = pair_salt(TCP, FTP_CONTROL)
    i = lookup(tables.pair_slots, tables.pairs, pair_hash(a, b, salt), pair_hash(b, a, salt + U8(1)))
    return i >= 0 and time - tables.pairs[i]["last"] <= TRANSFER_WITHIN


@internal
def pair_row(tables, reach, row, time, a, b, a_domain, b_domain, swap):
    """What a report means for its relation: (index, whether that is new, whether it is to be shown)."""
    proto = row["proto"]
    icmp = proto == ICMP or proto == ICMPV6
    port = np.int64(0 if icmp else (row["src_port"] if swap else row["dst_port"]))
    far_port = np.int64(row["dst_port"] if swap else row["src_port"])
    salt = pair_salt(proto, port)
    h, g = pair_hash(a, b, salt), pair_hash(b, a, salt + U8(1))
    i = lookup(tables.pair_slots, tables.pairs, h, g)
    is_new = i < 0
    if is_new:
        i = claim_pair(tables, h, g)
        fresh = tables.pairs[i]
        fresh["src_hi"] = row["dst_hi"] if swap else row["src_hi"]
        fresh["src_lo"] = row["dst_lo"] if swap else row["src_lo"]
        fresh["dst_hi"] = row["src_hi"] if swap else row["dst_hi"]
        fresh["dst_lo"] = row["src_lo"] if swap else row["dst_lo"]
        fresh["src_domain"] = a_domain
        fresh["dst_domain"] = b_domain
        fresh["port"] = port
        fresh["proto"] = proto
        fresh["began"] = row["first"]
        fresh["window"] = time
        fresh["day"] = time
        fresh["hour"] = time // HOUR
        fresh["first_flow_id"] = row["flow_id"]
        fresh["first_frame"] = row["frame"]
        fresh["first_offset"] = row["offset"]
        fresh["first_far_port"] = far_port
        fresh["first_turned"] = swap
    pair = tables.pairs[i]
    roll_pair(pair, time, reach)
    show = False
    sent, back = np.int64(row["src_packets_delta"]), np.int64(row["dst_packets_delta"])
    sent_bytes = np.int64(min(row["src_bytes_delta"], U8(MOST)))
    back_bytes = np.int64(min(row["dst_bytes_delta"], U8(MOST)))
    asks, says = bits_of(row["src_head"]), bits_of(row["dst_head"])
    answered = row["dst_packets"] > U8(0)
    first_answer = answered and row["dst_packets"] == U8(row["dst_packets_delta"])
    if swap:
        sent, back = back, sent
        sent_bytes, back_bytes = back_bytes, sent_bytes
        asks, says = says, asks
        first_answer = row["report"] == 0
    elif proto == TCP and np.int64(row["dst_flags"]) & (RST | SYN) == RST and row["dst_payload"] == U8(0):
        first_answer = False  # refused
    if row["report"] == 0:
        since = (clamp(row["first"]) - clamp(pair["began"])) // MILLISECOND
        since = min(max(since, np.int64(0)), np.int64(0xFFFFFFFF))
        size = min(sent_bytes, np.int64(0xFFFFFFFF))
        if pair["flows"] == 0:
            pair["start"] = since
            pair["size"] = size
        else:
            s, place = series_of(tables, pair), np.int64(pair["flows"]) % STARTS
            tables.starts[s, place] = since
            tables.sizes[s, place] = size
        pair["flows"] += 1
        pair["now_flows"] += 1
        pass_hours(pair, time)
        flows = np.int64(pair["flows"])
        if flows >= reach.beacon_flows and milestone(flows):
            show = True
        burst = np.int64(pair["now_flows"])
        if (
            np.int64(pair["asks"]) & RPC != 0
            and burst >= reach.rpc_flows
            and significant(burst) != significant(burst - 1)
        ):
            show = True
    if first_answer:
        pair["answered"] += 1
        show = show or pair["answered"] == 1
    if proto == TCP and (asks | says) & (EXECUTABLE | SCRIPT | SHELL) != 0 and transfer(tables, a, b, time):
        asks |= TRANSFER
    if (asks & ~np.int64(pair["asks"])) | (says & ~np.int64(pair["says"])) != 0:
        pair["asks"] = np.int64(pair["asks"]) | asks
        pair["says"] = np.int64(pair["says"]) | says
        show = True
    talked = pair["now_sent"] + pair["now_back"]
    bulk = pair["sent_bytes"]
    pair["now_sent"] += sent
    pair["now_back"] += back
    pair["now_sent_bytes"] += sent_bytes
    pair["now_back_bytes"] += back_bytes
    pair["sent_bytes"] += sent_bytes
    pair["back_bytes"] += back_bytes
    if icmp or port == 53:
        talking = pair["now_sent"] + pair["now_back"]
        show = show or (talking >= reach.talk_packets and significant(talking) != significant(talked))
    if pair["sent_bytes"] >= reach.bulk and significant(pair["sent_bytes"]) != significant(bulk):
        show = True
    if proto == TCP and bulk < SAID <= pair["sent_bytes"] and reach.watch[port] & CLEAR != 0:
        show = True
    before, held = hold(pair, row, far_port)
    if held >= reach.held and significant(held) != significant(before):
        show = True
    if port == 502 and first_answer and not swap and row["src_payload"] > U8(0):
        show = industrial(pair, row) or show
    pair["last"] = time
    pair["keep"] = time + BONUS * doublings(np.int64(pair["flows"]))
    return i, is_new, show


@internal
def industrial(pair, row):
    """Count what the first Modbus question of a flow asks and if it was refused; whether that matters."""
    code = np.int64(row["src_head"] & U8(0xFF))
    show = False
    if code < 32:
        seen = np.int64(pair["functions"])
        pair["functions"] = seen | (np.int64(1) << code)
        show = seen != np.int64(pair["functions"])
    if code in (5, 6, 15, 16, 22, 23):
        pair["writes"] += 1
        writes = np.int64(pair["writes"])
        show = show or significant(writes) != significant(writes - 1)
    if np.int64(row["dst_head"] & U8(0xFF)) == code + 128:
        pair["errors"] += 1
        errors = np.int64(pair["errors"])
        show = show or significant(errors) != significant(errors - 1)
    return show


@internal
def attempt_of(row, reach):
    """Whether a report tells of a short connection that just ended after both had spoken."""
    flags = np.int64(row["src_flags"]) | np.int64(row["dst_flags"])
    if flags & (FIN | RST) == 0 and row["kind"] != END:
        return False
    if row["report"] != 0 and row["src_packets_delta"] == 0 and row["dst_packets_delta"] == 0:
        return False
    if row["dst_payload"] == U8(0) or row["sampling"] > 1:
        return False  # sampled packets of a long one look like many short ones
    size = min(row["src_payload"], U8(MOST)) + min(row["dst_payload"], U8(MOST))
    return size <= U8(reach.attempt_bytes) and duration(row) <= reach.attempt_ns


@internal
def spread_salt(proto, port):
    """Salt that tells what a source spreads to by protocol and port."""
    return (U8(33) << U8(40)) | (U8(proto) << U8(16)) | U8(port)


@internal
def spread_row(tables, reach, output, row, n, time, a, b, domain, watched, first_answer, attempt):
    """What an answered connection means for all that its source reaches on the port."""
    port, proto = row["dst_port"], row["proto"]
    salt = spread_salt(proto, port)
    h, g = pair_hash(a, U8(0), salt), pair_hash(U8(0), a, salt + U8(1))
    i = lookup(tables.spread_slots, tables.spreads, h, g)
    if i < 0:
        i = claim(tables.spread_slots, tables.spreads, tables.meta, SPREADS, h, g)
        fresh = tables.spreads[i]
        fresh["src_hi"] = row["src_hi"]
        fresh["src_lo"] = row["src_lo"]
        fresh["domain"] = domain
        fresh["port"] = port
        fresh["proto"] = proto
        fresh["window"] = -np.int64(FAR_FUTURE)
    spread = tables.spreads[i]
    if time - spread["window"] > reach.spread_window:
        spread["window"] = time
        spread["flows"] = 0
        spread["attempts"] = 0
        spread["changes"] = 0
        spread["base_hi"] = row["dst_hi"]
        spread["base_lo"] = row["dst_lo"]
        spread["spread_hi"] = 0
        spread["spread_lo"] = 0
        keep_first(spread, row)
        for k in range(REGISTERS):
            tables.reached[i, k] = 0
    if attempt:
        spread["attempts"] += 1
    rose = False
    if first_answer:
        spread["flows"] += 1
        spread["spread_hi"] = spread["spread_hi"] | (spread["base_hi"] ^ row["dst_hi"])
        spread["spread_lo"] = spread["spread_lo"] | (spread["base_lo"] ^ row["dst_lo"])
    if row["dst_payload"] > U8(0):  # a port that is only probed is not reached
        rose = note_rank(tables.reached, i, mix64(b))
        if rose:
            spread["changes"] += 1
    spread["last"] = time
    spread["keep"] = time + BONUS * doublings(np.int64(spread["changes"]))
    changes, attempts = np.int64(spread["changes"]), np.int64(spread["attempts"])
    if changes >= reach.gate and (
        (rose and significant(changes) != significant(changes - 1))
        or (attempt and watched & LOGIN != 0 and significant(attempts) != significant(attempts - 1))
    ):
        k = output.counts[SPREAD_OUT]
        output.spreads[k] = spread
        output.spread_rows[k] = n
        for j in range(REGISTERS):
            output.reached[k, j] = tables.reached[i, j]
        output.counts[SPREAD_OUT] = k + 1


@internal
def service_salt(proto, port):
    """Salt that tells the services of a target by protocol and port."""
    return (U8(34) << U8(40)) | (U8(proto) << U8(16)) | U8(port)


@internal
def service_row(tables, reach, output, row, n, time, a, b, domain, watched, first_answer, attempt):
    """What a connection means for a service that people log in to, or that drives machinery."""
    port, proto = row["dst_port"], row["proto"]
    salt = service_salt(proto, port)
    h, g = pair_hash(b, U8(0), salt), pair_hash(U8(0), b, salt + U8(1))
    i = lookup(tables.service_slots, tables.services, h, g)
    if i < 0:
        i = claim(tables.service_slots, tables.services, tables.meta, SERVICES, h, g)
        fresh = tables.services[i]
        fresh["hi"] = row["dst_hi"]
        fresh["lo"] = row["dst_lo"]
        fresh["domain"] = domain
        fresh["port"] = port
        fresh["proto"] = proto
        fresh["began"] = time
        fresh["window"] = -np.int64(FAR_FUTURE)
        for k in range(KNOWN):
            tables.masters[i, k] = 0
    service = tables.services[i]
    if time - service["window"] > reach.service_window:
        service["window"] = time
        service["attempts"] = 0
        service["changes"] = 0
        keep_first(service, row)
        for k in range(REGISTERS):
            tables.comers[i, k] = 0
    service["newcomer"] = 0
    rose = False
    if attempt and watched & LOGIN != 0:
        service["attempts"] += 1
        rose = note_rank(tables.comers, i, mix64(a))
        if rose:
            service["changes"] += 1
    if first_answer:
        if watched & INDUSTRIAL != 0 and not in_known(tables.masters, i, min(service["known"], KNOWN), a):
            if service["known"] < KNOWN:
                tables.masters[i, np.int64(service["known"])] = a
                service["known"] += 1
            if time - service["began"] >= reach.learn and service["flows"] >= reach.learn_flows:
                service["strangers"] += 1
                service["newcomer"] = 1
        service["flows"] += 1
    service["last"] = time
    service["keep"] = time + BONUS * doublings(np.int64(service["changes"]) + np.int64(service["flows"]))
    changes, attempts = np.int64(service["changes"]), np.int64(service["attempts"])
    guessed = changes >= reach.gate and (
        (rose and significant(changes) != significant(changes - 1))
        or (attempt and significant(attempts) != significant(attempts - 1))
    )
    if guessed or service["newcomer"] == 1:
        k = output.counts[SERVICE_OUT]
        output.services[k] = service
        output.service_rows[k] = n
        for j in range(REGISTERS):
            output.comers[k, j] = tables.comers[i, j]
        output.counts[SERVICE_OUT] = k + 1


@internal
def way_of(row):
    """By which way a source administers a target: file sharing, the mapper of calls, calls, a directory."""
    port = row["dst_port"]
    if port == 445 or port == 139:
        return SHARE
    if port == 135:
        return MAPPER
    if port == 88 or port == 389 or port == 464 or port == 3268 or port == 636:
        return DIRECTORY
    if port >= 1024 and bits_of(row["src_head"]) == RPC:
        return PROCEDURES
    return 0


@internal
def edge_row(tables, reach, output, row, n, time, a, b, src_domain, dst_domain, unheard):
    """What a report means for how its source administers its target."""
    way = way_of(row)
    if way == 0 or row["dst_packets"] == U8(0):
        return
    salt = U8(43) << U8(40)
    h, g = pair_hash(a, b, salt), pair_hash(b, a, salt + U8(1))
    i = lookup(tables.edge_slots, tables.edges, h, g)
    if i < 0:
        i = claim(tables.edge_slots, tables.edges, tables.meta, EDGES, h, g)
        fresh = tables.edges[i]
        fresh["src_hi"] = row["src_hi"]
        fresh["src_lo"] = row["src_lo"]
        fresh["dst_hi"] = row["dst_hi"]
        fresh["dst_lo"] = row["dst_lo"]
        fresh["src_domain"] = src_domain
        fresh["dst_domain"] = dst_domain
        fresh["began"] = row["first"]
        fresh["window"] = -np.int64(FAR_FUTURE)
    edge = tables.edges[i]
    if time - edge["window"] > reach.edge_window:
        edge["window"] = time
        edge["ways"] = 0
        edge["share_bytes"] = 0
        edge["rpc_bytes"] = 0
        keep_first(edge, row)
    ways, shared, called = np.int64(edge["ways"]), edge["share_bytes"], edge["rpc_bytes"]
    size = np.int64(min(row["src_bytes_delta"], U8(MOST)))
    if way == SHARE:
        edge["share_bytes"] += size
    elif way == PROCEDURES:
        edge["rpc_bytes"] += size
    edge["ways"] = ways | way
    edge["ever"] = np.int64(edge["ever"]) | way
    edge["last"] = time
    edge["keep"] = time + BONUS
    if np.int64(edge["ways"]) & PROCEDURES != 0 and (
        np.int64(edge["ways"]) != ways
        or significant(edge["share_bytes"]) != significant(shared)
        or significant(edge["rpc_bytes"]) != significant(called)
    ):
        edge["unheard"] = unheard
        k = output.counts[EDGE_OUT]
        output.edges[k] = edge
        output.edge_rows[k] = n
        output.counts[EDGE_OUT] = k + 1


@internal
def segment_kind(row):
    """What a row says to its segment: (kind or 0, whether the far end is the speaker)."""
    if row["proto"] == UDP:
        src, dst = row["src_port"], row["dst_port"]
        if (src == 68 and dst == 67) or (src == 546 and dst == 547):
            return DHCP_REQUESTS
        if (src == 67 and dst == 68) or (src == 547 and dst == 546):
            return DHCP_SERVERS
    if row["proto"] == ICMPV6 and row["icmp_type"] == 134:
        return ROUTERS
    return 0


@internal
def segment_hash(domain, kind):
    """Hash of a segment's record; its partition is that of its domain alone."""
    return hash_address(U8(kind), U8(domain), U8(35) << U8(40))


@internal
def segment_row(tables, reach, output, row, n, time, kind, speaker, packets):
    """Count what a segment is asked or told, and note a speaker it did not know."""
    domain = row["domain"]
    key = segment_hash(domain, kind)
    h, g = pair_hash(key, U8(0), U8(35) << U8(40)), pair_hash(U8(0), key, U8(36) << U8(40))
    i = lookup(tables.segment_slots, tables.segments, h, g)
    if i < 0:
        i = claim(tables.segment_slots, tables.segments, tables.meta, SEGMENTS, h, g)
        fresh = tables.segments[i]
        fresh["domain"] = domain
        fresh["kind"] = kind
        fresh["began"] = time
        fresh["window"] = -np.int64(FAR_FUTURE)
        for k in range(KNOWN):
            tables.speakers[i, k] = 0
    segment = tables.segments[i]
    if time - segment["window"] > reach.segment_window:
        if segment["packets"] < reach.burst and segment["now_strangers"] < reach.gate:
            keep_first(segment, row)
            segment["most"] = 0
        segment["window"] = time
        segment["packets"] = 0
        segment["now_strangers"] = 0
    before = segment["most"]
    segment["packets"] += packets
    segment["most"] = max(segment["most"], segment["packets"])
    segment["newcomer"] = 0
    show = segment["most"] >= reach.burst and significant(segment["most"]) != significant(before)
    if kind != DHCP_REQUESTS and not in_known(tables.speakers, i, min(segment["known"], KNOWN), speaker):
        if segment["known"] < KNOWN:
            tables.speakers[i, np.int64(segment["known"])] = speaker
            segment["known"] += 1
        segment["strangers"] += 1
        segment["now_strangers"] += 1
        if time - segment["began"] >= reach.learn and segment["flows"] >= reach.learn_flows:
            segment["newcomer"] = 1
        strangers = np.int64(segment["now_strangers"])
        show = (
            show
            or segment["newcomer"] == 1
            or (strangers >= reach.gate and significant(strangers) != significant(strangers - 1))
        )
    segment["flows"] += 1
    segment["last"] = time
    segment["keep"] = time
    if show:
        k = output.counts[SEGMENT_OUT]
        output.segments[k] = segment
        output.segment_rows[k] = n
        output.counts[SEGMENT_OUT] = k + 1


@internal
def announced(tables, reach, output, row, n, time, a, b):
    """What a row that speaks to its segment means for it."""
    kind = segment_kind(row)
    packets = np.int64(row["src_packets_delta"]) if kind == DHCP_REQUESTS else np.int64(0)
    for turn in range(2):
        if turn == 1:  # a question and its answer may be one flow
            fresh = row["dst_packets"] > U8(0) and row["dst_packets"] == U8(row["dst_packets_delta"])
            if kind != DHCP_REQUESTS or not fresh or many(row["dst_hi"], row["dst_lo"]):
                return
            kind, packets, a = DHCP_SERVERS, np.int64(0), b
        elif packets == 0 and row["report"] != 0:
            continue
        segment_row(tables, reach, output, row, n, time, kind, a, packets)


@internal
def receiver_of(row, swap, src_domain, dst_domain, reach):
    """The partition of a relation: that of its target, hosts of one prefix together."""
    if swap:
        return receiver_share(src_domain, row["src_hi"], row["src_lo"], reach)
    return receiver_share(dst_domain, row["dst_hi"], row["dst_lo"], reach)


@internal
def foresee(tables, reach, row, k, a, b):
    """Ask for the slots that a report will need; which they are, into `ahead[k]`."""
    ahead = tables.ahead
    for column in (AT_PAIR, AT_SPREAD, AT_PLACE, AT_SERVICE):
        ahead[k, column] = NOWHERE
    if not related(row):
        return
    proto = row["proto"]
    swap = turned(row)
    icmp = proto == ICMP or proto == ICMPV6
    port = np.int64(0 if icmp else (row["src_port"] if swap else row["dst_port"]))
    h = pair_hash(b if swap else a, a if swap else b, pair_salt(proto, port))
    ahead[k, AT_PAIR] = foresee_slot(tables.pair_slots, h)
    what = SWAPPED if swap else 0
    if proto == TCP and not swap:
        watched = np.int64(reach.watch[row["dst_port"]])
        attempt = watched & LOGIN != 0 and attempt_of(row, reach)
        answered = row["dst_packets"] > U8(0) and row["dst_packets"] == U8(row["dst_packets_delta"])
        if np.int64(row["dst_flags"]) & (RST | SYN) == RST:
            answered = answered and row["dst_payload"] > U8(0)
        heard = row["dst_payload"] > U8(0) and (row["report"] <= 1 or attempt)
        what |= (ATTEMPT if attempt else 0) | (FIRST_ANSWER if answered else 0)
        if (answered or heard) and (
            watched & (LOGIN | ADMIN | INDUSTRIAL) != 0 or private(row["dst_hi"], row["dst_lo"])
        ) and (reach.partitions == 1 or share_of(a, reach) == reach.partition):  # fmt: skip
            what |= SPREADING
            h = pair_hash(a, U8(0), spread_salt(proto, row["dst_port"]))
            ahead[k, AT_SPREAD] = foresee_slot(tables.spread_slots, h)
        if attempt or (answered and watched & INDUSTRIAL != 0):
            h = pair_hash(b, U8(0), service_salt(proto, row["dst_port"]))
            ahead[k, AT_SERVICE] = foresee_slot(tables.service_slots, h)
    ahead[k, WHAT] = what


@internal
def fetch(tables, k, a, b):
    """Ask for the records behind the slots of a report; of a pair that is new, for its target's slot."""
    ahead = tables.ahead
    if ahead[k, AT_PAIR] == NOWHERE:
        return
    i = np.int64(tables.pair_slots[np.int64(ahead[k, AT_PAIR])] & U8(0xFFFFFFFF)) - 1
    if i >= 0:
        for line in range(0, HOT_BYTES, 64):
            prefetch(tables.pairs, i * tables.pairs.itemsize + line)
    else:
        target = a if ahead[k, WHAT] & U8(SWAPPED) != U8(0) else b
        ahead[k, AT_PLACE] = foresee_slot(tables.place_slots, place_hash(target))
    i = fetch_record(tables.spread_slots, tables.spreads, ahead[k, AT_SPREAD])
    if i >= 0:
        prefetch(tables.reached, i * REGISTERS + np.int64(mix64(b) & U8(REGISTERS - 1)))
    i = fetch_record(tables.service_slots, tables.services, ahead[k, AT_SERVICE])
    if i >= 0:
        prefetch(tables.comers, i * REGISTERS + np.int64(mix64(a) & U8(REGISTERS - 1)))


@internal
def fetch_beside(tables, row, k):
    """Ask for what stands beside a report's records: the sources of a place, the latest flows of a pair."""
    i = fetch_record(tables.place_slots, tables.places, tables.ahead[k, AT_PLACE])
    if i >= 0:
        prefetch(tables.crowds, i * CROWD)
    at = tables.ahead[k, AT_PAIR]
    if row["report"] == 0 and at != NOWHERE:
        i = np.int64(tables.pair_slots[np.int64(at)] & U8(0xFFFFFFFF)) - 1
        if i >= 0 and tables.pairs[i]["series"] != 0:
            place = np.int64(tables.pairs[i]["series"]) - 1
            place = 4 * (place * STARTS + np.int64(tables.pairs[i]["flows"]) % STARTS)
            prefetch(tables.starts, place)
            prefetch(tables.sizes, place)


@bare_kernel
def observe_flows(reports, ends, tables, reach, output):
    """Take in FLOW `reports`, in order; copies of changed records go to `output`. `ends`: of `hash_ends`.

    `output` must have room for one pair, spread and service and two segments a report.
    """
    output.counts[:] = 0
    clock = tables.meta[CLOCK]
    ahead = tables.ahead
    alone = reach.partitions == 1
    for start in range(0, reports.shape[0], AHEAD):
        stop = min(start + AHEAD, reports.shape[0])
        for n in range(start, stop):
            foresee(tables, reach, reports[n], n - start, ends[n, SOURCE_HASH], ends[n, TARGET_HASH])
        for n in range(start, stop):
            fetch(tables, n - start, ends[n, SOURCE_HASH], ends[n, TARGET_HASH])
        for n in range(start, stop):
            fetch_beside(tables, reports[n], n - start)
        for n in range(start, stop):
            row = reports[n]
            clock = max(clock, min(row["time"], np.int64(FAR_FUTURE)))
            if segment_kind(row) != 0 and (
                alone or share_of(segment_hash(row["domain"], 0), reach) == reach.partition
            ):
                announced(tables, reach, output, row, n, clock, ends[n, SOURCE_HASH], ends[n, TARGET_HASH])
            if ahead[n - start, AT_PAIR] != NOWHERE:
                what = np.int64(ahead[n - start, WHAT])
                relate(tables, reach, output, row, n, clock, ends[n, SOURCE_HASH], ends[n, TARGET_HASH], what)
    tables.meta[CLOCK] = clock


@internal
def relate(tables, reach, output, row, n, clock, a, b, what):
    """What a report means for its source, its relation and its target, given what was foreseen of it."""
    swap, attempt, answered = what & SWAPPED != 0, what & ATTEMPT != 0, what & FIRST_ANSWER != 0
    src_domain = domain_of(row["domain"], row["src_hi"], row["src_lo"])
    dst_domain = domain_of(row["domain"], row["dst_hi"], row["dst_lo"])
    watched = np.int64(reach.watch[row["dst_port"]]) if row["proto"] == TCP and not swap else 0
    if what & SPREADING != 0:
        spread_row(tables, reach, output, row, n, clock, a, b, src_domain, watched, answered, attempt)
    if reach.partitions > 1 and receiver_of(row, swap, src_domain, dst_domain, reach) != reach.partition:
        return
    if swap:
        a, b = b, a
        src_domain, dst_domain = dst_domain, src_domain
    i, is_new, show = pair_row(tables, reach, row, clock, a, b, src_domain, dst_domain, swap)
    pair = tables.pairs[i]
    told = show and may_matter(pair, row, reach)
    administers = row["proto"] == TCP and (
        np.int64(reach.watch[pair["port"]]) & ADMIN != 0 or np.int64(pair["asks"]) & RPC != 0
    )
    if is_new or told or (show and administers):
        pair["unheard"] = crowd_at(tables, b, place_hash(b), a, clock)
    if told:
        show_pair(tables, reach, output, i, n)
    if row["proto"] == TCP and not swap:
        if watched & ADMIN != 0 or bits_of(row["src_head"]) == RPC:
            edge_row(tables, reach, output, row, n, clock, a, b, src_domain, dst_domain, pair["unheard"])
        if attempt or (answered and watched & INDUSTRIAL != 0):
            service_row(tables, reach, output, row, n, clock, a, b, dst_domain, watched, answered, attempt)


@internal
def flip(tables, reach, output, row, n, time, hi, lo, mac, arp):
    """Note that a card claims an address: the address changes hands where another had it."""
    domain = row["domain"]
    key = hash_address(hi, lo, U8(domain))
    h, g = pair_hash(key, U8(0), U8(37) << U8(40)), pair_hash(U8(0), key, U8(38) << U8(40))
    i = lookup(tables.binding_slots, tables.bindings, h, g)
    if i < 0:
        i = claim(tables.binding_slots, tables.bindings, tables.meta, BINDINGS, h, g)
        fresh = tables.bindings[i]
        fresh["hi"] = hi
        fresh["lo"] = lo
        fresh["domain"] = domain
        fresh["arp"] = arp
        fresh["asked"] = -np.int64(FAR_FUTURE)
        fresh["flipped"] = -np.int64(FAR_FUTURE)
    binding = tables.bindings[i]
    if mac != U8(0):
        if binding["mac"] != U8(0) and binding["mac"] != mac:
            if time - binding["flipped"] > reach.card_window:
                binding["flips"] = 0
                binding["began"] = row["time"]
                keep_packet(binding, row)
            binding["flips"] += 1
            binding["flipped"] = time
            binding["rival"] = binding["mac"]
            flips = np.int64(binding["flips"])
            if flips >= 2 and significant(flips) != significant(flips - 1):
                binding["mac"] = mac
                binding["last"] = time
                k = output.counts[BINDING_OUT]
                output.bindings[k] = binding
                output.binding_rows[k] = n
                output.counts[BINDING_OUT] = k + 1
        binding["mac"] = mac
    binding["last"] = time
    binding["keep"] = time
    weight = np.int64(binding["flips"])
    while weight > 0:
        binding["keep"] += BONUS
        weight >>= 1
    return i


@internal
def claims(tables, reach, output, row, n, time, hi, lo, mac, unasked):
    """Note which addresses a card claims as its own, and whether it spoke to one host without being asked."""
    domain = row["domain"]
    key = hash_address(U8(0), mac, U8(domain))
    h, g = pair_hash(key, U8(0), U8(39) << U8(40)), pair_hash(U8(0), key, U8(40) << U8(40))
    i = lookup(tables.card_slots, tables.cards, h, g)
    if i < 0:
        i = claim(tables.card_slots, tables.cards, tables.meta, CARDS, h, g)
        fresh = tables.cards[i]
        fresh["mac"] = mac
        fresh["domain"] = domain
        fresh["window"] = -np.int64(FAR_FUTURE)
    card = tables.cards[i]
    if time - card["window"] > reach.card_window:
        card["window"] = time
        card["claims"] = 0
        card["unasked"] = 0
        keep_packet(card, row)
    before = np.int64(card["claims"]), np.int64(card["unasked"])
    address = hash_address(hi, lo, U8(domain))
    if not in_known(tables.claimed, i, min(np.int64(card["claims"]), CLAIMS), address):
        if card["claims"] < CLAIMS:
            tables.claimed[i, np.int64(card["claims"])] = address
        card["claims"] += 1
    if unasked:
        card["unasked"] += 1
        card["hi"] = hi
        card["lo"] = lo
        card["told_hi"] = row["dst_hi"]
        card["told_lo"] = row["dst_lo"]
    card["arp"] = 1
    card["last"] = time
    card["keep"] = time
    other = np.int64(row["flags"]) & OTHER_SENDER != 0
    if other or (card["claims"] >= 2 and card["unasked"] >= 1 and (
        significant(np.int64(card["claims"])) != significant(before[0])
        or significant(np.int64(card["unasked"])) != significant(before[1])
    )):  # fmt: skip
        k = output.counts[CARD_OUT]
        output.cards[k] = card
        output.card_rows[k] = n
        output.counts[CARD_OUT] = k + 1


@bare_kernel
def observe_events(events, tables, reach, output):
    """Take in EVENT rows, in order: which card claims which address. A binding and a card a row go out."""
    output.counts[:] = 0
    clock = tables.meta[CLOCK]
    for n in range(events.shape[0]):
        row = events[n]
        clock = max(clock, min(row["time"], np.int64(FAR_FUTURE)))
        if reach.partitions > 1 and share_of(segment_hash(row["domain"], 0), reach) != reach.partition:
            continue
        kind = row["kind"]
        if kind < ARP_REQUEST or kind > ND_ADVERT:
            continue
        arp = kind == ARP_REQUEST or kind == ARP_REPLY
        hi, lo, mac = row["src_hi"], row["src_lo"], row["src_mac"]
        claimed = mac != U8(0) and not nobody(hi, lo) and not many(hi, lo)
        announces = hi == row["dst_hi"] and lo == row["dst_lo"]
        asks = (kind == ARP_REQUEST or kind == ND_SOLICIT) and not announces
        unasked = False
        for turn in range(2):
            if (turn == 0 and not claimed) or (turn == 1 and not asks):
                continue
            if turn == 1:
                hi, lo, mac = row["dst_hi"], row["dst_lo"], U8(0)
            i = flip(tables, reach, output, row, n, clock, hi, lo, mac, 1 if arp else 0)
            if turn == 1:
                tables.bindings[i]["asked"] = clock
            elif kind == ARP_REPLY:
                # Forgers fill in whom they tell by its address, and often all cards for its card.
                to_one = row["dst_mac"] != U8(0) and (
                    row["dst_mac"] != U8(0xFFFFFFFFFFFF)
                    or not (nobody(row["dst_hi"], row["dst_lo"]) or many(row["dst_hi"], row["dst_lo"]))
                )
                unasked = to_one and not announces and clock - tables.bindings[i]["asked"] > 5 * SECOND
        if claimed and arp:
            claims(
                tables, reach, output, row, n, clock, row["src_hi"], row["src_lo"], row["src_mac"], unasked
            )
    tables.meta[CLOCK] = clock


@bare_kernel
def share_flows(reports, reach, receivers, segments):
    """The partitions that judge each FLOW row's relation, and what it says to its segment.

    u1[reports] each. What a source spreads to is judged where the feature kernel judges the source.
    """
    for n in range(reports.shape[0]):
        row = reports[n]
        src_domain = domain_of(row["domain"], row["src_hi"], row["src_lo"])
        dst_domain = domain_of(row["domain"], row["dst_hi"], row["dst_lo"])
        receivers[n] = receiver_of(row, turned(row), src_domain, dst_domain, reach)
        segments[n] = receivers[n]
        if segment_kind(row) != 0:
            segments[n] = share_of(segment_hash(row["domain"], 0), reach)


@bare_kernel
def share_events(events, reach, segments):
    """The partition that judges what each EVENT row claims: u1[events]."""
    for n in range(events.shape[0]):
        segments[n] = share_of(segment_hash(events[n]["domain"], 0), reach)
