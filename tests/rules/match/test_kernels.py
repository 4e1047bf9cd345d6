from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.match import kernels
from rules.match.literals import Literals

WORDS = st.lists(
    st.text("abA \0", min_size=3, max_size=12).map(lambda t: t.lower().encode()),
    min_size=1,
    max_size=8,
    unique=True,
)
TEXTS = st.lists(st.text("abA \0", max_size=60).map(str.encode), min_size=1, max_size=6)
#: What repeats itself every two bytes, and what nearly does.
REPEATED = st.lists(
    st.tuples(st.sampled_from(["a", "b", "ab", "aB", "ba", "a\0", "ab\0", "\0\0b"]), st.integers(1, 9)),
    min_size=1,
    max_size=5,
).map(lambda runs: "".join(part * times for part, times in runs).encode())


@settings(max_examples=100, deadline=None)
@given(WORDS, TEXTS)
def test_scan_tells_every_literal_of_every_buffer_once(words: list[bytes], texts: list[bytes]):
    _tells_all(words, texts)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(REPEATED.map(lambda t: t.lower()[:24]).filter(lambda t: len(t) > 2), min_size=1, unique=True),
    st.lists(REPEATED, min_size=1, max_size=6),
)
def test_what_repeats_itself_is_found_though_runs_are_passed_over(words: list[bytes], texts: list[bytes]):
    _tells_all(words, texts)


def _tells_all(words: list[bytes], texts: list[bytes]) -> None:
    data = np.frombuffer(b"".join(texts) + b"\0", np.uint8)
    lengths = np.array([len(t) for t in texts], np.int64)
    starts = np.cumsum(lengths) - lengths
    buffers, literals = Literals(words).scan(data, starts, lengths)
    found = list(zip(buffers.tolist(), literals.tolist(), strict=True))
    expected = {
        (b, w) for b, text in enumerate(texts) for w, word in enumerate(words) if word in text.lower()
    }
    assert set(found) == expected
    assert len(found) == len(set(found))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(REPEATED.map(lambda t: t.lower()[:9]), st.sampled_from([b"abb", b"a b\0"]))
        .filter(lambda t: len(t) > 2), min_size=1, max_size=4,
    ),
    st.integers(0, 4),
    st.lists(st.lists(REPEATED, min_size=1, max_size=5), min_size=1, max_size=3),
)  # fmt: skip
def test_parts_in_which_something_stands_that_is_not_told_are_marked(words, telling, texts):
    """Each text, in its parts, is a buffer; a part that a literal goes over to is marked, too."""
    telling = min(telling, len(words))
    parts = [part for text in texts for part in text]
    data = np.frombuffer(b"".join(parts) + b"\0", np.uint8)
    lengths = np.array([sum(map(len, text)) for text in texts], np.int64)
    begins = np.cumsum([0, *map(len, parts[:-1])]).astype(np.int64)
    marks = np.zeros(len(parts), np.uint8)
    buffers, literals = Literals(words, telling).scan(
        data, np.cumsum(lengths) - lengths, lengths, (begins, marks)
    )
    assert set(zip(buffers.tolist(), literals.tolist(), strict=True)) == {
        (b, w)
        for b, text in enumerate(texts)
        for w, word in enumerate(words[:telling])
        if word in b"".join(text).lower()
    }
    for part, mark in zip(parts, marks.tolist(), strict=True):
        assert mark or not any(word in part.lower() for word in words[telling:])
    whole = b" ".join(b"".join(text) for text in texts).lower()
    assert any(word in whole for word in words[telling:]) == marks.any()


HOWS = ["same", "other", "shorter", "marked", "not looked", "another flow", "another frame"]


@given(
    st.lists(st.tuples(st.binary(max_size=20), st.sampled_from(HOWS), st.integers(0, 2)), max_size=6),
    st.integers(0, 2),
)
def test_packets_that_are_parts_of_streams_are_covered(some, carried):
    """Of frames, some without a gap, several packets may be; the first ones were matched before."""
    some = [(b"", "same", 1)] * carried + some
    arena = np.frombuffer(b"".join(data for data, *_ in some) + bytes(8), np.uint8)
    payloads = [
        data[:-1] + bytes([data[-1] ^ 1])
        if how == "other" and data
        else data[:-1]
        if how == "shorter"
        else data
        for data, how, _ in some
    ]
    buffer = np.frombuffer(b"".join(payloads) + bytes(8), np.uint8)
    lengths, sizes = (np.array(list(map(len, each)), np.int64) for each in ([d for d, *_ in some], payloads))
    frames = np.cumsum([step for *_, step in some], dtype=np.int64)
    flow = np.arange(len(some)) // 2
    how = np.array([how for _, how, _ in some], object)
    out = np.zeros(len(some), np.bool_)
    kernels.covered(
        buffer, np.cumsum(sizes) - sizes, sizes, frames, flow, np.arange(len(some)) % 2, carried, arena,
        np.cumsum(lengths) - lengths, lengths, np.arange(len(some)) + 10 * (how == "another flow"),
        frames + 99 * (how == "another frame"), how != "not looked", (how == "marked").astype(np.uint8), out,
    )  # fmt: skip
    before = frames[:carried].max(initial=-1)
    assert [o for o, f in zip(out.tolist(), frames.tolist(), strict=True) if f > before] == [
        h in {"same", "other", "shorter"} and payload == data
        for (data, h, _), payload, f in zip(some, payloads, frames.tolist(), strict=True)
        if f > before
    ]
    assert not out[:carried].any()


Chunk = tuple[int, int, int, bool]  # length, gap, frame, whether a message is complete


def windows_of(chunks: list[Chunk], *, stop: int, final: int, sizes: list[int]):
    """Windows of one stream whose chunks come in pieces of these many; what an obvious loop would say."""
    tail = looked = offset = at = 0
    told = []
    for n, size in enumerate(sizes):
        some = chunks[at : at + size]
        here = stop if n == len(sizes) - 1 or (some and some[-1][2] >= stop) else 0
        columns = (
            [np.array(c, np.int64) for c in zip(*some, strict=True)] if some else [np.zeros(0, np.int64)] * 4
        )
        out, which = np.zeros((2 * len(some) + 1, 6), np.int64), np.zeros(2 * len(some) + 1, np.int64)
        kept = np.zeros((1, 4), np.int64)
        count = kernels.cut(
            np.array([0, len(some)]), np.array([tail]), np.array([looked]), np.array([offset]),
            np.array([here]),
            np.array([final if n == len(sizes) - 1 else 0]), columns[0], columns[1], columns[2],
            columns[3] > 0, 10, 4, out, which, kept,
        )  # fmt: skip
        begin = sum(length for length, *_ in chunks[:at]) - tail
        told += [
            (begin + s, begin + new, begin + e, frame) for s, new, e, _, frame, _ in out[:count].tolist()
        ]
        start, end, looked, offset = kept[0].tolist()
        tail = end - start
        at += size
    return told


CHUNKS = st.lists(
    st.tuples(st.integers(1, 12), st.sampled_from([0, 0, 0, 3]), st.just(0), st.booleans()),
    min_size=1,
    max_size=8,
).map(
    lambda chunks: [(length, gap, 2 * i + 1, message) for i, (length, gap, _, message) in enumerate(chunks)]
)


@settings(max_examples=80)
@given(CHUNKS, st.integers(0, 18), st.data())
def test_windows_do_not_depend_on_how_chunks_come(chunks, stop, data):
    whole = windows_of(chunks, stop=stop, final=99, sizes=[len(chunks)])
    cuts = sorted(data.draw(st.sets(st.integers(0, len(chunks)), max_size=3)) | {0, len(chunks)})
    sizes = [b - a for a, b in itertools.pairwise(cuts)]
    assert windows_of(chunks, stop=stop, final=99, sizes=sizes) == whole
    # every byte is new in one window, and what is looked at again reaches back 4 bytes at most
    assert [new for _, new, _, _ in whole] == [0, *(end for _, _, end, _ in whole[:-1])]
    assert whole[-1][2] == sum(length for length, *_ in chunks)
    assert all(0 <= new - start <= 4 for start, new, _, _ in whole)


def test_tails_and_pieces_stand_one_behind_the_other():
    out = np.zeros(9, np.uint8)
    arena = np.frombuffer(b"XYZabc", np.uint8)
    kernels.gather(
        np.frombuffer(b".u.tt", np.uint8), np.array([3, 1]), np.array([2, 1]), arena,
        np.array([3, 0, 4]), np.array([3, 2, 1]), np.array([0, 1, 3]), out,
    )  # fmt: skip
    assert bytes(out) == b"ttabcuXYb"
