"""One walk over what applications say that keeps, by whom it is about, what detectors need to know.

One table of SUBJECT records, of every kind together, behind the slots of `detectors.features.kernels`; beside
a record stand its counters, two sets of 256 bits (distinct things, told by linear counting) and a text.
Counts are those of a window of event time that begins with a subject's first event, and anew with the first
behind its end.

Whenever a subject changes in a way that may matter, a copy of it as of that row is handed out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from citywall.kernels import MIX1, bare_kernel, helper, internal, mix64
from detectors.features.kernels import (
    FAR_FUTURE,
    claim,
    domain_of,
    host_hash,
    lookup,
    pair_hash,
    significant,
)
from detectors.sightings.records import (
    ACCOUNT,
    ANSWERED,
    ASKED,
    ASKED_FOR,
    AT_HOME,
    AT_NIGHT,
    CARRIERS,
    CERTIFIED,
    CLEAR_LOGIN,
    DENIED,
    DRIFTED,
    ELSEWHERE,
    EXPORTS,
    EXPOSED,
    FAILING,
    FAILURES,
    FAULTY,
    FORMS,
    IDENTITIES,
    INJECTIONS,
    LATE_SUCCESSES,
    LEADING,
    LEASING,
    LOGON,
    MISSING,
    NAMES,
    ODD,
    OLD_TLS,
    OTHER_KEYS,
    PERSONAL,
    QUESTIONS,
    RACE,
    REPLIES,
    REQUESTS,
    SEEN,
    SITE,
    SUCCESSES,
    TELEPHONES,
    TEXT,
    TIMES,
    UNMISTAKABLES,
    WEAK_CIPHER,
    ZONE,
)

U8 = np.uint64
_SECOND = 1_000_000_000
_HOUR = 3600 * _SECOND

# citywall.batches, whose values kernels must freeze
_DNS_QUERY, _DNS_ANSWER, _TLS_SERVER, _HTTP_REQUEST, _HTTP_RESPONSE = 16, 17, 19, 20, 21
_LOGIN_NAME, _LOGIN_RESULT, _PERSONAL_DATA, _ACCOUNT_LOGIN, _DATA_ACCESS = 23, 24, 25, 26, 27
_DHCP_MESSAGE, _PORTAL_DRIFT, _TLS_CERTIFICATE = 28, 60, 61
_DISCOVER, _REQUEST = 1, 3  # types of it
_CLEAR, _FORM, _SIGNS = 2, 4, 0x7F8
_UNMISTAKABLE = 1024
_NO_SUCH_NAME = 3
_TXT, _NULL, _CNAME, _MX, _PRIVATE = 16, 10, 5, 15, 65399
_OLDEST_SOUND = 0x0303  # TLS 1.2
_SHORT_LIVED = 600 * _SECOND
_A, _AAAA = 1, 28

CLOCK, META = 3, 4  # in meta, behind what the one table needs

#: Second levels under which names are registered in two-letter domains, as words of up to 8 bytes.
_SECONDS = np.array(
    [int.from_bytes(w.encode(), "big") for w in
     ("com", "net", "org", "gov", "edu", "ac", "co", "or", "ne", "go", "mil", "nom", "ltd")], np.uint64
)  # fmt: skip
#: Top levels that are nobody's to register: reverse look-ups and names of one's own network.
_OWN = np.array(
    [int.from_bytes(w.encode(), "big") for w in
     ("arpa", "local", "lan", "home", "internal"[:8], "corp", "intranet", "domain", "test")], np.uint64
)  # fmt: skip


_ENCODED = np.uint64(int.from_bytes(b"xn--", "big"))


class Tables(NamedTuple):
    """State: records, their slots, and what stands beside a record."""

    subjects: Any
    slots: Any
    counts: Any  # u4[subjects, COUNTERS]
    seen: Any  # u8[subjects, WORDS]
    text: Any  # u1[subjects, TEXT]
    meta: Any  # i8[META]


class Limits(NamedTuple):
    """What the kernel must know of the detectors' parameters."""

    windows: Any  # i8[KINDS], ns
    gates: Any  # i8[KINDS]: from which count on a subject is shown to detectors
    failures: Any  # failed log-ins after which one that works is suspicious
    learned: Any  # answers at home after which one elsewhere is told
    night: Any  # i8[2]: hours between which nobody works, of local time
    zone_ns: Any  # what local time is ahead of UTC
    partition: Any
    partitions: Any


class Output(NamedTuple):
    """Copies of records as of the row named beside each."""

    subjects: Any
    rows: Any
    counts: Any
    seen: Any
    text: Any
    n: Any  # i8[1]


# --- who is meant ------------------------------------------------------------------------------------------


@internal
def from_server(kind):
    """Whether the server says it, so that the client is who it is said to."""
    return (
        kind == _DNS_ANSWER
        or kind == _TLS_SERVER
        or kind == _HTTP_RESPONSE
        or kind == _LOGIN_RESULT
        or kind == _TLS_CERTIFICATE
    )


@internal
def of_portal(kind, code):
    """Whether the server of what is said may be a portal that is watched."""
    return kind == _TLS_CERTIFICATE or (kind == _HTTP_RESPONSE and (300 <= code < 400 or code >= 500))


@internal
def of_account(kind):
    """Whether it is about an account, from a log."""
    return kind == _ACCOUNT_LOGIN or kind == _DATA_ACCESS


@internal
def hash_of(hi, lo, domain):
    """The hash of a host."""
    return host_hash(domain_of(domain, hi, lo), hi, lo)


@internal
def share_of(h, partitions):
    """The partition of a hash."""
    return np.int64(((mix64(h) & U8(0xFFFFFFFF)) * U8(partitions)) >> U8(32))


@bare_kernel
def share_events(events, partitions, clients, others):
    """The partitions that each EVENT row must go to: of its client, and of its server or account."""
    for n in range(events.shape[0]):
        e = events[n]
        kind = np.int64(e["kind"])
        src = hash_of(e["src_hi"], e["src_lo"], e["domain"])
        dst = hash_of(e["dst_hi"], e["dst_lo"], e["domain"])
        clients[n] = share_of(dst if from_server(kind) else src, partitions)
        if of_account(kind) or kind == _DHCP_MESSAGE or kind == _PORTAL_DRIFT:
            clients[n] = others[n] = share_of(e["digest"], partitions)
        elif kind == _DNS_ANSWER or of_portal(kind, e["code"]):
            others[n] = share_of(src, partitions)
        else:
            others[n] = clients[n]


# --- names -------------------------------------------------------------------------------------------------


@internal
def word(raw, k, low, high):
    """Up to eight bytes of text as a number."""
    w = U8(0)
    for j in range(low, min(high, low + 8)):
        w = (w << U8(8)) | U8(raw[k, j])
    return w


@internal
def among(words, w):
    """Whether a word is in a short list."""
    for i in range(words.shape[0]):
        if words[i] == w:
            return True
    return False


@internal
def dot_before(raw, k, low, high):
    """Where the last dot is, `low - 1` where there is none."""
    i = high - 1
    while i >= low and raw[k, i] != 46:
        i -= 1
    return i


@internal
def registered(raw, k, size):
    """Where the registered domain of a name begins; -1 where nobody registered it.

    `size` where its last part is no domain at all: it has a digit, as data without a domain has.
    """
    last = dot_before(raw, k, 0, size)
    if last > 0 and word(raw, k, last + 1, last + 5) != _ENCODED:
        for j in range(last + 1, size):
            if 48 <= raw[k, j] <= 57:
                return np.int64(size)
    if last <= 0 or among(_OWN, word(raw, k, last + 1, size)):
        return np.int64(-1)
    before = dot_before(raw, k, 0, last)
    if before > 0 and size - last == 3 and among(_SECONDS, word(raw, k, before + 1, last)):
        before = dot_before(raw, k, 0, before)
    return np.int64(before + 1)


@internal
def hash_text(raw, k, low, high):
    """A digest of text."""
    h = MIX1
    for j in range(low, high):
        h = (h ^ U8(raw[k, j])) * U8(0x100000001B3)
    return mix64(h)


# --- subjects ----------------------------------------------------------------------------------------------


@internal
def mark(seen, i, which, h):
    """Enter a hash into one of a subject's two sets; whether it was new."""
    bit = np.int64(h & U8(255))
    at = which * 4 + (bit >> 6)
    flag = U8(1) << U8(bit & 63)
    new = seen[i, at] & flag == U8(0)
    seen[i, at] |= flag
    return new


@internal
def wipe(tables, i):
    """Forget what stands beside a record."""
    for j in range(tables.counts.shape[1]):
        tables.counts[i, j] = 0
    for j in range(tables.seen.shape[1]):
        tables.seen[i, j] = U8(0)


@internal
def place(s, client_hi, client_lo, server_hi, server_lo, e):
    """Who a subject is about."""
    s["src_hi"], s["src_lo"] = client_hi, client_lo
    s["dst_hi"], s["dst_lo"] = server_hi, server_lo
    s["src_domain"] = domain_of(e["domain"], client_hi, client_lo)
    s["dst_domain"] = domain_of(e["domain"], server_hi, server_lo)


@internal
def sample(s, e):
    """Keep the packet that began a window."""
    s["first_frame"] = e["frame"]
    s["first_offset"] = e["offset"]
    s["first_time"] = e["time"]
    s["first_src_hi"], s["first_src_lo"] = e["src_hi"], e["src_lo"]
    s["first_dst_hi"], s["first_dst_lo"] = e["dst_hi"], e["dst_lo"]
    s["first_domain"] = e["domain"]
    s["first_src_port"], s["first_dst_port"] = e["src_port"], e["dst_port"]
    s["first_proto"] = e["proto"]


@helper
def subject(tables, limits, kind, h, g, e):
    """The record of a subject, its window open now: at the newest time of any event so far."""
    h = mix64(h ^ (U8(kind) * MIX1))
    g = mix64(g ^ U8(kind))
    i = lookup(tables.slots, tables.subjects, h, g)
    now = tables.meta[CLOCK]
    if i < 0:
        i = claim(tables.slots, tables.subjects, tables.meta, 0, h, g)
        wipe(tables, i)
        s = tables.subjects[i]
        s["kind"] = kind
        s["began"] = now
        s["text_size"] = 0
        sample(s, e)
    s = tables.subjects[i]
    if kind != ANSWERED and kind != CERTIFIED and now - s["began"] > limits.windows[kind]:
        wipe(tables, i)
        s["began"] = now
        s["volume"] = 0
        s["flags"] = 0
        s["answers"] = U8(0)
        sample(s, e)
    s["last"] = now
    s["keep"] = now - _SHORT_LIVED if kind == RACE else now  # there are many of these
    return i


@helper
def keep_text(tables, i, raw, k, low, high):
    """Keep a text beside a record; the last one stays."""
    n = min(high - low, TEXT)
    for j in range(n):
        tables.text[i, j] = raw[k, low + j]
    tables.subjects[i]["text_size"] = max(n, 0)


@helper
def show(tables, i, row, output):
    """Hand out a copy of a record."""
    n = output.n[0]
    output.subjects[n] = tables.subjects[i]
    output.rows[n] = row
    for j in range(tables.counts.shape[1]):
        output.counts[n, j] = tables.counts[i, j]
    for j in range(tables.seen.shape[1]):
        output.seen[n, j] = tables.seen[i, j]
    for j in range(TEXT):
        output.text[n, j] = tables.text[i, j]
    output.n[0] = n + 1


@internal
def raised(tables, i, counter, by):
    """Count; whether the number's leading bits changed."""
    before = np.int64(tables.counts[i, counter])
    after = min(before + by, np.int64(0xFFFFFFFF))
    tables.counts[i, counter] = after
    return significant(before) != significant(after)


# --- what is said ------------------------------------------------------------------------------------------


@internal
def question(e, server, port):
    """What tells one question from another of the same client."""
    return pair_hash(server, e["digest"], U8(e["aux"]) << U8(16) | U8(port)) ^ U8(e["type"])


@helper
def on_question(e, raw, k, client, server, tables, limits, output):
    """A question: names below one registered domain."""
    kind = e["type"]
    if kind == _A or kind == _AAAA:
        i = subject(tables, limits, RACE, client, question(e, server, e["src_port"]), e)
        raised(tables, i, ASKED, 1)
    size = np.int64(e["name_size"])
    begins = registered(raw, k, size)
    if begins <= 1:
        return
    i = subject(tables, limits, ZONE, client, hash_text(raw, k, begins, size), e)
    s = tables.subjects[i]
    if s["text_size"] == 0:
        place(s, e["src_hi"], e["src_lo"], e["dst_hi"], e["dst_lo"], e)
        if begins == size:
            tables.text[i, 0] = 46
            s["text_size"] = 1
        else:
            keep_text(tables, i, raw, k, begins, size)
    if mark(tables.seen, i, 0, e["digest"]):
        s["volume"] += min(begins, size) - (0 if begins == size else 1)
    if kind == _TXT or kind == _NULL or kind == _CNAME or kind == _MX or kind == _PRIVATE:
        raised(tables, i, CARRIERS, 1)
    if raised(tables, i, QUESTIONS, 1) and tables.counts[i, QUESTIONS] >= limits.gates[ZONE]:
        show(tables, i, k, output)


@helper
def on_failure(e, raw, k, odd, client, tables, limits, output):
    """A name that is not there."""
    size = np.int64(e["name_size"])
    begins = registered(raw, k, size)
    if begins < 0 or begins == size:
        return
    i = subject(tables, limits, FAILING, client, U8(1), e)
    s = tables.subjects[i]
    if s["text_size"] == 0:
        place(s, e["dst_hi"], e["dst_lo"], e["src_hi"], e["src_lo"], e)
    h = hash_text(raw, k, begins, size)
    changed = False
    if mark(tables.seen, i, 0, h):
        changed = raised(tables, i, NAMES, 1)
    if odd:
        keep_text(tables, i, raw, k, begins, size)
        if mark(tables.seen, i, 1, h):
            changed = raised(tables, i, ODD, 1) or changed
    elif s["text_size"] == 0:
        keep_text(tables, i, raw, k, begins, size)
    if changed and tables.counts[i, NAMES] >= limits.gates[FAILING]:
        show(tables, i, k, output)


@helper
def on_addresses(e, raw, k, home, client, server, mine, theirs, tables, limits, output):
    """Addresses for a name: two answers to one question, or a name of ours that leads elsewhere."""
    size = np.int64(e["name_size"])
    if mine:
        i = subject(tables, limits, RACE, client, question(e, server, e["dst_port"]), e)
        s = tables.subjects[i]
        raised(tables, i, REPLIES, 1)
        if s["answers"] == U8(0):
            s["answers"] = e["answers"]
            s["old_hi"], s["old_lo"] = e["answer_hi"], e["answer_lo"]
        elif s["answers"] != e["answers"] and 0 < tables.counts[i, ASKED] < tables.counts[i, REPLIES]:
            place(s, e["dst_hi"], e["dst_lo"], e["src_hi"], e["src_lo"], e)
            s["new_hi"], s["new_lo"] = e["answer_hi"], e["answer_lo"]
            keep_text(tables, i, raw, k, 0, size)
            show(tables, i, k, output)
    if theirs:
        i = subject(tables, limits, ANSWERED, server, e["digest"], e)
        s = tables.subjects[i]
        if home:
            raised(tables, i, AT_HOME, 1)
            s["old_hi"], s["old_lo"] = e["answer_hi"], e["answer_lo"]
            tables.counts[i, ELSEWHERE] = 0
        elif tables.counts[i, AT_HOME] >= limits.learned:
            if tables.counts[i, ELSEWHERE] == 0:
                s["began"] = tables.meta[CLOCK]
                sample(s, e)
            place(s, e["dst_hi"], e["dst_lo"], e["src_hi"], e["src_lo"], e)
            s["new_hi"], s["new_lo"] = e["answer_hi"], e["answer_lo"]
            keep_text(tables, i, raw, k, 0, size)
            if raised(tables, i, ELSEWHERE, 1):
                show(tables, i, k, output)


@helper
def on_request(e, raw, k, client, server, tables, limits, output):
    """A web request, by its signs."""
    i = subject(tables, limits, SITE, client, server ^ U8(e["dst_port"]), e)
    s = tables.subjects[i]
    flags = np.int64(e["flags"])
    if s["text_size"] == 0 and tables.counts[i, REQUESTS] == 0:
        place(s, e["src_hi"], e["src_lo"], e["dst_hi"], e["dst_lo"], e)
        s["port"] = e["dst_port"]
    raised(tables, i, REQUESTS, 1)
    mark(tables.seen, i, 0, e["digest"])
    changed = False
    if flags & _SIGNS != 0:
        s["flags"] |= flags
        for bit in range(7):
            if flags & (8 << bit) != 0:
                changed = raised(tables, i, INJECTIONS + bit, 1) or changed
        if flags & _UNMISTAKABLE != 0:
            changed = raised(tables, i, UNMISTAKABLES, 1) or changed
        host = np.int64(e["name_size"])
        keep_text(tables, i, raw, k, host, host + np.int64(e["rest_size"]))
    if flags & _FORM != 0:
        if e["number"] != 0:
            mark(tables.seen, i, 1, mix64(U8(e["number"])))
        if raised(tables, i, FORMS, 1) and tables.counts[i, FORMS] >= limits.gates[SITE]:
            changed = True
    if changed:
        show(tables, i, k, output)


@helper
def on_response(e, k, client, server, tables, limits, output):
    """A web server's answer, by its status."""
    code = e["code"]
    if code != 404 and code != 401 and code != 403:
        return
    i = subject(tables, limits, SITE, client, server ^ U8(e["src_port"]), e)
    s = tables.subjects[i]
    if s["text_size"] == 0 and tables.counts[i, REQUESTS] == 0:
        place(s, e["dst_hi"], e["dst_lo"], e["src_hi"], e["src_lo"], e)
        s["port"] = e["src_port"]
    counter = MISSING if code == 404 else DENIED
    if raised(tables, i, counter, 1) and tables.counts[i, counter] >= limits.gates[SITE]:
        show(tables, i, k, output)


@helper
def on_outcome(e, k, client, server, tables, limits, output):
    """How a log-in went."""
    i = subject(tables, limits, LOGON, client, server ^ U8(e["type"]), e)
    s = tables.subjects[i]
    if tables.counts[i, FAILURES] == 0 and tables.counts[i, SUCCESSES] == 0:
        place(s, e["dst_hi"], e["dst_lo"], e["src_hi"], e["src_lo"], e)
        s["port"], s["service"] = e["src_port"], e["type"]
    if e["code"] == 0:
        if raised(tables, i, FAILURES, 1) and tables.counts[i, FAILURES] >= limits.gates[LOGON]:
            show(tables, i, k, output)
        return
    raised(tables, i, SUCCESSES, 1)
    if tables.counts[i, FAILURES] >= limits.failures:
        raised(tables, i, LATE_SUCCESSES, 1)
        show(tables, i, k, output)


@helper
def on_exposure(e, raw, k, what, client, server, by_server, tables, limits, output):
    """Something that ought to be protected and is not."""
    i = subject(tables, limits, EXPOSED, client, pair_hash(server, U8(what), U8(e["type"])), e)
    s = tables.subjects[i]
    if tables.counts[i, TIMES] == 0:
        if by_server:
            place(s, e["dst_hi"], e["dst_lo"], e["src_hi"], e["src_lo"], e)
            s["port"] = e["src_port"]
        else:
            place(s, e["src_hi"], e["src_lo"], e["dst_hi"], e["dst_lo"], e)
            s["port"] = e["dst_port"]
        s["service"] = what
        s["code"] = e["type"] if what != OLD_TLS else e["code"]
        keep_text(tables, i, raw, k, 0, np.int64(e["name_size"]))
    if raised(tables, i, TIMES, 1):
        show(tables, i, k, output)


@helper
def on_personal(e, raw, k, client, server, tables, limits, output):
    """Numbers of people in clear text."""
    i = subject(tables, limits, PERSONAL, client, server, e)
    s = tables.subjects[i]
    if tables.counts[i, IDENTITIES] == 0 and tables.counts[i, TELEPHONES] == 0:
        place(s, e["src_hi"], e["src_lo"], e["dst_hi"], e["dst_lo"], e)
        s["port"] = e["src_port"]
    changed = raised(tables, i, IDENTITIES, np.int64(e["count"]))
    changed = raised(tables, i, TELEPHONES, np.int64(e["number"])) or changed
    if e["count"] > 0:
        mark(tables.seen, i, 0, e["digest"])
        keep_text(tables, i, raw, k, 0, np.int64(e["name_size"]))
    if changed:
        show(tables, i, k, output)


@helper
def on_account(e, raw, k, client, tables, limits, output):
    """A log tells of an account: log-ins by outcome, source and hour, and what it took out."""
    name = np.int64(e["name_size"])
    h = hash_text(raw, k, name, name + np.int64(e["rest_size"]))
    i = subject(tables, limits, ACCOUNT, e["digest"], h, e)
    s = tables.subjects[i]
    if s["text_size"] == 0:
        keep_text(tables, i, raw, k, 0, name + np.int64(e["rest_size"]))
        s["service"] = min(name, np.int64(TEXT))
    place(s, e["src_hi"], e["src_lo"], e["dst_hi"], e["dst_lo"], e)
    if e["kind"] == _DATA_ACCESS:
        s["volume"] += np.int64(e["number"])
        if raised(tables, i, EXPORTS, np.int64(e["number"])):
            show(tables, i, k, output)
        return
    if e["code"] == 0:
        if raised(tables, i, FAILURES, 1) and tables.counts[i, FAILURES] >= limits.gates[ACCOUNT]:
            show(tables, i, k, output)
        return
    changed = mark(tables.seen, i, 0, mix64(client))
    raised(tables, i, SUCCESSES, 1)
    if tables.counts[i, FAILURES] >= limits.failures:
        changed = raised(tables, i, LATE_SUCCESSES, 1) or changed
    hour = ((np.int64(e["time"]) + limits.zone_ns) // _HOUR) % 24
    if limits.night[0] <= hour < limits.night[1]:
        changed = raised(tables, i, AT_NIGHT, 1) or changed
    if changed:
        show(tables, i, k, output)


@helper
def on_lease(e, raw, k, tables, limits, output):
    """A DHCP client asks for an address: how many different ones."""
    kind = np.int64(e["type"])
    if (kind != _DISCOVER and kind != _REQUEST) or (e["answer_hi"] | e["answer_lo"]) == U8(0):
        return
    i = subject(tables, limits, LEASING, U8(e["digest"]), U8(e["domain"]), e)
    s = tables.subjects[i]
    place(s, e["src_hi"], e["src_lo"], e["dst_hi"], e["dst_lo"], e)
    if s["text_size"] == 0:
        keep_text(tables, i, raw, k, 0, np.int64(e["name_size"]))
    s["new_hi"], s["new_lo"] = e["answer_hi"], e["answer_lo"]
    if mark(tables.seen, i, 0, mix64(e["answer_lo"] ^ mix64(e["answer_hi"]))):
        raised(tables, i, ASKED_FOR, 1)
        if tables.counts[i, ASKED_FOR] >= limits.gates[LEASING]:
            show(tables, i, k, output)


@helper
def on_drift(e, k, tables, limits, output):
    """What a probe of a portal found: said once a record, and shown."""
    i = subject(tables, limits, DRIFTED, U8(e["digest"]), U8(e["answer_lo"]), e)
    place(tables.subjects[i], e["src_hi"], e["src_lo"], e["dst_hi"], e["dst_lo"], e)
    raised(tables, i, SEEN, 1)
    show(tables, i, k, output)


@helper
def on_certificate(e, raw, k, server, tables, limits, output):
    """A certificate of a portal: shown the first time, and with each key that is new."""
    i = subject(tables, limits, CERTIFIED, server, U8(e["src_port"]), e)
    s = tables.subjects[i]
    first = tables.counts[i, SEEN] == 0
    raised(tables, i, SEEN, 1)
    if not mark(tables.seen, i, 0, mix64(U8(e["digest"]))):
        return
    place(s, e["dst_hi"], e["dst_lo"], e["src_hi"], e["src_lo"], e)
    if first:
        s["answers"] = e["answers"]
        s["old_hi"], s["old_lo"] = e["answer_hi"], e["digest"]
        s["port"] = e["src_port"]
        keep_text(
            tables, i, raw, k, np.int64(e["name_size"]), np.int64(e["name_size"]) + np.int64(e["rest_size"])
        )
    else:
        raised(tables, i, OTHER_KEYS, 1)
    show(tables, i, k, output)


@helper
def on_front(e, raw, k, server, tables, limits, output):
    """An answer of a portal that leads elsewhere, or an error of its server."""
    redirect = e["code"] < 400
    if redirect and e["name_size"] == 0:
        return
    kind = LEADING if redirect else FAULTY
    i = subject(tables, limits, kind, server ^ U8(e["src_port"]), U8(e["digest"]) if redirect else U8(0), e)
    s = tables.subjects[i]
    place(s, e["dst_hi"], e["dst_lo"], e["src_hi"], e["src_lo"], e)
    s["port"] = e["src_port"]
    s["code"] = e["code"]
    if redirect:
        keep_text(tables, i, raw, k, 0, np.int64(e["name_size"]))
    if raised(tables, i, SEEN, 1) and tables.counts[i, SEEN] >= limits.gates[kind]:
        show(tables, i, k, output)


@internal
def weak(cipher):
    """Ciphers that protect nothing or next to it: none, for export, RC4, DES, anonymous."""
    return (
        (
            cipher <= 0x001B
            and cipher != 0x000A  # 3DES
            and cipher != 0x0016
            and cipher != 0x0013
            and cipher != 0x0010
            and cipher != 0x000D
        )
        or cipher == 0xC007
        or cipher == 0xC011
        or cipher == 0xC002
        or cipher == 0xC00C
        or cipher == 0x003B
    )


@bare_kernel
def observe(events, raw, odd, home, tables, limits, output):
    """Take in EVENT rows of applications, in order; `raw` (u1[n, TEXT]) is their text.

    `odd` (u1[n]): names that look made; `home` (u1[n]): first answers that are ours, servers that are
    portals. `output` must have room for two copies an event.
    """
    output.n[0] = 0
    for k in range(events.shape[0]):
        e = events[k]
        tables.meta[CLOCK] = max(tables.meta[CLOCK], min(np.int64(e["time"]), np.int64(FAR_FUTURE)))
        kind = np.int64(e["kind"])
        src = hash_of(e["src_hi"], e["src_lo"], e["domain"])
        dst = hash_of(e["dst_hi"], e["dst_lo"], e["domain"])
        told = from_server(kind)
        client, server = (dst, src) if told else (src, dst)
        if of_account(kind):
            if share_of(e["digest"], limits.partitions) == limits.partition:
                on_account(e, raw, k, client, tables, limits, output)
            continue
        if kind == _DHCP_MESSAGE:
            if share_of(e["digest"], limits.partitions) == limits.partition:
                on_lease(e, raw, k, tables, limits, output)
            continue
        if kind == _PORTAL_DRIFT:
            if share_of(e["digest"], limits.partitions) == limits.partition:
                on_drift(e, k, tables, limits, output)
            continue
        if home[k] != 0 and of_portal(kind, e["code"]):
            if share_of(server, limits.partitions) == limits.partition:
                if kind == _TLS_CERTIFICATE:
                    on_certificate(e, raw, k, server, tables, limits, output)
                else:
                    on_front(e, raw, k, server, tables, limits, output)
        mine = share_of(client, limits.partitions) == limits.partition
        if kind == _DNS_ANSWER:
            theirs = share_of(server, limits.partitions) == limits.partition
            if e["code"] == _NO_SUCH_NAME:
                if mine:
                    on_failure(e, raw, k, odd[k] != 0, client, tables, limits, output)
            elif e["answers"] != U8(0):
                on_addresses(e, raw, k, home[k] != 0, client, server, mine, theirs, tables, limits, output)
            continue
        if not mine:
            continue
        if kind == _DNS_QUERY:
            on_question(e, raw, k, client, server, tables, limits, output)
        elif kind == _HTTP_REQUEST:
            on_request(e, raw, k, client, server, tables, limits, output)
        elif kind == _HTTP_RESPONSE:
            on_response(e, k, client, server, tables, limits, output)
        elif kind == _LOGIN_RESULT:
            on_outcome(e, k, client, server, tables, limits, output)
        elif kind == _LOGIN_NAME:
            if np.int64(e["flags"]) & _CLEAR != 0:
                on_exposure(e, raw, k, CLEAR_LOGIN, client, server, False, tables, limits, output)
        elif kind == _PERSONAL_DATA:
            on_personal(e, raw, k, client, server, tables, limits, output)
        elif kind == _TLS_SERVER:
            if weak(np.int64(e["type"])):
                on_exposure(e, raw, k, WEAK_CIPHER, client, server, True, tables, limits, output)
            elif e["code"] < _OLDEST_SOUND:
                on_exposure(e, raw, k, OLD_TLS, client, server, True, tables, limits, output)
