from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust.records import MAX_LINE, MAX_TEXT, Entry, Head, Record, chained, iso, read

NOW = 1_700_000_000_123_456_789
ENTRY = Entry(who="li", role="analyst", action="cases.close", object="case:7", detail={"note": "误报"})


def test_a_record_holds_what_happened_and_its_place() -> None:
    record, line = chained(ENTRY, Head(6, "a" * 64, "b" * 64), NOW)
    assert (record.n, record.previous_sm3, record.previous_sha256) == (7, "a" * 64, "b" * 64)
    assert record.time == "2023-11-14T22:13:20.123456789Z"
    assert (record.who, record.role, record.action, record.outcome) == (
        "li",
        "analyst",
        "cases.close",
        "done",
    )
    assert read(line) == record
    assert read(line.rstrip()) == record
    assert record.head == Head(7, record.sm3, record.sha256)


def test_golden_line() -> None:
    """What anybody can check with `jq -cS 'del(.sm3,.sha256)'` and two hash programs."""
    _, line = chained(ENTRY, Head(), NOW)
    assert line.decode() == (
        '{"action":"cases.close","after":"","before":"","detail":{"note":"误报"},"n":1,"object":"case:7",'
        '"outcome":"done",'
        f'"previous_sha256":"{"0" * 64}","previous_sm3":"{"0" * 64}","reason":"","role":"analyst",'
        '"sha256":"79a9ce278a021ebc97bc532720d759a571b7005b80c10795f82abef35d55cfd9",'
        '"sm3":"93910280463797d5764742fef6ec253cef51b82b8315725def565f778e9566e8",'
        '"time":"2023-11-14T22:13:20.123456789Z","v":1,"via":"","who":"li"}\n'
    )


@given(st.data())
def test_any_byte_changed_is_seen(data: st.DataObject) -> None:
    _, line = chained(ENTRY, Head(), NOW)
    at = data.draw(st.integers(0, len(line) - 2))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != line[at]))
    with pytest.raises(ValueError):
        read(line[:at] + bytes([byte]) + line[at + 1 :])


@pytest.mark.parametrize(
    "line",
    [b"", b"\n", b"{}", b"null", b"[" * 60_000, b"\xff", b'{"n":1e999}', b'{"who":"\\ud800"}', b"9" * 5000],
    ids=lambda line: repr(line[:12]),
)
def test_what_is_no_record(line: bytes) -> None:
    with pytest.raises(ValueError):
        read(line)


def test_other_spellings_of_a_record_are_none() -> None:
    _, line = chained(ENTRY, Head(), NOW)
    for other in (
        line.replace(b'":', b'": ', 1),
        json.dumps(json.loads(line)).encode(),
        line.replace(b'"n":1', b'"n":1,"n":1'),
        line.replace(b'"n":1', b'"n":1.0'),
        line.replace(b'"v":1', b'"v":1,"x":1'),
    ):
        with pytest.raises(ValueError):
            read(other)


@given(
    st.text(),
    st.text(),
    st.dictionaries(st.text(), st.integers(-9, 1 << 62) | st.text() | st.lists(st.booleans())),
)
def test_whatever_is_written_is_read_again(who: str, reason: str, detail: dict[str, Any]) -> None:
    entry = Entry(who=who, role="viewer", action="a", object="b", reason=reason, detail=detail)
    record, line = chained(entry, Head(), NOW)
    assert line.count(b"\n") == 1
    assert read(line) == record


def test_texts_are_cut_and_made_utf_8() -> None:
    entry = Entry(who="\udcff", role="r", action="a", object="x" * 5000, detail={"k": ["y" * 5000]})
    record, _ = chained(entry, Head(), NOW)
    assert record.who == "\\udcff"
    assert (len(record.object), len(record.detail["k"][0])) == (MAX_TEXT, MAX_TEXT)
    assert record.object.endswith("...")


def test_too_much_or_without_canonical_form() -> None:
    for detail in ({"k": ["x" * 1000] * (MAX_LINE // 1000)}, {"k": 0.5}):
        with pytest.raises(ValueError):
            chained(Entry(who="a", role="b", action="c", object="d", detail=detail), Head(), NOW)


def test_times_sort_as_texts() -> None:
    times = [0, 1, 999_999_999, 10**9, NOW, NOW + 1]
    assert sorted(times) == sorted(times, key=iso)


def test_a_record_is_an_entry() -> None:
    assert issubclass(Record, Entry)
