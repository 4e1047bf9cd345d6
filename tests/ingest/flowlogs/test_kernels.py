"""Kernels against slow obvious twins, on good and hostile text."""

from __future__ import annotations

import csv
import ipaddress
import json
import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, Decimal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from citywall.addresses import to_words
from citywall.batches import CLOSED, FLAG_NAMES, FLOW
from ingest.flowlogs import kernels
from ingest.flowlogs.fields import word_of
from ingest.flowlogs.kernels import ABSENT, BAD, GOOD

MODEST = settings(max_examples=150)
BOTH = st.lists(st.text("0123456789abcdefABCDEFx:.-+eE _TZ/", max_size=40), max_size=6)


@pytest.fixture(autouse=True)
def _wrapping():
    with np.errstate(over="ignore"):  # hashes wrap on purpose
        yield


def spans_of(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Texts end to end in one read-only buffer, without anything after the last."""
    raw = [text.encode() for text in texts]
    buffer = np.frombuffer(b"".join(raw), np.uint8)
    ends = np.cumsum([len(r) for r in raw], dtype=np.int64) if raw else np.zeros(0, np.int64)
    spans = np.stack([ends - [len(r) for r in raw], ends], axis=1) if raw else np.zeros((0, 2), np.int64)
    return buffer, np.ascontiguousarray(spans, np.int64)


def numbers(texts: list[str], power: int) -> list[int | None]:
    buffer, spans = spans_of(texts)
    out, ok = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.uint8)
    kernels.decimals(buffer, spans, power, out, ok)
    assert all((o == ABSENT) == (not t) for o, t in zip(ok, texts, strict=True))
    return [int(v) if o == GOOD else None for v, o in zip(out, ok, strict=True)]


def number_oracle(text: str, power: int) -> int | None:
    if re.fullmatch("0[xX][0-9a-fA-F]{1,8}", text):
        return int(text, 16) * 10**power
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text):
        return None
    value = Decimal(text)
    digits = value.as_tuple().digits
    cut = Decimal((0, digits[:19], value.as_tuple().exponent + max(0, len(digits) - 19)))
    if cut == 0:
        return 0
    if cut.adjusted() + power > 30:
        return None
    scaled = cut.scaleb(power, Context(prec=60, Emin=-(10**9), Emax=10**9))
    whole = int(scaled.quantize(Decimal(1), ROUND_HALF_UP, Context(prec=60, Emin=-(10**9), Emax=10**9)))
    return None if whole >= 1 << 63 else -whole if value.is_signed() else whole


@MODEST
@given(BOTH, st.sampled_from([0, 6, 9]))
@example(["9.223372036854775807", "9223372036854775807", "9223372036854775808", "18446744073709551616"], 0)
@example(["1e-400", "1e400", "0e999999999999", "1e18", "1e19", "00000000000000000000001.5", "0x", "0xg"], 0)
@example(
    ["0.0018720000000023163", "9.059e-05", ".5", "5.", ".", "-", "1e", "1e+", "0.4999999999999999999999"], 9
)
def test_decimals(texts: list[str], power: int):
    assert numbers(texts, power) == [number_oracle(text, power) for text in texts]


@MODEST
@given(st.lists(st.floats(0, 4e9, allow_nan=False), max_size=5))
def test_decimals_of_floats(values: list[float]):
    texts = [repr(value) for value in values]
    assert numbers(texts, 9) == [number_oracle(text, 9) for text in texts]


def instants(texts: list[str]) -> list[int | None]:
    buffer, spans = spans_of(texts)
    out, ok = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.uint8)
    kernels.times(buffer, spans, out, ok)
    return [int(v) if o == GOOD else None for v, o in zip(out, ok, strict=True)]


def instant_oracle(text: str) -> int | None:
    if len(text) >= 19 and text[4] in "-/":
        form = re.fullmatch(
            r"(\d{4})([-/])(\d\d)\2(\d\d)[T t](\d\d:\d\d:\d\d)([.,]\d+)?([Zz]|[+-]\d\d:?\d\d)?",
            text,
            re.ASCII,
        )
        if not form or not 1970 <= int(form[1]) <= 2261:
            return None
        zone = "+00:00" if form[7] in {None, "Z", "z"} else form[7]
        if zone[-2:] > "59" or zone[1:3] > "23":
            return None
        try:
            when = datetime.fromisoformat(f"{form[1]}-{form[3]}-{form[4]}T{form[5]}{zone}")
        except ValueError:
            return None
        fraction = int((form[6] or ".0")[1:10].ljust(9, "0"))
        return int((when - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 10**9 + fraction
    seconds = number_oracle(text, 9) if "x" not in text.lower() else None
    milliseconds = number_oracle(text, 6) if "x" not in text.lower() else None
    return milliseconds if seconds is None else seconds


@MODEST
@given(
    st.lists(
        st.builds(
            "{:%Y-%m-%d}{}{:%H:%M:%S}{}{}".format,
            moment := st.datetimes(
                datetime.fromisoformat("1971-01-01"), datetime.fromisoformat("2260-01-01")
            ),
            st.sampled_from("T t"),
            moment,
            st.sampled_from(["", ".5", ".123456", ",1234567891", "."]),
            st.sampled_from(["", "Z", "z", "+08:00", "-0330", "+8", "+99:00", "x"]),
        ),
        max_size=4,
    )
)
def test_times_of_calendars(texts: list[str]):
    assert instants(texts) == [instant_oracle(text) for text in texts]


@MODEST
@given(BOTH)
@example(["1538417893123", "1700828217.314165", "2018/12/18 14:00:00.075359", "2021-02-29T00:00:00Z"])
@example(["2024-02-29T23:59:59", "2024-13-01T00:00:00", "1969-12-31T00:00:00", "2018-12/18 14:00:00", ""])
def test_times_of_anything(texts: list[str]):
    assert instants(texts) == [instant_oracle(text) for text in texts]


def words_of_addresses(texts: list[str]) -> list[tuple[int, int] | None]:
    buffer, spans = spans_of(texts)
    hi, lo = np.zeros(len(texts), np.uint64), np.zeros(len(texts), np.uint64)
    ok = np.zeros(len(texts), np.uint8)
    kernels.addresses(buffer, spans, hi, lo, ok)
    assert all(o != BAD or not (h or v) for o, h, v in zip(ok, hi, lo, strict=True))
    return [(int(h), int(v)) if o == GOOD else None for h, v, o in zip(hi, lo, ok, strict=True)]


def address_oracle(text: str) -> tuple[int, int] | None:
    try:
        return to_words(text)
    except ValueError:
        return None


@MODEST
@given(st.lists(st.ip_addresses(), max_size=5), st.data())
def test_addresses(addresses: list, data: st.DataObject):
    texts = []
    for address in addresses:
        text = data.draw(st.sampled_from([str(address), address.exploded]))
        if data.draw(st.booleans()):  # spoil it
            at = data.draw(st.integers(0, len(text)))
            text = text[:at] + data.draw(st.text("0:.fg", max_size=3)) + text[at + 1 :]
        texts.append(text)
    assert words_of_addresses(texts) == [address_oracle(text) for text in texts]


@MODEST
@given(st.lists(st.text("0123456789abcdef:.", max_size=20), max_size=6))
@example(["::", "::1", "1::", ":::", "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1::2::3"])
@example(
    ["::ffff:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "1.2.3.4:", "1.2.3", "01.2.3.4", "256.1.1.1", ":1", "1:"]
)
def test_addresses_of_anything(texts: list[str]):
    assert words_of_addresses(texts) == [address_oracle(text) for text in texts]


def test_an_address_too_long_is_none():
    assert words_of_addresses(["0:" * 60 + "1"]) == [None]
    assert address_oracle("1:2:3:4:5:6:7:8") == words_of_addresses(["1:2:3:4:5:6:7:8"])[0]
    assert ipaddress.ip_address("::ffff:1.2.3.4") is not None


KEYS = ["ts", "id.orig_h", "proto", "nothing"]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.sampled_from([*KEYS, "ID.ORIG_H", "id_orig_h", "other", ""]), VALUES, max_size=6)


def json_texts(lines: list[bytes]) -> list[list[bytes] | None]:
    buffer = np.frombuffer(b"\n".join(lines), np.uint8)
    sizes = np.array([len(line) for line in lines], np.int64)
    starts = np.cumsum(sizes + 1) - sizes - 1
    spans, status = np.zeros((len(lines), len(KEYS), 2), np.int64), np.zeros(len(lines), np.uint8)
    keys = np.array([word_of(key) for key in KEYS], np.uint64)
    kernels.json_spans(buffer, starts, starts + sizes, keys, spans, status)
    data = b"\n".join(lines)
    return [None if status[r] else [data[a:b] for a, b in spans[r].tolist()] for r in range(len(lines))]


def json_oracle(line: bytes) -> dict | None:
    try:
        value = json.loads(line, parse_constant=lambda _: 1 / 0)
    except (ValueError, ZeroDivisionError):
        return None
    return value if isinstance(value, dict) else None


def check_json(lines: list[bytes]) -> None:
    for line, got in zip(lines, json_texts(lines), strict=True):
        value = json_oracle(line)
        assert (got is None) == (value is None), line
        if value is None:
            continue
        named = {key.lower().replace(".", "_"): v for key, v in value.items()}
        for key, text in zip(KEYS, got, strict=True):
            want = named.get(key.replace(".", "_"))
            if isinstance(want, str):
                assert json.loads(b'"' + text + b'"') == want
            elif want is None:
                assert text == b""
            else:
                assert json.loads(text) == want


@MODEST
@given(st.lists(OBJECTS, min_size=1, max_size=4), st.booleans())
def test_json_objects(objects: list[dict], plain: bool):
    check_json([json.dumps(o, ensure_ascii=plain).encode() for o in objects])


@MODEST
@given(OBJECTS, st.data())
@example({}, None)
def test_spoilt_json(value: dict, data: st.DataObject | None):
    text = json.dumps(value)
    if data is not None:
        at = data.draw(st.integers(0, len(text)))
        text = (
            text[:at]
            + data.draw(st.text('{}[]",:\\01.eEtfn \t', max_size=3))
            + text[at + data.draw(st.integers(0, 2)) :]
        )
    check_json([text.encode()])


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "}",
        "[]",
        "1",
        '{"ts":}',
        '{"ts":1,}',
        '{"ts":01}',
        '{"ts":-}',
        '{"ts":1.}',
        '{"ts":1e}',
        '{"ts":1}x',
        '{"ts":"\\u12"}',
        '{"ts":"\\u12zz"}',
        '{"ts":"\\',
        '{"ts":"a\tb"}',
        '{"ts":nul}',
        '{"ts":tru',
        '{"ts":[1,]}',
        '{"ts":[}',
        '{"ts":{]}',
        "{ts:1}",
        '{"ts" 1}',
        '{"ts"',
        '{"ts":[1}',
        "{,}",
        '{"a":1 "b":2}',
        ' {"ts" : 1 , "proto" : [ { "ts" : 5 } ] } ',
        '{"ts":1,"ts":2}',
        '{"ts":{"ts":7},"proto":"x"}',
        '{"ts":' + "[" * 40 + "]" * 40 + "}",
        "{}",
        '{"ts":false,"proto":null}',
    ],
)
def test_json_corners(line: str):
    check_json([line.encode()])


def test_json_too_deep_is_refused():
    assert json_texts([b'{"ts":' + b"[" * 100 + b"]" * 100 + b"}"]) == [None]


def cut(lines: list[str], slots: list[int], *, quotes: bool = False, spill: bool = False) -> list:
    buffer = np.frombuffer("\n".join(lines).encode() + b"\n", np.uint8)
    sizes = np.array([len(line.encode()) for line in lines], np.int64)
    starts = np.cumsum(sizes + 1) - sizes - 1
    spans, status = np.zeros((len(lines), max(slots) + 1, 2), np.int64), np.zeros(len(lines), np.uint8)
    unset, empty = (np.frombuffer(b"-\0", np.uint8)[:-1], np.frombuffer(b"\0", np.uint8)[:-1])
    rules = np.array([quotes, spill, False], np.uint8)
    kernels.delimited_spans(
        buffer,
        starts,
        starts + sizes,
        ord(","),
        np.array(slots, np.int64),
        rules,
        unset,
        empty,
        spans,
        status,
    )
    raw = buffer.tobytes()
    return [(int(status[r]), [raw[a:b].decode() for a, b in spans[r].tolist()]) for r in range(len(lines))]


@MODEST
@given(st.lists(st.text('ab,-" ', max_size=12), min_size=1, max_size=5), st.permutations([0, 1, 2, -1]))
def test_delimited_lines(lines: list[str], slots: list[int]):
    for line, (status, got) in zip(lines, cut(lines, slots), strict=True):
        columns = line.split(",")
        assert status == (3 if len(columns) < 4 else 4 if len(columns) > 4 else 0)
        want = ["", "", ""]
        for slot, text in zip(slots, columns, strict=False):
            if slot >= 0:
                want[slot] = "" if text == "-" else text
        assert got == want


@MODEST
@given(
    st.lists(
        st.lists(st.text("ab,x ", max_size=5).filter(lambda t: t != "-"), min_size=2, max_size=2),
        min_size=1,
        max_size=4,
    )
)
def test_quoted_lines(rows: list[list[str]]):
    class Out(list):
        write = list.append

    out = Out()
    csv.writer(out, lineterminator="").writerows(rows)
    assert cut(list(out), [0, 1], quotes=True) == [(0, row) for row in rows]


def test_a_quote_that_never_closes_and_a_spill():
    assert cut(['"abc,d', "a,b,c"], [0, 1], quotes=True)[0][0] == 3
    assert cut(["a,b,c"], [0, 1], spill=True) == [(0, ["a", "b"])]


@MODEST
@given(st.lists(st.text(max_size=12), max_size=4))
def test_words(texts: list[str]):
    texts = [t for t in texts if t.isascii()]
    buffer, spans = spans_of(texts)
    out = np.zeros(len(texts), np.uint64)
    kernels.words(buffer, spans, out)
    assert out.tolist() == [word_of(text) for text in texts]


@MODEST
@given(
    st.lists(
        st.text("0123456789abcdefABCDEF:-g", max_size=18)
        | st.from_regex("([0-9A-Fa-f]{2}:){5}[0-9a-f]{2}", fullmatch=True),
        max_size=4,
    )
)
def test_macs(texts: list[str]):
    buffer, spans = spans_of(texts)
    out = np.zeros(len(texts), np.uint64)
    kernels.macs(buffer, spans, out)
    form = re.compile("([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}")
    assert out.tolist() == [int(t.replace(":", ""), 16) if form.fullmatch(t) else 0 for t in texts]


LETTERS = {"s": 2, "h": 18, "a": 16, "d": 24, "f": 17, "r": 4, "i": 5, "q": 3}


@MODEST
@given(st.lists(st.text("shadfriqcgtw^SHADFRIQCGTWx", max_size=10), max_size=4))
def test_histories(texts: list[str]):
    buffer, spans = spans_of(texts)
    src, dst, first = (np.zeros(len(texts), np.uint8) for _ in range(3))
    kernels.history_flags(buffer, spans, src, dst, first)
    for r, text in enumerate(texts):
        upper = lower = begun = 0
        for letter in text:
            bits = LETTERS.get(letter.lower(), 0)
            begun = begun or bits
            if letter.isupper():
                upper |= bits
            else:
                lower |= bits
        assert (src[r], dst[r], first[r]) == (upper, lower, begun)


@MODEST
@given(st.lists(st.text("FSRPAUEC_x", max_size=8), max_size=4))
def test_argus_states(texts: list[str]):
    buffer, spans = spans_of(texts)
    src, dst, ok = (np.zeros(len(texts), np.uint8) for _ in range(3))
    kernels.state_flags(buffer, spans, src, dst, ok)
    bit = {letter: 1 << i for i, letter in enumerate("FSRPAUEC")}
    for r, text in enumerate(texts):
        good = re.fullmatch("([FSRPAUEC]*)_([FSRPAUEC]*)", text)
        want = [sum(bit[c] for c in set(side)) for side in good.groups()] if good else [0, 0]
        assert [src[r], dst[r]] == want
        assert ok[r] == (GOOD if good else BAD if text else ABSENT)


def test_flow_ids_tell_flows_apart():
    n = 64
    base = [np.zeros(n, np.uint64) for _ in range(4)]
    ports, proto, vlan = np.zeros(n, np.uint32), np.zeros(n, np.uint8), np.zeros(n, np.uint32)
    first, line = np.zeros(n, np.int64), np.zeros(n, np.int64)
    columns = [*base, ports, proto, vlan, first, line]
    for i, column in enumerate(columns):
        column[i + 1] = 1  # row i + 1 differs from row 0 in column i alone
    out = np.zeros(n, np.uint64)
    kernels.flow_ids(*columns, out)
    assert len(set(out[: len(columns) + 1].tolist())) == len(columns) + 1
    again = np.zeros(n, np.uint64)
    kernels.flow_ids(*columns, again)
    assert (out == again).all()


def test_closed_flows_tell_what_their_totals_do():
    rng = np.random.default_rng(5)
    flows = rng.integers(0, 256, 40 * FLOW.itemsize, np.uint8).view(FLOW)
    flows["src_packets"][:9], flows["dst_packets"][3:12] = 0, 0
    macs = rng.integers(0, 1 << 48, (2, 40), np.uint64)
    wanted = np.zeros(40, CLOSED)
    wanted["flow_id"], wanted["src_mac"], wanted["dst_mac"] = flows["flow_id"], *macs
    for name in ("packets", "bytes"):
        both = flows[f"src_{name}"] + flows[f"dst_{name}"]
        of = (("both", both), ("src", flows[f"src_{name}"]), ("dst", flows[f"dst_{name}"]))
        for side, total in of:
            mean = f"{side}_size_mean"
            wanted[mean] = np.maximum(total, 1) if name == "packets" else total / wanted[mean]
    for side in ("src", "dst"):
        for bit, flag in enumerate(FLAG_NAMES):
            wanted[f"{side}_{flag}"] = flows[f"{side}_flags"] >> bit & 1
    got = np.zeros(40, CLOSED)
    kernels.closed_flows(flows, *macs, got)
    for name in CLOSED.names:
        assert (got[name] == wanted[name]).all(), name


LISTS = st.lists(st.text('aB., "[]é', max_size=14), max_size=5)


@MODEST
@given(LISTS)
def test_items_of_lists(texts: list[str]):
    buffer, spans = spans_of(texts)
    room = kernels.separators(buffer, spans) + len(texts)
    words, places, rows = np.zeros(room, np.uint64), np.zeros(room, np.uint16), np.zeros(room, np.int64)
    n = kernels.items(buffer, spans, words, places, rows)
    wanted = []
    for r, text in enumerate(texts):
        place = 0
        for part in text.split(","):
            found = re.match(r'[\x00-\x20"\[\]]*([^"\]]*)', part)
            if item := found[1]:
                wanted.append((word_of(item), place, r))
                place += 1
    assert list(zip(words[:n].tolist(), places[:n].tolist(), rows[:n].tolist(), strict=True)) == wanted


@MODEST
@given(LISTS, st.integers(0, 12))
def test_lists_as_text(texts: list[str], room: int):
    buffer, spans = spans_of(texts)
    out = np.full((len(texts), 12), 32, np.uint8)
    kernels.listed(buffer, spans, np.full(len(texts), room), out)
    for r, text in enumerate(texts):
        wanted = b""
        for item in re.findall(rb'[^,"\[\]\x00-\x20]+', text.encode()):
            more = wanted + b" " * bool(wanted) + bytes(63 if c > 126 else c for c in item.lower())
            if len(more) > room:
                break
            wanted = more
        assert out[r].tobytes().rstrip() == wanted
