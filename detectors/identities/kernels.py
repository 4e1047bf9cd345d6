"""One walk over events of log-ins, tickets, calls and addresses that keeps what detectors of identities need.

Subjects are those of sightings, in a table of their own: a window of event time, counters, two sets of 256
bits, a text. Whenever one changes in a way that may matter, a copy of it as of that row is handed out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from citywall.kernels import MIX1, bare_kernel, hash_address, helper, internal, mix64
from detectors.features.kernels import FAR_FUTURE, lookup, many, nobody
from detectors.identities.records import (
    ACCOUNTS,
    ADMIN,
    AES,
    ASKED,
    BEARER,
    BOUND,
    BY_MAPPER,
    CALLS,
    CARD,
    CLIENTS,
    CONTROLLER,
    CONTROLLER_CALLS,
    COPIED,
    DUID,
    ENTRY,
    FIRST,
    FORGED,
    GIVEN,
    HOLDER,
    HOME,
    HOSTS,
    LEASER,
    LOGONS,
    MAPPED,
    MOVES,
    NAME,
    NAMED,
    NAMELESS,
    NETWORKS,
    ONLY_RC4,
    OTHERS,
    OWN,
    PLACED,
    POOL,
    PROOF,
    RC4,
    REFUSED,
    RENAMED,
    ROAST,
    SECOND,
    SERVED,
    SHARE,
    STRANGERS,
    STRONG,
    TICKETS,
    WEAK,
)
from detectors.sightings.kernels import (
    CLOCK,
    hash_of,
    hash_text,
    keep_text,
    mark,
    place,
    raised,
    share_of,
    show,
    subject,
)

U8 = np.uint64

# citywall.batches, whose values kernels must freeze
_ARP_REPLY, _ND_ADVERT, _DHCP_MESSAGE = 2, 4, 28
_NTLM_LOGON, _TICKET_ASKED, _TICKET_GIVEN, _CALLS_BOUND, _CALL_MADE, _SHARE_OPENED = 40, 41, 42, 43, 44, 45
_OTHER_SENDER = 2048
_RC4_HMAC, _AES_OFFERED = 23, 1
_REPLICATION, _BIND, _MAPPER = 1, 1, 2  # interfaces, and how they are bound
_DISCOVER, _OFFER, _REQUEST, _ACK, _NAK = 1, 2, 3, 5, 6  # DHCP
NOBODY = 255  # no partition: there are 64 at most
_TELLING_NAME = 8  # letters of a host's name that tell it from others

#: "krbtgt" as a number: a ticket for tickets.
_KRBTGT = U8(int.from_bytes(b"krbtgt", "big"))


class Bounds(NamedTuple):
    """What the kernel must know of the detectors' parameters."""

    windows: Any  # i8[KINDS], ns
    gates: Any  # i8[KINDS]: from which count on a subject is shown to detectors
    partition: Any
    partitions: Any


# --- who is meant ------------------------------------------------------------------------------------------


@internal
def card_hash(mac):
    """The hash of a card, as `digest` of a DHCP message of IPv4 has it."""
    return mix64(U8(mac) ^ MIX1)


@internal
def segment_hash(e, six):
    """The hash of a segment, by family."""
    return hash_address(U8(six), U8(e["domain"]), U8(60) << U8(40))


@internal
def name_hash(raw, k, e):
    """The hash of a host's name in a DHCP message, 0 where it has none that tells it from others."""
    low = np.int64(e["name_size"])
    high = low + np.int64(e["rest_size"])
    if high - low < _TELLING_NAME:
        return U8(0)
    for j in range(low, high):
        if 48 <= raw[k, j] <= 57:
            return hash_text(raw, k, low, high)
    return U8(0)


@internal
def six_of(e):
    """Whether a DHCP message is one of IPv6."""
    low = min(e["src_port"], e["dst_port"])
    return 1 if low == 546 or low == 547 else 0


@bare_kernel
def share_events(events, raw, partitions, firsts, seconds, thirds):
    """The partitions that each EVENT row must go to; `raw` (u1[n, TEXT]) is their text.

    Of log-ins and tickets those of client, account and server; of DHCP those of client, segment and host
    name; of address resolution that of the card. Rows of other kinds go to none.
    """
    for n in range(events.shape[0]):
        e = events[n]
        kind = np.int64(e["kind"])
        firsts[n] = seconds[n] = thirds[n] = NOBODY
        if kind >= _NTLM_LOGON and kind <= _SHARE_OPENED:
            src = share_of(hash_of(e["src_hi"], e["src_lo"], e["domain"]), partitions)
            dst = share_of(hash_of(e["dst_hi"], e["dst_lo"], e["domain"]), partitions)
            firsts[n] = dst if kind == _TICKET_GIVEN else src
            seconds[n] = src if kind == _TICKET_GIVEN else firsts[n]
            asks = kind == _NTLM_LOGON or kind == _TICKET_ASKED
            thirds[n] = share_of(e["digest"], partitions) if asks else firsts[n]
        elif kind == _DHCP_MESSAGE:
            firsts[n] = share_of(e["digest"], partitions)
            seconds[n] = share_of(segment_hash(e, 0), partitions)
            h = name_hash(raw, n, e)
            thirds[n] = share_of(h, partitions) if h != U8(0) else firsts[n]
        elif 1 <= kind <= _ND_ADVERT:
            firsts[n] = share_of(card_hash(e["src_mac"]), partitions)
            seconds[n] = thirds[n] = firsts[n]


@internal
def known(tables, kind, h, g):
    """The number of a subject, -1 where there is none."""
    return lookup(tables.slots, tables.subjects, mix64(h ^ (U8(kind) * MIX1)), mix64(g ^ U8(kind)))


@internal
def holds(seen, i, which, h):
    """Whether a hash is in one of a subject's two sets."""
    bit = np.int64(h & U8(255))
    return seen[i, which * 4 + (bit >> 6)] & (U8(1) << U8(bit & 63)) != U8(0)


@internal
def between(tables, bounds, kind, client, server, e, turned):
    """The subject of a client and a server; `turned`: the server says it."""
    i = subject(tables, bounds, kind, client, server, e)
    s = tables.subjects[i]
    if turned:
        place(s, e["dst_hi"], e["dst_lo"], e["src_hi"], e["src_lo"], e)
    else:
        place(s, e["src_hi"], e["src_lo"], e["dst_hi"], e["dst_lo"], e)
    return i


# --- log-ins and tickets -----------------------------------------------------------------------------------


@internal
def odd_entry(tables, i):
    """Whether both are so: something was administered, and somebody odd logged in."""
    n = tables.counts[i]
    return n[ADMIN] > 0 and n[NAMELESS] + n[STRANGERS] + n[RENAMED] > 0


@helper
def on_ntlm(e, raw, k, client, server, tables, bounds, output):
    """A log-in by NTLM: by a host with tickets for others, under no name, under another name than before."""
    i = subject(tables, bounds, HOLDER, client, U8(1), e)
    stranger = tables.counts[i, ACCOUNTS] > 0 and not holds(tables.seen, i, 0, e["digest"])
    station = U8(e["answers"])
    holder = tables.subjects[i]
    renamed = station != U8(0) and holder["answers"] != U8(0) and holder["answers"] != station
    if station != U8(0) and holder["answers"] == U8(0):
        holder["answers"] = station
    i = between(tables, bounds, ENTRY, client, server, e, False)
    s = tables.subjects[i]
    raised(tables, i, LOGONS, 1)
    changed = station == U8(0) and raised(tables, i, NAMELESS, 1)
    changed = (stranger and raised(tables, i, STRANGERS, 1)) or changed
    changed = (renamed and raised(tables, i, RENAMED, 1)) or changed
    if changed or tables.counts[i, LOGONS] == 1:
        name, rest = np.int64(e["name_size"]), np.int64(e["rest_size"])
        keep_text(tables, i, raw, k, 0, name + rest + np.int64(e["agent_size"]))
        s["service"], s["code"] = name, rest
    if changed and odd_entry(tables, i):
        show(tables, i, k, output)


@helper
def on_bearer(e, raw, k, client, tables, bounds, output):
    """An account that hosts log in as by NTLM."""
    i = subject(tables, bounds, BEARER, U8(e["digest"]), U8(2), e)
    s = tables.subjects[i]
    place(s, e["src_hi"], e["src_lo"], e["dst_hi"], e["dst_lo"], e)
    if s["text_size"] == 0:
        keep_text(tables, i, raw, k, 0, np.int64(e["name_size"]))
    if mark(tables.seen, i, 0, mix64(client)):
        raised(tables, i, HOSTS, 1)
        if tables.counts[i, HOSTS] >= bounds.gates[BEARER]:
            show(tables, i, k, output)


@helper
def administers(e, k, what, client, server, tables, bounds, output):
    """A share of administration is opened, or procedures that run or change something are bound."""
    i = between(tables, bounds, ENTRY, client, server, e, False)
    s = tables.subjects[i]
    before = np.int64(s["flags"])
    s["flags"] = before | what
    changed = raised(tables, i, ADMIN, 1) or before != before | what
    if changed and odd_entry(tables, i):
        show(tables, i, k, output)


@helper
def on_proof(e, raw, k, tables, bounds, output):
    """A first ticket is asked for with a cipher, by account."""
    cipher = e["type"]
    if cipher != _RC4_HMAC and cipher != 17 and cipher != 18:
        return
    i = subject(tables, bounds, PROOF, U8(e["digest"]), U8(3), e)
    s = tables.subjects[i]
    place(s, e["src_hi"], e["src_lo"], e["dst_hi"], e["dst_lo"], e)
    if s["text_size"] == 0:
        keep_text(tables, i, raw, k, 0, np.int64(e["name_size"]))
    if cipher != _RC4_HMAC:
        raised(tables, i, AES, 1)
        return
    if np.int64(e["code"]) & _AES_OFFERED == 0:
        s["flags"] = np.int64(s["flags"]) | ONLY_RC4
    if raised(tables, i, RC4, 1) and tables.counts[i, AES] >= bounds.gates[PROOF]:
        show(tables, i, k, output)


@helper
def on_ticket(e, raw, k, client, server, tables, bounds, output):
    """A client gets a ticket for a service."""
    i = subject(tables, bounds, HOLDER, client, U8(1), e)
    if mark(tables.seen, i, 0, U8(e["digest"])):
        raised(tables, i, ACCOUNTS, 1)
    i = between(tables, bounds, ENTRY, client, server, e, True)
    raised(tables, i, TICKETS, 1)
    begin = np.int64(e["name_size"])
    word = U8(0)
    for j in range(begin, begin + min(np.int64(e["rest_size"]), 6)):
        word = (word << U8(8)) | U8(raw[k, j])
    if word == _KRBTGT:
        return
    i = between(tables, bounds, ROAST, client, U8(4), e, True)
    if e["type"] != _RC4_HMAC:
        if mark(tables.seen, i, 1, U8(e["answers"])):
            raised(tables, i, STRONG, 1)
    elif mark(tables.seen, i, 0, U8(e["answers"])):
        raised(tables, i, WEAK, 1)
        keep_text(tables, i, raw, k, 0, begin + np.int64(e["rest_size"]))
        tables.subjects[i]["service"] = begin
        if tables.counts[i, WEAK] >= bounds.gates[ROAST]:
            show(tables, i, k, output)


# --- procedures --------------------------------------------------------------------------------------------


@helper
def on_call(e, k, client, server, tables, bounds, output):
    """A bind to replication, or a sealed call by its number, on one connection."""
    ports = (U8(e["src_port"]) << U8(16)) | U8(e["dst_port"])
    if e["kind"] == _CALLS_BOUND and e["code"] == _MAPPER:
        i = between(tables, bounds, MAPPED, client, server, e, False)
        raised(tables, i, ASKED, 1)
        return
    i = between(tables, bounds, CALLS, client, server ^ mix64(ports), e, False)
    s = tables.subjects[i]
    s["port"] = e["dst_port"]
    if e["kind"] == _CALLS_BOUND:
        s["flags"] = np.int64(s["flags"]) | BOUND
        return
    number = e["type"]
    if number == 12:
        raised(tables, i, NAMED, 1)
    elif number == 16:
        raised(tables, i, PLACED, 1)
    elif raised(tables, i, COPIED, 1):
        j = known(tables, MAPPED, client, server)
        if j >= 0 and tables.meta[CLOCK] - tables.subjects[j]["last"] <= bounds.windows[MAPPED]:
            s["flags"] = np.int64(s["flags"]) | BY_MAPPER
        if known(tables, CONTROLLER, client, U8(5)) >= 0:
            s["flags"] = np.int64(s["flags"]) | CONTROLLER_CALLS
        show(tables, i, k, output)


# --- addresses ---------------------------------------------------------------------------------------------


@helper
def on_pool(e, raw, k, tables, bounds, output):
    """A segment's clients ask for addresses, and are given or refused them."""
    kind = e["type"]
    i = subject(tables, bounds, POOL, segment_hash(e, six_of(e)), U8(6), e)
    s = tables.subjects[i]
    s["src_domain"] = s["dst_domain"] = e["domain"]
    if kind == _ACK:
        raised(tables, i, SERVED, 1)
    elif kind == _NAK:
        raised(tables, i, REFUSED, 1)
    elif kind == _DISCOVER or kind == _REQUEST:
        changed = False
        if kind == _DISCOVER and mark(tables.seen, i, 0, U8(e["digest"])):
            changed = raised(tables, i, CLIENTS, 1)
            keep_text(tables, i, raw, k, 0, np.int64(e["name_size"]))
        if np.int64(e["flags"]) & _OTHER_SENDER != 0 and mark(tables.seen, i, 1, U8(e["digest"])):
            changed = raised(tables, i, FORGED, 1) or changed
        if changed and max(tables.counts[i, CLIENTS], tables.counts[i, FORGED]) >= bounds.gates[POOL]:
            show(tables, i, k, output)


@internal
def merged(known, told):
    """What a server hands out, by halves: what it says now goes before what it said."""
    routers, servers = told >> U8(32), told & U8(0xFFFFFFFF)
    routers = routers if routers != U8(0) else known >> U8(32)
    servers = servers if servers != U8(0) else known & U8(0xFFFFFFFF)
    return (routers << U8(32)) | servers


@helper
def on_leaser(e, raw, k, tables, bounds, output):
    """A server hands out addresses, and with them who leads elsewhere."""
    if (e["type"] != _OFFER and e["type"] != _ACK) or e["answers"] == U8(0):
        return
    i = subject(tables, bounds, LEASER, segment_hash(e, six_of(e)), U8(e["number"]), e)
    s = tables.subjects[i]
    hi, lo = U8(e["src_hi"]), U8(e["src_lo"])
    told, kept = U8(e["answers"]), U8(s["answers"])
    if kept == U8(0) or (s["old_hi"] == hi and s["old_lo"] == lo):
        s["answers"] = merged(kept, told)
        s["old_hi"], s["old_lo"] = hi, lo
        s["src_domain"] = s["dst_domain"] = e["domain"]
        raised(tables, i, OWN, 1)
    elif merged(kept, told) == merged(told, kept):  # nothing that both speak of differs
        raised(tables, i, OWN, 1)
    else:
        s["new_hi"], s["new_lo"] = hi, lo
        s["port"] = e["src_port"]
        keep_text(tables, i, raw, k, 0, np.int64(e["name_size"]))
        if raised(tables, i, OTHERS, 1) and tables.counts[i, OWN] >= bounds.gates[LEASER]:
            show(tables, i, k, output)


@internal
def unrouted(hi, lo):
    """Whether an address is of the link alone, which says nothing of a network."""
    if hi == U8(0) and lo >> U8(32) == U8(0xFFFF):
        return lo >> U8(16) & U8(0xFFFF) == U8(0xA9FE)
    return hi >> U8(54) == U8(0x3FA)


@internal
def shared_card(mac):
    """Whether a hardware address is no card's own: a group's, made up, or one that routers share."""
    if (U8(mac) >> U8(40)) & U8(3) != U8(0):
        return True
    high = U8(mac) >> U8(8)
    return (
        high == U8(0x00005E0001)
        or high == U8(0x00005E0002)
        or high == U8(0x00000C07AC)
        or U8(mac) >> U8(12) == U8(0x00000C9FF)
        or U8(mac) >> U8(16) == U8(0x0007B400)
    )


@helper
def at_home(e, raw, k, by, h, hi, lo, network, low, high, tables, bounds, output):
    """A machine, known by what `by` says, has an address in a network."""
    if nobody(hi, lo) or many(hi, lo) or unrouted(hi, lo):
        return
    i = subject(tables, bounds, HOME, h, U8(by), e)
    s = tables.subjects[i]
    here = U8(network) + U8(1)
    if s["answers"] == U8(0):
        s["answers"] = here
        s["service"] = by
        s["flags"] = 0
        keep_text(tables, i, raw, k, low, high)
    changed = mark(tables.seen, i, 0, mix64(here))
    if changed:
        raised(tables, i, NETWORKS, 1)
    if s["answers"] == here:
        raised(tables, i, FIRST, 1)
        s["old_hi"], s["old_lo"] = hi, lo
        s["src_domain"] = e["domain"]
        moved = s["flags"] == 1
        s["flags"] = 0
    else:
        if s["volume"] == 0:
            s["volume"] = np.int64(here)
        if U8(s["volume"]) != here:
            return
        changed = raised(tables, i, SECOND, 1) or changed
        s["new_hi"], s["new_lo"] = hi, lo
        s["dst_domain"] = e["domain"]
        moved = s["flags"] == 0
        s["flags"] = 1
    if moved:
        changed = raised(tables, i, MOVES, 1) or changed
    if changed and tables.counts[i, SECOND] >= bounds.gates[HOME]:
        show(tables, i, k, output)


@helper
def resolved(e, raw, k, network, tables, bounds, output):
    """A card claims an address, and tells it whom."""
    mac = U8(e["src_mac"])
    if mac == U8(0) or shared_card(mac):
        return
    h = card_hash(mac)
    at_home(e, raw, k, CARD, h, e["src_hi"], e["src_lo"], network, 0, 0, tables, bounds, output)
    if e["kind"] == _ARP_REPLY:
        i = known(tables, HOME, h, U8(CARD))
        if i >= 0:
            mark(tables.seen, i, 1, mix64(hash_of(e["dst_hi"], e["dst_lo"], e["domain"])))


@helper
def on_lease(e, raw, k, network, tables, bounds, output):
    """A DHCP message, for those of its subjects that are judged here."""
    parts, own = bounds.partitions, bounds.partition
    if share_of(segment_hash(e, 0), parts) == own:
        on_pool(e, raw, k, tables, bounds, output)
        on_leaser(e, raw, k, tables, bounds, output)
    if e["type"] != _REQUEST and e["type"] != _ACK:
        return
    hi, lo = e["answer_hi"], e["answer_lo"]
    size = np.int64(e["name_size"])
    mac = U8(e["src_mac"]) | U8(e["dst_mac"])
    if share_of(e["digest"], parts) == own and (six_of(e) == 1 or not shared_card(mac)):
        by = DUID if six_of(e) == 1 else CARD
        at_home(e, raw, k, by, e["digest"], hi, lo, network, 0, size, tables, bounds, output)
    h = name_hash(raw, k, e)
    if h != U8(0) and share_of(h, parts) == own:
        high = size + np.int64(e["rest_size"])
        at_home(e, raw, k, NAME, h, hi, lo, network, size, high, tables, bounds, output)


# --- the walk ----------------------------------------------------------------------------------------------


@bare_kernel
def observe(events, raw, networks, tables, bounds, output):
    """Take in EVENT rows, in order; `raw` (u1[n, TEXT]) is their text, `networks` (u8[n]) where they belong.

    `output` must have room for five copies an event.
    """
    output.n[0] = 0
    parts, own = bounds.partitions, bounds.partition
    for k in range(events.shape[0]):
        e = events[k]
        tables.meta[CLOCK] = max(tables.meta[CLOCK], min(np.int64(e["time"]), np.int64(FAR_FUTURE)))
        kind = np.int64(e["kind"])
        if kind == _DHCP_MESSAGE:
            on_lease(e, raw, k, networks[k], tables, bounds, output)
            continue
        if kind <= _ND_ADVERT:
            if share_of(card_hash(e["src_mac"]), parts) == own:
                resolved(e, raw, k, networks[k], tables, bounds, output)
            continue
        src = hash_of(e["src_hi"], e["src_lo"], e["domain"])
        dst = hash_of(e["dst_hi"], e["dst_lo"], e["domain"])
        client, server = (dst, src) if kind == _TICKET_GIVEN else (src, dst)
        mine = share_of(client, parts) == own
        if kind == _TICKET_GIVEN and share_of(server, parts) == own:
            i = subject(tables, bounds, CONTROLLER, server, U8(5), e)
            raised(tables, i, GIVEN, 1)
        if (kind == _NTLM_LOGON or kind == _TICKET_ASKED) and share_of(e["digest"], parts) == own:
            if kind == _NTLM_LOGON:
                on_bearer(e, raw, k, client, tables, bounds, output)
            else:
                on_proof(e, raw, k, tables, bounds, output)
        if not mine:
            continue
        if kind == _NTLM_LOGON:
            on_ntlm(e, raw, k, client, server, tables, bounds, output)
        elif kind == _TICKET_GIVEN:
            on_ticket(e, raw, k, client, server, tables, bounds, output)
        elif kind == _SHARE_OPENED:
            administers(e, k, SHARE, client, server, tables, bounds, output)
        elif kind == _CALL_MADE or (kind == _CALLS_BOUND and e["type"] == _REPLICATION):
            on_call(e, k, client, server, tables, bounds, output)
        elif kind == _CALLS_BOUND and e["type"] > 1:
            administers(
                e, k, np.int64(1) << (np.int64(e["type"]) - 1), client, server, tables, bounds, output
            )
