"""What is kept of identities: which kinds of subjects there are, and which counter means what.

Subjects have the form of those of sightings (`detectors.sightings.records.SUBJECT`), in a table of their own.
"""

from __future__ import annotations

# SUBJECT.kind, and what is kept of each (its key; its counters; what is told apart)
ENTRY = 16  # client and server: log-ins by NTLM, and what is administered
HOLDER = 17  # client: accounts that it gets tickets for; `answers`: the workstation that it calls itself
BEARER = 18  # account: hosts that log in as it by NTLM
PROOF = 19  # account: ciphers that first tickets are asked for with
ROAST = 20  # client: services it gets tickets for, by cipher
CONTROLLER = 21  # host that gives tickets
CALLS = 22  # one connection for procedures
MAPPED = 23  # client and server: the mapper was asked for replication
POOL = 24  # segment: who asks for an address
LEASER = 25  # segment (behind a relay): who hands out addresses, and what leads with them
HOME = 26  # card, DUID or host name: in which networks it is
KINDS = 27

# ENTRY
LOGONS, NAMELESS, STRANGERS, RENAMED, ADMIN, TICKETS = 0, 1, 2, 3, 4, 5
# HOLDER, BEARER
ACCOUNTS = HOSTS = 0
# PROOF
AES, RC4 = 0, 1
# ROAST
WEAK, STRONG = 0, 1
# CONTROLLER
GIVEN = 0
# CALLS, by what is called
NAMED, PLACED, COPIED = 0, 1, 2
# MAPPED
ASKED = 0
# POOL
CLIENTS, FORGED, REFUSED, SERVED = 0, 1, 2, 3
# LEASER
OWN, OTHERS = 0, 1
# HOME
FIRST, SECOND, MOVES, NETWORKS = 0, 1, 2, 3

# ENTRY.flags: what was administered
SHARE, SERVICES, TASKS, REGISTRY, OBJECTS = 1, 2, 4, 8, 16
# CALLS.flags: how it is known what is called, and who calls
BOUND, BY_MAPPER, CONTROLLER_CALLS = 1, 2, 4
# PROOF.flags: a request that offers nothing better
ONLY_RC4 = 1
# HOME.service: what the machine is known by
CARD, DUID, NAME = 1, 2, 3
