"""Records of what is usual: probers, aims, services, hosts by hour of the week, jobs, segments that speak.

They stand apart from their kernel so that whoever only reads them need not load a compiler.
"""

from __future__ import annotations

import numpy as np

from detectors.relations.records import FIRST

#: A source whose contacts fail, over hours.
PROBER = np.dtype(
    [
        ("h", "u8"), ("g", "u8"), ("keep", "i8"),
        ("hi", "u8"), ("lo", "u8"),
        ("window", "i8"), ("last", "i8"),  # first and latest failure of the window
        ("base_hi", "u8"), ("base_lo", "u8"), ("spread_hi", "u8"), ("spread_lo", "u8"),
        ("domain", "u4"),
        ("failures", "u4"), ("answers", "u4"),
        *FIRST,
    ],
    align=True,
)  # fmt: skip

#: A host whose ports, or a prefix whose hosts at one port, are asked for in vain.
AIM = np.dtype(
    [
        ("h", "u8"), ("g", "u8"), ("keep", "i8"),
        ("hi", "u8"), ("lo", "u8"),
        ("window", "i8"), ("last", "i8"),
        ("domain", "u4"),
        ("contacts", "u4"),
        ("port", "u2"),  # of a prefix
        ("proto", "u1"), ("prefix", "u1"),  # prefix length, 0 for a host
        *FIRST,
    ],
    align=True,
)  # fmt: skip

#: One TCP service: connections that were made (channel 0) or segments that belonged to none (channel 1).
SERVICE = np.dtype(
    [
        ("h", "u8"), ("g", "u8"), ("keep", "i8"),
        ("second", "i8"), ("now", "i8"),  # the present second and what came in it
        ("minute", "i8"), ("so_far", "i8"),  # the present minute and what came in it
        ("usual", "i8"),  # thousandths a second, decayed by minutes
        ("sum", "i8"), ("peak", "i8"),  # CUSUM up to the present second; the highest of the episode
        ("most", "i8"),  # in a second of the episode
        ("began", "i8"), ("known", "i8"), ("last", "i8"),  # of the episode; of the service
        ("count", "i8"), ("bytes", "i8"),  # of the episode, from the alarm's first second on
        ("hi", "u8"), ("lo", "u8"),
        ("domain", "u4"), ("port", "u2"), ("channel", "u1"),
        *FIRST,
    ],
    align=True,
)  # fmt: skip

#: What one of our hosts sends and receives in bulk by hour, as a client (role 0) or as a server (role 1).
HOST = np.dtype(
    [
        ("h", "u8"), ("g", "u8"), ("keep", "i8"),
        ("hi", "u8"), ("lo", "u8"),
        ("hour", "i8"), ("since", "i8"),  # the present hour and the first one, in hours
        ("sent", "i8"), ("received", "i8"),  # in the present hour
        ("sent_limit", "i8"), ("received_limit", "i8"),  # bytes; 0 while too little is known
        ("sent_usual", "i8"), ("received_usual", "i8"),
        ("sent_most", "i8"), ("received_most", "i8"),  # of any hour before
        ("last", "i8"),
        ("known", "u4"),  # hours that the limit rests on
        ("domain", "u4"), ("role", "u1"),
        *FIRST,
    ],
    align=True,
)  # fmt: skip

#: One source and one service that move much: a job, such as a backup.
JOB = np.dtype(
    [
        ("h", "u8"), ("g", "u8"), ("keep", "i8"),
        ("src_hi", "u8"), ("src_lo", "u8"), ("dst_hi", "u8"), ("dst_lo", "u8"),
        ("began", "i8"), ("last", "i8"), ("bytes", "i8"),  # of the run that goes on, or of the latest
        ("due", "i8"),  # when the next run was to have begun, at the latest; of a MISSED one
        ("usual", "i8"),  # bytes of a run, median
        ("src_domain", "u4"), ("dst_domain", "u4"),
        ("runs", "u4"),
        ("port", "u2"), ("proto", "u1"),
        ("open", "u1"),  # whether a run goes on
        ("state", "u1"),
        *FIRST,
    ],
    align=True,
)  # fmt: skip

#: A network domain that flows are heard of, by a sample of them.
SEGMENT = np.dtype(
    [
        ("h", "u8"), ("g", "u8"), ("keep", "i8"),
        ("began", "i8"), ("last", "i8"),
        ("gap", "i8"), ("gap_before", "i8"), ("gap_since", "i8"),  # longest silence of this week and the last
        ("rows", "i8"),
        ("hour", "i8"),
        ("whole", "u4"), ("halves", "u4"),  # TCP flows of the hour that were sampled; those half seen
        ("share", "i8"), ("hours", "i8"),  # usual share of halves in thousandths; hours it rests on
        ("domain", "u4"), ("state", "u1"),
        *FIRST,
    ],
    align=True,
)  # fmt: skip

# JOB.state and SEGMENT.state
FINE, MISSED, SHRUNKEN, SILENT, LOSSY = 0, 1, 2, 3, 4
# SERVICE.channel
MADE, STRAY = 0, 1
# HOST.role
CLIENT, SERVER = 0, 1

RANKS = 64  # registers of a prober's and a service's HyperLogLogs: standard error 13 %
MARKS = 16  # words of an aim's linear counter of ports or hosts: 1024 bits, 1 % at 150
COMERS = 8  # words of its linear counter of sources: 512 bits
HEAVY = 8  # counters of a Space-Saving summary
WEEK = 168
WEEKS = 4  # of hours kept of a host
RUNS = 8  # runs kept of a job
