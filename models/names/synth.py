"""Names made here: benign ones as people make them, others as malware does.

The generators are written from published descriptions of how families work (letters by a linear congruence,
digests, words strung together); none gives a name that a real one gives.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np

from models.names.lexicon import CHINESE, FOREIGN, FREQUENT, SYLLABLES, WEB, english

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ENDS = ("com", "net", "org", "cn", "com.cn", "gov.cn", "info", "biz", "top", "ru", "de", "co.uk", "io")

Random = np.random.Generator
Maker = Callable[[Random], str]


def benign(count: int, seed: int) -> list[str]:
    """Names as people register them: English, pinyin, other languages, brands, short forms, mixtures."""
    rng = np.random.default_rng([seed, 1])
    words = english()[:2500]
    makers: tuple[tuple[float, Maker], ...] = (
        (0.26, lambda r: _english(r, words)), (0.3, pinyin), (0.11, _foreign),
        (0.13, lambda r: _brand(r, words)), (0.1, _initials), (0.1, lambda r: _mixed(r, words)),
    )  # fmt: skip
    return _many(rng, count, [m for _, m in makers], [p for p, _ in makers])


def pinyin_names(count: int, seed: int) -> list[str]:
    """Names in pinyin only."""
    return _many(np.random.default_rng([seed, 2]), count, [pinyin], [1.0])


def malicious(family: str, count: int, seed: int) -> list[str]:
    """Names of one of FAMILIES."""
    rng = np.random.default_rng([seed, 3, sum(family.encode())])
    return _many(rng, count, [FAMILIES[family]], [1.0])


def _many(rng: Random, count: int, makers: Sequence[Maker], shares: Sequence[float]) -> list[str]:
    which = rng.choice(len(makers), size=count, p=shares)
    return [f"{makers[m](rng)[:63]}.{_pick(rng, _ENDS)}" for m in which]


def _pick(rng: Random, words: Sequence[str]) -> str:
    return words[int(rng.integers(len(words)))]


def _english(rng: Random, words: Sequence[str]) -> str:
    n = int(rng.choice([1, 2, 2, 2, 3]))
    parts = [_pick(rng, WEB if rng.random() < 0.5 else words) for _ in range(n)]
    name = ("-" if rng.random() < 0.12 else "").join(parts)
    return name + (str(rng.integers(1, 1000)) if rng.random() < 0.06 else "")


def _foreign(rng: Random) -> str:
    n = int(rng.choice([1, 2, 2, 3]))
    parts = [_pick(rng, FOREIGN if rng.random() < 0.8 else WEB) for _ in range(n)]
    return ("-" if rng.random() < 0.15 else "").join(parts)


def pinyin(rng: Random) -> str:
    """A label in pinyin: frequent and rare syllables, words, sometimes digits or a hyphen."""
    if rng.random() < 0.15:
        return _pick(rng, CHINESE) + _pick(rng, CHINESE if rng.random() < 0.6 else FREQUENT)
    n = int(rng.choice([2, 2, 3, 3, 4, 4, 5]))
    parts = [_pick(rng, FREQUENT if rng.random() < 0.6 else SYLLABLES) for _ in range(n)]
    name = "".join(parts)
    if rng.random() < 0.1:
        name += str(rng.integers(1, 10000)) if rng.random() < 0.7 else _pick(rng, ("wang", "kj", "jt", "gov"))
    return name


def _brand(rng: Random, words: Sequence[str]) -> str:
    """A word cut, joined or misspelt until it is somebody's own."""
    a, b = _pick(rng, words), _pick(rng, WEB)
    form = int(rng.integers(5))
    if form == 0:
        return a[: max(3, len(a) - 2)] + _pick(
            rng, ("ify", "ly", "io", "ex", "ra", "on", "ia", "us", "er", "oo")
        )
    if form == 1:
        return a[:4] + b[:4]
    if form == 2:
        return "".join(c for i, c in enumerate(a + b) if i == 0 or c not in "aeiou" or rng.random() < 0.6)
    if form == 3:
        return _pick(rng, ("e", "i", "my", "the", "go", "get", "x")) + a
    return a[:3] + _pick(rng, FREQUENT) + b[-3:]


def _initials(rng: Random) -> str:
    """Short forms: two to five letters, often with digits or a word behind."""
    n = int(rng.choice([2, 3, 3, 4, 5]))
    name = "".join(_pick(rng, _LETTERS) for _ in range(n))
    if rng.random() < 0.5:
        name += _pick(rng, WEB) if rng.random() < 0.6 else str(rng.integers(1, 1000))
    return name


def _mixed(rng: Random, words: Sequence[str]) -> str:
    """Pinyin, English, digits and short forms beside each other, numbers that sound like words."""
    form = int(rng.integers(4))
    if form == 0:
        return _pick(rng, FREQUENT) + _pick(rng, WEB)
    if form == 1:
        return "".join(str(d) for d in rng.integers(0, 10, int(rng.integers(3, 7)))) + _pick(
            rng, ("", "", "cn", "wang")
        )
    if form == 2:
        return _pick(rng, words) + "-" + _pick(rng, FREQUENT) + _pick(rng, FREQUENT)
    return "".join(_pick(rng, FREQUENT)[0] for _ in range(int(rng.integers(2, 6)))) + _pick(
        rng, ("", "gov", "zw", "12345", "online")
    )


def _letters(low: int, high: int, alphabet: str = _LETTERS) -> Maker:
    return lambda r: "".join(_pick(r, alphabet) for _ in range(int(r.integers(low, high + 1))))


def _digest(size: int, base: str) -> Maker:
    def make(rng: Random) -> str:
        number = int.from_bytes(hashlib.sha256(rng.bytes(16)).digest(), "big")
        out = ""
        while len(out) < size:
            number, digit = divmod(number, len(base))
            out += base[digit]
        return out

    return make


def _congruence(rng: Random) -> str:
    """Letters by a linear congruence, of which the low bits are poor."""
    state, out = int(rng.integers(1, 1 << 31)), ""
    for _ in range(int(rng.integers(10, 19))):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        out += _LETTERS[(state >> 8) % 25]
    return out


def _spoken(rng: Random) -> str:
    """Consonants and vowels in turn."""
    n = int(rng.integers(4, 8))
    return "".join(_pick(rng, "bcdfghklmnprstvwxz") + _pick(rng, "aeiouy") for _ in range(n))


#: Families by how they make names. `spoken` sounds like names; nothing but context tells it from them.
FAMILIES: dict[str, Maker] = {
    "short": _letters(6, 11),
    "fixed": _letters(12, 12),
    "long": _letters(14, 28),
    "congruence": _congruence,
    "halved": _letters(9, 18, "bcdfghjklmnpqrstvwxyzaei"),
    "hexadecimal": _digest(16, "0123456789abcdef"),
    "base36": _digest(26, "0123456789abcdefghijklmnopqrstuvwxyz"),
    "digits": _letters(8, 20, "abcdefghijklmnopqrstuvwxyz0123456789"),
    "spoken": _spoken,
}


def hashed(names: Sequence[str]) -> str:
    """SHA-256 of names, one a line."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()
