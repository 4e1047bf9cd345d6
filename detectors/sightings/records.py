"""Records of what applications say: the layout, and which counter means what."""

from __future__ import annotations

import numpy as np

# SUBJECT.kind, and what is kept of each (its key; its counters; what is told apart)
FAILING = 1  # client: questions for names that are not there
ZONE = 2  # client and registered domain: questions below it
RACE = 3  # client, server and question: answers to one question
ANSWERED = 4  # server and name: where the name leads
SITE = 5  # client and web server
LOGON = 6  # client, server and service: how log-ins went
EXPOSED = 7  # client, server and what is exposed
PERSONAL = 8  # sender and receiver
ACCOUNT = 9  # account and service, from logs
LEASING = 10  # DHCP client, by its hardware address
DRIFTED = 11  # portal, page and what was found of it by a probe
CERTIFIED = 12  # portal's server and port: the certificates that it shows
LEADING = 13  # portal's server, port, and a host that it redirects to
FAULTY = 14  # portal's server and port: errors of the server
KINDS = 15

COUNTERS = 12
# FAILING
NAMES, ODD = 0, 1
# ZONE
QUESTIONS, CARRIERS = 0, 1
# RACE
ASKED, REPLIES = 0, 1
# ANSWERED
AT_HOME, ELSEWHERE = 0, 1
# SITE: REQUESTS, then one for each sign in the order of its bit, then answers
REQUESTS, INJECTIONS, SCRIPTINGS, TRAVERSALS, COMMANDS, SHELLS, PROBES, SCANS, UNMISTAKABLES = range(9)
FORMS, MISSING, DENIED = 9, 10, 11
# LOGON, ACCOUNT
FAILURES, SUCCESSES, LATE_SUCCESSES, AT_NIGHT, EXPORTS = 0, 1, 2, 3, 4
# EXPOSED
TIMES = 0
# LEASING
ASKED_FOR = 0
# DRIFTED, CERTIFIED, LEADING, FAULTY: SEEN; CERTIFIED: keys after the first
SEEN, OTHER_KEYS = 0, 1
# PERSONAL
IDENTITIES, TELEPHONES = 0, 1

# EXPOSED.service: what is exposed
OLD_TLS, WEAK_CIPHER, CLEAR_LOGIN = 1, 2, 3

WORDS = 8  # of 64 bits, for two sets of 256 bits
TEXT = 96

_SAMPLE = [("frame", "i8"), ("offset", "i8"), ("time", "i8"), ("src_hi", "u8"), ("src_lo", "u8"),
           ("dst_hi", "u8"), ("dst_lo", "u8"), ("domain", "u4"), ("src_port", "u2"), ("dst_port", "u2"),
           ("proto", "u1")]  # fmt: skip

SUBJECT = np.dtype(
    [
        ("h", "u8"), ("g", "u8"), ("keep", "i8"),
        ("src_hi", "u8"), ("src_lo", "u8"), ("dst_hi", "u8"), ("dst_lo", "u8"),
        ("began", "i8"), ("last", "i8"),
        ("volume", "i8"),
        ("answers", "u8"),  # digest of the first answers
        ("old_hi", "u8"), ("old_lo", "u8"), ("new_hi", "u8"), ("new_lo", "u8"),  # where a name led, and leads
        ("src_domain", "u4"), ("dst_domain", "u4"),
        ("flags", "u4"),  # every EVENT.flags together
        ("port", "u2"), ("service", "u2"), ("code", "u2"),
        ("kind", "u1"), ("text_size", "u1"),
        *((f"first_{name}", kind) for name, kind in _SAMPLE),
    ],
    align=True,
)  # fmt: skip
