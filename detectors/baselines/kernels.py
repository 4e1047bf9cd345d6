"""The kernel of what is usual: one walk over flow reports that remembers hours, days and weeks.

Tables are those of the feature kernel (dense records behind open-addressed slots, the quietest of eight given
up when full). Whenever a record changes in a way that may matter, a copy as of that row is handed out.

What happens because *nothing* came (a backup that did not run, a segment that fell silent) is found by a
sweep every ten minutes of event time. Its clock is advanced only by a sample of flows, chosen by their ids,
that every partition is given: so all partitions sweep at the same rows as one that sees everything.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from citywall.kernels import bare_kernel, hash_address, internal, mix64, prefetch
from detectors.baselines.records import (
    CLIENT,
    FINE,
    HEAVY,
    LOSSY,
    MADE,
    MISSED,
    RANKS,
    RUNS,
    SERVER,
    SHRUNKEN,
    SILENT,
    STRAY,
    WEEK,
    WEEKS,
)
from detectors.features.kernels import (
    ACK,
    AHEAD,
    END,
    END_LOGGED,
    FAR_FUTURE,
    FIN,
    HAND,
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
    USED,
    claim,
    domain_of,
    home,
    host_hash,
    lookup,
    many,
    nobody,
    pair_hash,
    prefix_of,
    quietest,
    receiver_share,
    share_of,
    significant,
)  # fmt: skip
from detectors.relations.kernels import keep_first
from detectors.sketches.kernels import (
    decayed,
    deviation_of,
    median_of,
    note_bit,
    note_rank,
    save_space,
)

HOUR = 3600 * SECOND
DAY = 24 * HOUR
TICK = 600 * SECOND  # of the sweep
GRACE = 600 * SECOND  # a record counts as so much younger for each doubling of what it counts
SAMPLE = 32  # one flow in so many advances the clock of the sweeps
BULK = 16 * 1024  # bytes of a report from which it counts for its hosts' hours
HEAP = 1 << 20  # the same for jobs
MOST = 1 << 40
UNIT = 4096  # bytes of the smallest volume that is told from nothing
STEPS = 8  # steps of an octave that volumes are kept in
DAY_USUAL = 4  # shift of the decayed mean of a service's rate: sixteen minutes
SLOW_USUAL = 8  # the same while an alarm lasts
SAME_HOUR = 3  # how much more the same hour of the week says than the same hour of another day
NOWHERE = U8(0xFFFFFFFFFFFFFFFF)
NOTHING, FAILED, ANSWERED = 0, 1, 2

# Tables.meta: three numbers a table as in the feature kernel, then clocks and what was not taken in
PROBERS, AIMS, SERVICES, HOSTS, JOBS, SEGMENTS = 0, 3, 6, 9, 12, 15
CLOCK, SWEPT, SAMPLED, REFUSED, META = 18, 19, 20, 21, 22
# Output.counts
PROBER_OUT, AIM_OUT, SERVICE_OUT, HOST_OUT, JOB_OUT, SEGMENT_OUT, OUTS = 0, 1, 2, 3, 4, 5, 6
# columns of Tables.ahead
A_NEEDED, A_PROBER, A_SERVICE, A_CLIENT, A_SERVER, AHEAD_WORDS = 0, 1, 2, 3, 4, 5


class Tables(NamedTuple):
    """State: records, their slots, and what stands beside a record."""

    probers: Any
    prober_slots: Any
    aims: Any
    aim_slots: Any
    services: Any
    service_slots: Any
    hosts: Any
    host_slots: Any
    jobs: Any
    job_slots: Any
    segments: Any
    segment_slots: Any
    failing: Any  # u1[probers, RANKS]: HyperLogLog of targets that did not answer
    answering: Any  # u1[probers, RANKS]: of those that did
    ports: Any  # u1[probers, RANKS]: of ports that did not
    nets: Any  # u1[probers, RANKS]: of prefixes that did not
    marks: Any  # u8[aims, MARKS]: ports of a host, hosts of a prefix
    comers: Any  # u8[aims, COMERS]: sources
    aimers: Any  # u8[aims, HEAVY]: Space-Saving of sources
    aimed: Any  # i8[aims, HEAVY]
    askers: Any  # u1[services, RANKS]: HyperLogLog of sources
    loud: Any  # u8[services, HEAVY]: Space-Saving of sources
    loudness: Any  # i8[services, HEAVY]
    cells: Any  # u1[hosts, 2, WEEK, WEEKS]: volume of an hour sent and received, in eighths of an octave
    started: Any  # i8[jobs, RUNS]
    moved: Any  # i8[jobs, RUNS]
    meta: Any  # i8[META]
    ahead: Any  # u8[AHEAD, AHEAD_WORDS]: scratch
    scratch: Any  # i8[SAME_HOUR * WEEKS + 7 * WEEKS]: what a median is taken of


class Norms(NamedTuple):
    """What the kernel must know of the detectors' parameters; times in ns, volumes in bytes."""

    scan_window: Any
    scan_gate: Any  # failures from which a prober is shown
    aim_window: Any
    aim_gate: Any  # contacts from which an aim is shown
    request_allowed: Any  # connections a second
    request_alarm: Any
    stray_allowed: Any
    stray_alarm: Any
    request_factor: Any  # how many times its usual rate a service may get, in thousandths
    volume_floor: Any
    volume_spread: Any  # how many deviations above the median, in thousandths
    volume_octaves: Any  # and at least so many octaves, in eighths
    volume_days: Any  # days that must be known
    zone_ns: Any  # offset of the house's clock from UTC
    job_bytes: Any
    job_gap: Any  # silence that ends a run
    job_runs: Any
    job_grace: Any
    job_share: Any  # of the usual bytes, in thousandths, below which a run shrank
    silence_least: Any
    silence_factor: Any  # in thousandths
    silence_learn: Any
    silence_rows: Any
    loss_flows: Any
    loss_share: Any  # in thousandths
    home: Any  # u8[n, 4]: base and mask of our networks
    prefix_v4: Any
    prefix_v6: Any
    partition: Any
    partitions: Any


class Output(NamedTuple):
    """Copies of records as of the row named beside each."""

    probers: Any
    prober_rows: Any
    failing: Any
    answering: Any
    ports: Any
    nets: Any
    aims: Any
    aim_rows: Any
    marks: Any
    comers: Any
    aimers: Any
    aimed: Any
    services: Any
    service_rows: Any
    askers: Any
    loud: Any
    loudness: Any
    hosts: Any
    host_rows: Any
    jobs: Any
    job_rows: Any
    segments: Any
    segment_rows: Any
    counts: Any  # i8[OUTS]


@internal
def clamp(time):
    """A time of hostile input within what arithmetic bears."""
    return min(max(time, -np.int64(FAR_FUTURE)), np.int64(FAR_FUTURE))


@internal
def grown(keep, count):
    """When a record counts as last heard: ten minutes later for each doubling of what it counts."""
    while count > 1:
        keep += GRACE
        count >>= 1
    return keep


# --- failing contacts over hours --------------------------------------------------------------------------


@internal
def fate(row):
    """How the contact of a flow that ended fared."""
    proto = row["proto"]
    failed = FAILED if row["sampling"] <= 1 else NOTHING  # an answer may not have been looked at
    if many(row["dst_hi"], row["dst_lo"]) or nobody(row["src_hi"], row["src_lo"]):
        return NOTHING
    if proto == TCP:
        if row["src_port"] == 0 and row["dst_port"] == 0:
            return NOTHING
        src, dst = np.int64(row["src_flags"]), np.int64(row["dst_flags"])
        flags = np.int64(row["first_flags"])
        if row["reason"] == END_LOGGED and flags == 0:
            flags = src & SYN
        if flags & (SYN | ACK | RST | FIN) != SYN:
            return NOTHING
        if dst & SYN != 0 or row["dst_payload"] > U8(0) or (src & ACK != 0 and row["src_packets"] > U8(1)):
            return ANSWERED
        return failed if dst & RST != 0 or dst == 0 else NOTHING
    if proto == UDP:
        if row["src_port"] < 1024 or row["dst_port"] >= 1024 or row["dst_port"] == 0:
            return NOTHING  # silence at high ports is often meant
        return ANSWERED if row["dst_packets"] > U8(0) else failed
    kind = row["icmp_type"]
    if (proto == ICMP and kind == 8) or (proto == ICMPV6 and kind == 128):
        return ANSWERED if row["dst_packets"] > U8(0) else failed
    return NOTHING


@internal
def clear_prober(tables, i):
    """Begin a prober's next window."""
    prober = tables.probers[i]
    prober["failures"] = 0
    prober["answers"] = 0
    prober["spread_hi"] = 0
    prober["spread_lo"] = 0
    for k in range(RANKS):
        tables.failing[i, k] = 0
        tables.answering[i, k] = 0
        tables.ports[i, k] = 0
        tables.nets[i, k] = 0


@internal
def prober_salt():
    """Salt that tells probers."""
    return U8(60) << U8(40)


@internal
def probe_row(tables, norms, output, row, n, time, a, b, outcome):
    """What the end of a flow means for its source as one whose contacts fail."""
    salt = prober_salt()
    h, g = pair_hash(a, U8(0), salt), pair_hash(U8(0), a, salt + U8(1))
    i = lookup(tables.prober_slots, tables.probers, h, g)
    failed = outcome == FAILED
    if i < 0:
        if not failed:
            return
        i = claim(tables.prober_slots, tables.probers, tables.meta, PROBERS, h, g)
        fresh = tables.probers[i]
        fresh["hi"] = row["src_hi"]
        fresh["lo"] = row["src_lo"]
        fresh["domain"] = domain_of(row["domain"], row["src_hi"], row["src_lo"])
        fresh["window"] = -np.int64(FAR_FUTURE)
    prober = tables.probers[i]
    if time - prober["window"] > norms.scan_window:
        if not failed:
            return
        clear_prober(tables, i)
        prober["window"] = time
        prober["base_hi"] = row["dst_hi"]
        prober["base_lo"] = row["dst_lo"]
        keep_first(prober, row)
    if not failed:
        prober["answers"] += 1
        note_rank(tables.answering, i, b)
        return
    prober["failures"] += 1
    prober["last"] = time
    prober["keep"] = grown(time, np.int64(prober["failures"]))
    prober["spread_hi"] = prober["spread_hi"] | (prober["base_hi"] ^ row["dst_hi"])
    prober["spread_lo"] = prober["spread_lo"] | (prober["base_lo"] ^ row["dst_lo"])
    proto = row["proto"]
    port = U8(0) if proto == ICMP or proto == ICMPV6 else U8(row["dst_port"])
    rose = note_rank(tables.failing, i, b)
    rose = note_rank(tables.ports, i, mix64((U8(proto) << U8(16) | port) + U8(1))) or rose
    hi, lo = prefix_of(row["dst_hi"], row["dst_lo"], norms)
    note_rank(tables.nets, i, mix64(hash_address(hi, lo, U8(7))))
    if rose and prober["failures"] >= norms.scan_gate:
        k = output.counts[PROBER_OUT]
        output.probers[k] = prober
        output.prober_rows[k] = n
        for j in range(RANKS):
            output.failing[k, j] = tables.failing[i, j]
            output.answering[k, j] = tables.answering[i, j]
            output.ports[k, j] = tables.ports[i, j]
            output.nets[k, j] = tables.nets[i, j]
        output.counts[PROBER_OUT] = k + 1


@internal
def aim_row(tables, norms, output, row, n, time, a, b, domain):
    """What a contact that failed means for the host it went to, and for the prefix of that host."""
    proto = row["proto"]
    if proto != TCP and proto != UDP:
        return
    port = row["dst_port"]
    for level in range(2):
        hi, lo = row["dst_hi"], row["dst_lo"]
        salt, mark, key = U8(62) << U8(40), mix64(U8(proto) << U8(16) | U8(port)), b
        if level == 1:
            hi, lo = prefix_of(hi, lo, norms)
            salt, mark = U8(63) << U8(40) | U8(proto) << U8(16) | U8(port), b
            key = host_hash(domain, hi, lo)
        h, g = pair_hash(key, U8(0), salt), pair_hash(U8(0), key, salt + U8(1))
        i = lookup(tables.aim_slots, tables.aims, h, g)
        if i < 0:
            i = claim(tables.aim_slots, tables.aims, tables.meta, AIMS, h, g)
            fresh = tables.aims[i]
            fresh["hi"] = hi
            fresh["lo"] = lo
            fresh["domain"] = domain
            fresh["proto"] = proto
            fresh["window"] = -np.int64(FAR_FUTURE)
            if level == 1:
                fresh["port"] = port
                fresh["prefix"] = norms.prefix_v4 if hi == U8(0) else norms.prefix_v6
        aim = tables.aims[i]
        if time - aim["window"] > norms.aim_window:
            aim["window"] = time
            aim["contacts"] = 0
            tables.marks[i, :] = 0
            tables.comers[i, :] = 0
            for k in range(HEAVY):
                tables.aimers[i, k] = 0
                tables.aimed[i, k] = 0
            keep_first(aim, row)
        aim["contacts"] += 1
        aim["last"] = time
        contacts = np.int64(aim["contacts"])
        aim["keep"] = grown(time, contacts)
        note_bit(tables.marks, i, mark)
        note_bit(tables.comers, i, a)
        save_space(tables.aimers, tables.aimed, i, a, np.int64(1))
        if contacts >= norms.aim_gate and significant(contacts) != significant(contacts - 1):
            k = output.counts[AIM_OUT]
            output.aims[k] = aim
            output.aim_rows[k] = n
            for j in range(tables.marks.shape[1]):
                output.marks[k, j] = tables.marks[i, j]
            for j in range(tables.comers.shape[1]):
                output.comers[k, j] = tables.comers[i, j]
            for j in range(HEAVY):
                output.aimers[k, j] = tables.aimers[i, j]
                output.aimed[k, j] = tables.aimed[i, j]
            output.counts[AIM_OUT] = k + 1


# --- rates of services ------------------------------------------------------------------------------------


@internal
def channel_of(row):
    """What a TCP flow's first report is to its service: a connection made, a stray segment, or -1."""
    if row["proto"] != TCP or row["report"] != 0 or row["dst_packets"] == U8(0):
        return -1
    flags, src, dst = (
        np.int64(row["first_flags"]), np.int64(row["src_flags"]), np.int64(row["dst_flags"]),
    )  # fmt: skip
    if row["reason"] == END_LOGGED and flags == 0:
        flags = src & SYN
        if flags == 0:
            return -1
    if flags & (SYN | ACK | RST | FIN) == SYN:
        made = src & ACK != 0 and dst & SYN != 0
        return MADE if made and row["src_payload"] > U8(0) else -1
    silent = row["src_payload"] == U8(0) and row["dst_payload"] == U8(0)
    if flags & (SYN | RST) == 0 and silent and dst & RST != 0 and dst & (SYN | FIN) == 0:
        return STRAY if row["sampling"] <= 1 else -1
    return -1


@internal
def service_salt(channel, port):
    """Salt that tells services and what comes to them."""
    return (U8(64 + channel) << U8(40)) | U8(port)


@internal
def clear_service(tables, i):
    """End a service's episode."""
    service = tables.services[i]
    service["sum"] = 0
    service["peak"] = 0
    service["most"] = 0
    service["count"] = 0
    service["bytes"] = 0


@internal
def clear_askers(tables, i):
    """Forget who came to a service in an episode before, or to another service that had its place."""
    for k in range(RANKS):
        tables.askers[i, k] = 0
    for k in range(HEAVY):
        tables.loud[i, k] = 0
        tables.loudness[i, k] = 0


@internal
def allowed_of(service, norms):
    """How many a second a service may get: the allowed rate, or so many times its usual one."""
    allowed = norms.request_allowed if service["channel"] == MADE else norms.stray_allowed
    return max(np.int64(allowed), service["usual"] * norms.request_factor // 1_000_000)


@internal
def roll_service(tables, norms, i, second):
    """Close a service's seconds and minutes up to `second`."""
    service = tables.services[i]
    gap = second - service["second"]
    if gap <= 0:
        return
    gap = min(gap, np.int64(1) << np.int64(20))
    allowed = allowed_of(service, norms)
    if service["sum"] > 0 or service["now"] > allowed:
        y = max(np.int64(0), service["sum"] + service["now"] - allowed)
        service["sum"] = max(np.int64(0), y - (gap - 1) * allowed)
        if service["sum"] == 0:
            clear_service(tables, i)
    service["now"] = 0
    service["second"] = second
    minutes = second // 60 - service["minute"]
    if minutes > 0:
        shift = np.int64(DAY_USUAL if service["sum"] == 0 else SLOW_USUAL)
        service["usual"] = decayed(service["usual"], service["so_far"] * 1000 // 60, shift, minutes)
        service["so_far"] = 0
        service["minute"] = second // 60


@internal
def service_row(tables, norms, output, row, n, time, a, b, domain, channel):
    """What a flow's first report means for the rate of the service it goes to."""
    salt = service_salt(channel, row["dst_port"])
    h, g = pair_hash(b, U8(0), salt), pair_hash(U8(0), b, salt + U8(1))
    i = lookup(tables.service_slots, tables.services, h, g)
    second = time // SECOND
    if i < 0:
        i = claim(tables.service_slots, tables.services, tables.meta, SERVICES, h, g)
        fresh = tables.services[i]
        fresh["hi"] = row["dst_hi"]
        fresh["lo"] = row["dst_lo"]
        fresh["domain"] = domain
        fresh["port"] = row["dst_port"]
        fresh["channel"] = channel
        fresh["second"] = second
        fresh["minute"] = second // 60
        fresh["known"] = time
    else:
        roll_service(tables, norms, i, second)
    service = tables.services[i]
    service["last"] = time
    service["now"] += 1
    service["so_far"] += 1
    y = service["sum"] + service["now"] - allowed_of(service, norms)
    service["keep"] = grown(time, service["usual"] >> 6)
    if y <= 0:
        return
    if service["count"] == 0:
        service["began"] = row["first"]
        clear_askers(tables, i)
        keep_first(service, row)
    service["count"] += 1
    service["bytes"] += np.int64(min(row["src_bytes"], U8(MOST)))
    service["most"] = max(service["most"], service["now"])
    note_rank(tables.askers, i, mix64(a))
    save_space(tables.loud, tables.loudness, i, a, np.int64(1))
    before = service["peak"]
    service["peak"] = max(before, y)
    alarm = norms.request_alarm if channel == MADE else norms.stray_alarm
    if service["peak"] >= alarm and significant(service["peak"]) != significant(before):
        k = output.counts[SERVICE_OUT]
        output.services[k] = service
        output.service_rows[k] = n
        for j in range(RANKS):
            output.askers[k, j] = tables.askers[i, j]
        for j in range(HEAVY):
            output.loud[k, j] = tables.loud[i, j]
            output.loudness[k, j] = tables.loudness[i, j]
        output.counts[SERVICE_OUT] = k + 1


# --- volumes by hour of the week --------------------------------------------------------------------------


@internal
def ours(hi, lo, norms):
    """Whether an address is in our networks."""
    for k in range(norms.home.shape[0]):
        if (hi & norms.home[k, 2]) == norms.home[k, 0] and (lo & norms.home[k, 3]) == norms.home[k, 1]:
            return True
    return False


@internal
def octaves(volume):
    """A volume in eighths of an octave above four kilobytes, at most 255; 0 for less."""
    if volume < UNIT:
        return np.int64(0)
    scaled = volume // UNIT
    whole = np.int64(0)
    while scaled >> (whole + 1) > 0:
        whole += 1
    rest = (volume // (UNIT >> 3) >> whole) & 7
    return min(np.int64(255), STEPS * whole + rest + 1)


@internal
def volume_of(eighths):
    """The least volume that `octaves` gives this number for."""
    if eighths <= 0:
        return np.int64(0)
    steps = min(eighths, np.int64(400)) - 1
    return (np.int64(UNIT >> 3) * (8 + (steps & 7))) << (steps >> 3)


@internal
def weekend(hour):
    """Whether an hour of the house's clock is on a Saturday or Sunday (the epoch began on a Thursday)."""
    return (hour // 24 + 3) % 7 >= 5


@internal
def learn_limit(tables, norms, i, metric):
    """(limit, usual, hours known) of a host's present hour, from the same hours of the days before.

    Hours of the same day of the week count threefold; workdays and weekends are apart. The limit lies so many
    deviations (MAD) above the median, and so many octaves.
    """
    host = tables.hosts[i]
    hour = host["hour"]
    count, days = 0, 0
    for day in range(1, 7 * WEEKS + 1):
        then = hour - 24 * day
        if then <= host["since"]:
            break
        if weekend(then) != weekend(hour):
            continue
        days += 1
        value = np.int64(tables.cells[i, metric, then % WEEK, (then // WEEK) % WEEKS])
        for _ in range(SAME_HOUR if day % 7 == 0 else 1):
            tables.scratch[count] = value
            count += 1
    if days < norms.volume_days:
        return np.int64(0), np.int64(0), np.int64(days)
    median = median_of(tables.scratch, count)
    spread = deviation_of(tables.scratch, count, median)
    above = max(spread * 1483 * norms.volume_spread // 1_000_000, np.int64(norms.volume_octaves))
    limit = max(np.int64(norms.volume_floor), volume_of(median + above))
    return limit, volume_of(median), np.int64(days)


@internal
def roll_host(tables, norms, i, hour):
    """Close a host's hours up to `hour`, silent ones too, and learn what the new one may bring."""
    host = tables.hosts[i]
    gap = hour - host["hour"]
    if gap <= 0:
        return
    if gap > WEEK * WEEKS:
        host["since"] = hour
        host["sent_most"] = 0
        host["received_most"] = 0
    else:
        old = host["hour"]
        week = (old // WEEK) % WEEKS
        tables.cells[i, 0, old % WEEK, week] = octaves(host["sent"])
        tables.cells[i, 1, old % WEEK, week] = octaves(host["received"])
        for silent in range(old + 1, hour):
            week = (silent // WEEK) % WEEKS
            tables.cells[i, 0, silent % WEEK, week] = 0
            tables.cells[i, 1, silent % WEEK, week] = 0
        if old > host["since"]:  # the first hour was not seen whole
            host["sent_most"] = max(host["sent_most"], host["sent"])
            host["received_most"] = max(host["received_most"], host["received"])
    host["hour"] = hour
    host["sent"] = 0
    host["received"] = 0
    limit, usual, known = learn_limit(tables, norms, i, 0)
    host["sent_limit"] = limit
    host["sent_usual"] = usual
    limit, usual, known = learn_limit(tables, norms, i, 1)
    host["received_limit"] = limit
    host["received_usual"] = usual
    host["known"] = known


@internal
def host_salt(role):
    """Salt that tells hosts by what they do."""
    return U8(66 + role) << U8(40)


@internal
def full_of_life(records, meta, table, time):
    """Whether a table is full and the eight that one could be given up of were all heard within a day."""
    capacity = records.shape[0] - 1
    if meta[table + USED] < capacity:
        return False
    return records[quietest(records, meta[table + HAND], capacity)]["keep"] >= time - DAY


@internal
def host_row(tables, norms, output, row, n, time, key, hi, lo, domain, role, sent, received):
    """What a report of bulk means for the hour of one of our hosts."""
    salt = host_salt(role)
    h, g = pair_hash(key, U8(0), salt), pair_hash(U8(0), key, salt + U8(1))
    i = lookup(tables.host_slots, tables.hosts, h, g)
    hour = (time + norms.zone_ns) // HOUR
    if i < 0:
        if full_of_life(tables.hosts, tables.meta, HOSTS, time):
            tables.meta[REFUSED] += 1
            return
        i = claim(tables.host_slots, tables.hosts, tables.meta, HOSTS, h, g)
        fresh = tables.hosts[i]
        fresh["hi"] = hi
        fresh["lo"] = lo
        fresh["domain"] = domain
        fresh["role"] = role
        fresh["hour"] = hour
        fresh["since"] = hour
    else:
        roll_host(tables, norms, i, hour)
    host = tables.hosts[i]
    if host["sent"] + host["received"] == 0:
        keep_first(host, row)
    sent_before, received_before = host["sent"], host["received"]
    host["sent"] += sent
    host["received"] += received
    host["last"] = time
    host["keep"] = time
    show = host["sent_limit"] > 0 and host["sent"] >= host["sent_limit"]
    show = show and significant(host["sent"]) != significant(sent_before)
    more = host["received_limit"] > 0 and host["received"] >= host["received_limit"]
    if show or (more and significant(host["received"]) != significant(received_before)):
        k = output.counts[HOST_OUT]
        output.hosts[k] = host
        output.host_rows[k] = n
        output.counts[HOST_OUT] = k + 1


# --- jobs -------------------------------------------------------------------------------------------------


@internal
def show_job(tables, output, i, n, state):
    """Hand out a copy of a job."""
    tables.jobs[i]["state"] = state
    k = output.counts[JOB_OUT]
    output.jobs[k] = tables.jobs[i]
    output.job_rows[k] = n
    output.counts[JOB_OUT] = k + 1


@internal
def rhythm(tables, norms, i):
    """(longest pause between the starts of a job's runs, usual bytes); (0, 0) where there is no rhythm.

    A rhythm is pauses that are whole days, give or take two hours. A pause as long as one that was kept
    before is none that is missed, so that jobs of workdays keep their weekends.
    """
    job = tables.jobs[i]
    runs = np.int64(job["runs"])
    if runs < norms.job_runs:
        return np.int64(0), np.int64(0)
    held = min(runs, np.int64(RUNS))
    longest = np.int64(0)
    for k in range(held - 1):
        later = tables.started[i, (runs - 1 - k) % RUNS]
        pause = later - tables.started[i, (runs - 2 - k) % RUNS]
        off = (pause + 2 * HOUR) % DAY
        if pause < DAY - 2 * HOUR or off > 4 * HOUR:
            return np.int64(0), np.int64(0)
        longest = max(longest, pause)
    for k in range(held):
        tables.scratch[k] = tables.moved[i, (runs - 1 - k) % RUNS]
    return longest, median_of(tables.scratch, held)


@internal
def close_run(tables, norms, output, i, n):
    """A job's run is over: keep it, and show it where it moved far less than usual."""
    job = tables.jobs[i]
    job["open"] = 0
    longest, usual = rhythm(tables, norms, i)
    shrunken = False
    if longest > 0 and job["bytes"] < usual // 1000 * norms.job_share:
        runs = np.int64(job["runs"])
        pause = job["began"] - tables.started[i, (runs - 1) % RUNS]
        shrunken = pause >= DAY - 2 * HOUR and (pause + 2 * HOUR) % DAY <= 4 * HOUR
    if job["bytes"] < norms.job_bytes and not shrunken:
        return
    at = np.int64(job["runs"]) % RUNS
    tables.started[i, at] = job["began"]
    tables.moved[i, at] = job["bytes"]
    job["runs"] += 1
    job["usual"] = usual
    if shrunken:
        show_job(tables, output, i, n, SHRUNKEN)
    job["state"] = FINE


@internal
def job_salt(proto, port):
    """Salt that tells jobs by protocol and port."""
    return (U8(68) << U8(40)) | (U8(proto) << U8(16)) | U8(port)


@internal
def job_row(tables, norms, output, row, n, time, a, b, src_domain, dst_domain, volume):
    """What a report of much means for the job it belongs to."""
    salt = job_salt(row["proto"], row["dst_port"])
    h, g = pair_hash(a, b, salt), pair_hash(b, a, salt + U8(1))
    i = lookup(tables.job_slots, tables.jobs, h, g)
    if i < 0:
        i = claim(tables.job_slots, tables.jobs, tables.meta, JOBS, h, g)
        fresh = tables.jobs[i]
        fresh["src_hi"] = row["src_hi"]
        fresh["src_lo"] = row["src_lo"]
        fresh["dst_hi"] = row["dst_hi"]
        fresh["dst_lo"] = row["dst_lo"]
        fresh["src_domain"] = src_domain
        fresh["dst_domain"] = dst_domain
        fresh["port"] = row["dst_port"]
        fresh["proto"] = row["proto"]
        fresh["last"] = -np.int64(FAR_FUTURE)
    job = tables.jobs[i]
    if time - job["last"] > norms.job_gap:
        if job["open"] != 0:
            close_run(tables, norms, output, i, n)
        job["open"] = 1
        job["bytes"] = 0
        job["began"] = time
        keep_first(job, row)
    job["last"] = time
    job["bytes"] += volume
    heavy = job["bytes"] >= norms.job_bytes or job["runs"] > 0
    job["keep"] = time + (9 * DAY if heavy else 0)


@internal
def sweep_jobs(tables, norms, output, n, time):
    """Close the runs that are over, and show the jobs that were to have run."""
    for i in range(tables.meta[JOBS + USED]):
        job = tables.jobs[i]
        if job["open"] != 0:
            if time - job["last"] <= norms.job_gap:
                continue
            close_run(tables, norms, output, i, n)
        if job["state"] == MISSED:
            continue
        longest, usual = rhythm(tables, norms, i)
        if longest == 0:
            continue
        due = tables.started[i, (np.int64(job["runs"]) - 1) % RUNS] + longest + norms.job_grace
        if time > due:
            job["due"] = due
            job["usual"] = usual
            show_job(tables, output, i, n, MISSED)


# --- sources of flows -------------------------------------------------------------------------------------


@internal
def show_segment(tables, output, i, n, state):
    """Hand out a copy of a segment."""
    k = output.counts[SEGMENT_OUT]
    output.segments[k] = tables.segments[i]
    output.segments[k]["state"] = state
    output.segment_rows[k] = n
    output.counts[SEGMENT_OUT] = k + 1


@internal
def segment_key(domain):
    """Hash of a network domain that flows are heard of."""
    return hash_address(U8(3), U8(domain), U8(69) << U8(40))


@internal
def close_hour(tables, norms, output, i, n):
    """A segment's hour is over: show it where flows were seen by halves, and learn."""
    segment = tables.segments[i]
    whole = np.int64(segment["whole"])
    if whole >= norms.loss_flows:
        share = np.int64(segment["halves"]) * 1000 // whole
        learnt = segment["hours"] >= 6
        if learnt and share >= norms.loss_share and share >= 3 * segment["share"]:
            show_segment(tables, output, i, n, LOSSY)
        elif segment["hours"] < 6:
            segment["share"] = (segment["share"] * segment["hours"] + share) // (segment["hours"] + 1)
        else:
            segment["share"] += (share - segment["share"]) >> 4
        segment["hours"] += 1
    segment["whole"] = 0
    segment["halves"] = 0


@internal
def segment_row(tables, norms, output, row, n, time):
    """What a sampled flow means for the network domain that it was heard of."""
    key = segment_key(row["domain"])
    h, g = pair_hash(key, U8(0), U8(69) << U8(40)), pair_hash(U8(0), key, U8(70) << U8(40))
    i = lookup(tables.segment_slots, tables.segments, h, g)
    if i < 0:
        i = claim(tables.segment_slots, tables.segments, tables.meta, SEGMENTS, h, g)
        fresh = tables.segments[i]
        fresh["domain"] = row["domain"]
        fresh["began"] = time
        fresh["last"] = time
        fresh["gap_since"] = time
        fresh["hour"] = time // HOUR
        keep_first(fresh, row)
    segment = tables.segments[i]
    if time - segment["gap_since"] > 7 * DAY:
        segment["gap_before"] = segment["gap"]
        segment["gap"] = 0
        segment["gap_since"] = time
    if segment["state"] != SILENT:  # an outage that was told is no pause that is usual
        segment["gap"] = max(segment["gap"], time - segment["last"])
    segment["state"] = FINE
    if time // HOUR != segment["hour"]:
        close_hour(tables, norms, output, i, n)
        segment["hour"] = time // HOUR
    segment["rows"] += 1
    segment["last"] = time
    segment["keep"] = grown(time, segment["rows"])
    if row["proto"] == TCP and row["kind"] == END:
        there, back = row["src_payload"] > U8(0), row["dst_payload"] > U8(0)
        if there or back:
            segment["whole"] += 1
            if row["dst_packets"] == U8(0) or row["src_packets"] == U8(0):
                segment["halves"] += 1


@internal
def sweep_segments(tables, norms, output, n, time):
    """Show the segments that have been silent for longer than they ever were."""
    for i in range(tables.meta[SEGMENTS + USED]):
        segment = tables.segments[i]
        if segment["state"] == SILENT or segment["rows"] < norms.silence_rows:
            continue
        if segment["last"] - segment["began"] < norms.silence_learn:
            continue
        usual = max(segment["gap"], segment["gap_before"])
        if time - segment["last"] > max(np.int64(norms.silence_least), usual // 1000 * norms.silence_factor):
            segment["state"] = SILENT
            show_segment(tables, output, i, n, SILENT)


@internal
def sampled(row):
    """Whether a row's flow is of the sample that every partition is given."""
    return mix64(row["flow_id"]) & U8(SAMPLE - 1) == U8(0)


# --- entry points -----------------------------------------------------------------------------------------


@internal
def foresee(slots, h):
    """Ask for the slot where probing for `h` begins; which it is."""
    at = home(h, U8(slots.shape[0] - 1))
    prefetch(slots, np.int64(at) * 8)
    return at


@internal
def fetch(slots, records, at):
    """Ask for the beginning of the record that slot `at` names."""
    if at != NOWHERE:
        i = np.int64(slots[np.int64(at)] & U8(0xFFFFFFFF)) - 1
        if i >= 0:
            prefetch(records, i * records.itemsize)
            prefetch(records, i * records.itemsize + 64)


@internal
def volumes(row):
    """Bytes that a report's source and its target sent since the report before."""
    return (
        np.int64(min(row["src_bytes_delta"], U8(MOST))),
        np.int64(min(row["dst_bytes_delta"], U8(MOST))),
    )


@internal
def usual_row(tables, norms, output, row, n, time, a, b):
    """Take in one report of two hosts."""
    alone = norms.partitions == 1
    mine = alone or share_of(a, norms) == norms.partition
    dst_domain = domain_of(row["domain"], row["dst_hi"], row["dst_lo"])
    theirs = alone or receiver_share(dst_domain, row["dst_hi"], row["dst_lo"], norms) == norms.partition
    if row["kind"] == END:
        outcome = fate(row)
        if outcome != NOTHING:
            if mine:
                probe_row(tables, norms, output, row, n, time, a, b, outcome)
            if theirs and outcome == FAILED:
                aim_row(tables, norms, output, row, n, time, a, b, dst_domain)
    if theirs:
        channel = channel_of(row)
        if channel >= 0:
            service_row(tables, norms, output, row, n, time, a, b, dst_domain, channel)
    sent, back = volumes(row)
    if sent + back < BULK or many(row["dst_hi"], row["dst_lo"]):
        return
    src_domain = domain_of(row["domain"], row["src_hi"], row["src_lo"])
    if mine and ours(row["src_hi"], row["src_lo"], norms):
        host_row(tables, norms, output, row, n, time, a, row["src_hi"], row["src_lo"], src_domain, CLIENT,
                 sent, back)  # fmt: skip
    if not theirs:
        return
    if ours(row["dst_hi"], row["dst_lo"], norms):
        host_row(tables, norms, output, row, n, time, b, row["dst_hi"], row["dst_lo"], dst_domain, SERVER,
                 back, sent)  # fmt: skip
    if sent + back >= HEAP and (row["proto"] == TCP or row["proto"] == UDP):
        job_row(tables, norms, output, row, n, time, a, b, src_domain, dst_domain, sent + back)


@internal
def look_ahead(tables, row, k, a, b):
    """Ask for the slots that a report may need, where it matters; which they are, into `ahead[k]`."""
    ahead = tables.ahead
    for column in range(A_PROBER, AHEAD_WORDS):
        ahead[k, column] = NOWHERE
    channel = channel_of(row)
    sent, back = volumes(row)
    needed = row["kind"] == END or channel >= 0 or sent + back >= BULK
    ahead[k, A_NEEDED] = U8(needed)
    if not needed:
        return
    if row["kind"] == END:
        ahead[k, A_PROBER] = foresee(tables.prober_slots, pair_hash(a, U8(0), prober_salt()))
    if channel >= 0:
        h = pair_hash(b, U8(0), service_salt(channel, row["dst_port"]))
        ahead[k, A_SERVICE] = foresee(tables.service_slots, h)
    if sent + back >= BULK:
        ahead[k, A_CLIENT] = foresee(tables.host_slots, pair_hash(a, U8(0), host_salt(CLIENT)))
        ahead[k, A_SERVER] = foresee(tables.host_slots, pair_hash(b, U8(0), host_salt(SERVER)))


@bare_kernel
def observe_flows(reports, ends, tables, norms, output):
    """Take in FLOW `reports`, in order; copies of changed records go to `output`. `ends`: of `hash_ends`.

    `output` must have room for a prober, a service, two aims and two hosts a report, and twice as many jobs
    and segments as there are reports and records together. Times that go back count as the newest seen.
    """
    output.counts[:] = 0
    clock = tables.meta[CLOCK]
    ahead = tables.ahead
    for start in range(0, reports.shape[0], AHEAD):
        stop = min(start + AHEAD, reports.shape[0])
        for n in range(start, stop):
            look_ahead(tables, reports[n], n - start, ends[n, SOURCE_HASH], ends[n, TARGET_HASH])
        for k in range(stop - start):
            fetch(tables.prober_slots, tables.probers, ahead[k, A_PROBER])
            fetch(tables.service_slots, tables.services, ahead[k, A_SERVICE])
            fetch(tables.host_slots, tables.hosts, ahead[k, A_CLIENT])
            fetch(tables.host_slots, tables.hosts, ahead[k, A_SERVER])
        for n in range(start, stop):
            row = reports[n]
            clock = max(clock, clamp(row["time"]))
            if sampled(row):
                tables.meta[SAMPLED] = max(tables.meta[SAMPLED], clamp(row["time"]))
                now = tables.meta[SAMPLED]
                if now // TICK > tables.meta[SWEPT]:
                    tables.meta[SWEPT] = now // TICK
                    sweep_jobs(tables, norms, output, n, now)
                    sweep_segments(tables, norms, output, n, now)
                if norms.partitions == 1 or share_of(segment_key(row["domain"]), norms) == norms.partition:
                    segment_row(tables, norms, output, row, n, now)
            k = n - start
            if ahead[k, A_NEEDED] != U8(0):
                usual_row(tables, norms, output, row, n, clock, ends[n, SOURCE_HASH], ends[n, TARGET_HASH])
    tables.meta[CLOCK] = clock


@bare_kernel
def share_flows(reports, norms, receivers, everybody):
    """The partition that judges who receives each FLOW row, and whether the row is for every partition.

    u1[reports] each. Sources are judged where the feature kernel judges them.
    """
    for n in range(reports.shape[0]):
        row = reports[n]
        domain = domain_of(row["domain"], row["dst_hi"], row["dst_lo"])
        receivers[n] = receiver_share(domain, row["dst_hi"], row["dst_lo"], norms)
        everybody[n] = 1 if sampled(row) else 0
