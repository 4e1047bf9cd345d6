"""NSL-KDD: 41 features, a label, and how many classifiers got it right (which is no feature).

Tavallaee, Bagheri, Lu and Ghorbani, "A Detailed Analysis of the KDD CUP 99 Data Set" (CISDA 2009). Lines
are comma separated; the 43rd column may be missing, and labels may end in a dot as in the older set.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from citywall.errors import InputError

FEATURES = (
    "duration", "protocol_type", "service", "flag", "src_bytes", "dst_bytes", "land", "wrong_fragment",
    "urgent", "hot", "num_failed_logins", "logged_in", "num_compromised", "root_shell", "su_attempted",
    "num_root", "num_file_creations", "num_shells", "num_access_files", "num_outbound_cmds",
    "is_host_login", "is_guest_login", "count", "srv_count", "serror_rate", "srv_serror_rate",
    "rerror_rate", "srv_rerror_rate", "same_srv_rate", "diff_srv_rate", "srv_diff_host_rate",
    "dst_host_count", "dst_host_srv_count", "dst_host_same_srv_rate", "dst_host_diff_srv_rate",
    "dst_host_same_src_port_rate", "dst_host_srv_diff_host_rate", "dst_host_serror_rate",
    "dst_host_srv_serror_rate", "dst_host_rerror_rate", "dst_host_srv_rerror_rate",
)  # fmt: skip
WORDS = ("protocol_type", "service", "flag")
NUMBERS = tuple(name for name in FEATURES if name not in WORDS)
NORMAL = "normal"
CLASSES = ("normal", "dos", "probe", "r2l", "u2r", "other")
_TYPES = {
    "dos": "apache2 back land mailbomb neptune pod processtable smurf teardrop udpstorm worm",
    "probe": "ipsweep mscan nmap portsweep saint satan",
    "r2l": "ftp_write guess_passwd httptunnel imap multihop named phf sendmail snmpgetattack snmpguess spy"
    " warezclient warezmaster xlock xsnoop",
    "u2r": "buffer_overflow loadmodule perl ps rootkit sqlattack xterm",
}
#: The class of every attack that the set's makers named.
CLASS_OF = {name: kind for kind, names in _TYPES.items() for name in names.split()}
_WORD_AT = tuple(FEATURES.index(name) for name in WORDS)
_NUMBER_AT = tuple(FEATURES.index(name) for name in NUMBERS)
MAX_BYTES = 1 << 30


@dataclass(frozen=True)
class Table:
    """Rows of a file: numbers in the order of NUMBERS, words, labels; and how many lines were no rows."""

    path: str
    sha256: str
    numbers: NDArray[np.float64]
    words: dict[str, NDArray[np.str_]]
    labels: NDArray[np.str_]
    bad: int = 0
    first_bad: str = ""

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def attack(self) -> NDArray[np.bool_]:
        """Which rows are attacks."""
        return np.asarray(self.labels != NORMAL)

    @property
    def classes(self) -> NDArray[np.str_]:
        """The class of each row; `other` for an attack that is not known by name."""
        known = {name: NORMAL if name == NORMAL else CLASS_OF.get(name, "other") for name in set(self.labels)}
        return np.array([known[name] for name in self.labels], dtype=np.str_)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Table:
        """Some of the rows."""
        words = {name: column[chosen] for name, column in self.words.items()}
        return Table(self.path, self.sha256, self.numbers[chosen], words, self.labels[chosen])


def read(path: Path) -> Table:
    """Read a file; lines that are no rows are counted. Raises InputError where there is no row at all."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(str(path), f"is larger than {MAX_BYTES >> 20} MiB")
        data = path.read_bytes()
    except OSError as e:
        raise InputError(str(path), e.strerror or str(e)) from None
    numbers: list[list[float]] = []
    words: list[list[str]] = []
    labels: list[str] = []
    bad, first_bad = 0, InputError(str(path), "holds no rows")
    for number, fields in _lines(data):
        try:
            values, told, label = _row(fields)
        except ValueError as e:
            bad += 1
            if bad == 1:
                first_bad = InputError(str(path), str(e), line=number)
            continue
        numbers.append(values)
        words.append(told)
        labels.append(label)
    if not labels:
        raise first_bad
    columns = {name: np.array([w[i] for w in words], dtype=np.str_) for i, name in enumerate(WORDS)}
    return Table(
        str(path), hashlib.sha256(data).hexdigest(), np.array(numbers, np.float64), columns,
        np.array(labels, dtype=np.str_), bad, str(first_bad) if bad else "",
    )  # fmt: skip


def _lines(data: bytes) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        text = line.strip()
        # A relation of the same table (ARFF) begins with declarations.
        if text and not text.startswith(("@", "%", "#")):
            yield number, text.split(",")


def _row(fields: list[str]) -> tuple[list[float], list[str], str]:
    """Numbers, words and label of a line; raises ValueError naming the field."""
    if len(fields) not in (42, 43):
        raise ValueError(f"has {len(fields)} fields, not 43 (41 features, label, difficulty)")
    values = []
    for at, name in zip(_NUMBER_AT, NUMBERS, strict=True):
        try:
            value = float(fields[at])
        except ValueError:
            raise ValueError(f"field {name}: {fields[at][:40]!r} is no number") from None
        if not 0 <= value < 1e18:
            raise ValueError(f"field {name}: {fields[at][:40]!r} is out of range")
        values.append(value)
    words = [fields[at].strip().strip("'\"")[:64] for at in _WORD_AT]
    label = fields[41].strip().strip("'\"").rstrip(".").lower()[:64]
    if not label or not all(words):
        raise ValueError("a word or the label is empty")
    return values, words, label
