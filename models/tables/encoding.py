"""Rows of NSL-KDD as numbers: one definition, for training and for judging.

What is learned of normal rows (how often a service is asked, how far each feature reaches) is in the
encoding, which goes into the model file.
"""

from __future__ import annotations

from collections import Counter

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.tables.kdd import NUMBERS, Table

#: Counts and sizes whose ratios mean more than their differences.
_LOGARITHMIC = (
    "duration", "src_bytes", "dst_bytes", "count", "srv_count", "num_root", "num_compromised", "hot",
)  # fmt: skip
PROTOCOLS = ("icmp", "tcp", "udp")
FLAGS = ("OTH", "REJ", "RSTO", "RSTOS0", "RSTR", "S0", "S1", "S2", "S3", "SF", "SH")
#: Services that have a column of their own; the others are told by how usual they are.
SERVICES = (
    "http", "private", "domain_u", "smtp", "ftp_data", "eco_i", "other", "ecr_i", "telnet", "finger", "ftp",
    "pop_3", "imap4",
)  # fmt: skip
COLUMNS = (
    *NUMBERS,
    *(f"protocol_type={name}" for name in PROTOCOLS),
    *(f"flag={name}" for name in FLAGS),
    "service_is_usual",
    *(f"service={name}" for name in SERVICES),
)


class Encoding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often normal rows ask each service."""

    services: dict[str, int]

    @classmethod
    def of(cls, normal: Table) -> Encoding:
        """What normal rows teach."""
        counts = Counter(str(s) for s in normal.words["service"])
        return cls(dict(sorted(counts.items())))

    def encode(self, table: Table) -> NDArray[np.float32]:
        """(rows, COLUMNS)."""
        out = np.zeros((len(table), len(COLUMNS)), np.float32)
        numbers = table.numbers.copy()
        for name in _LOGARITHMIC:
            at = NUMBERS.index(name)
            numbers[:, at] = np.log1p(numbers[:, at])
        out[:, : len(NUMBERS)] = numbers
        at = len(NUMBERS)
        for word, names in (("protocol_type", PROTOCOLS), ("flag", FLAGS)):
            out[:, at : at + len(names)] = table.words[word][:, None] == np.array(names)
            at += len(names)
        service = table.words["service"]
        asked, which = np.unique(service, return_inverse=True)
        usual = np.array([self.services.get(str(name), 0) for name in asked], np.float64)
        out[:, at] = np.log1p(usual[which])
        out[:, at + 1 :] = service[:, None] == np.array(SERVICES)
        return out
