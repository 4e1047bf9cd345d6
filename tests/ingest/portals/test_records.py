"""Records on paper and as rows, and files of them that are no good."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall import batches as b
from citywall.addresses import to_text
from citywall.portals import DRIFT_CODES
from ingest.portals import records
from ingest.portals.visits import Drift, Record

RECORD = Record(
    "www", "https://www.city.example.gov.cn/", 1_790_000_000 * 10**9, previous=1_789_000_000 * 10**9,
    status=200, source="10.0.0.9", address="2001:db8::5", port=443, learned=3,
    drifts=(Drift("hidden", "a.example.com", 2, grave=True, began=5, before=1), Drift("expiry", "3", 10_003)),
)  # fmt: skip


def test_a_line_is_read_as_it_was_written() -> None:
    line = records.line_of(RECORD)
    assert line.endswith(b"\n")
    assert b"\n" not in line[:-1]
    assert records.read(line) == RECORD


def test_rows_have_what_detection_needs() -> None:
    rows, of = records.rows_of([Record("x", "http://x/", 1), RECORD])
    assert of.tolist() == [1, 1]
    row = rows[0]
    assert (row["kind"], row["type"], row["number"], row["size"]) == (
        b.PORTAL_DRIFT,
        DRIFT_CODES["hidden"],
        2,
        1,
    )
    assert (row["flags"], row["answers"], row["dst_port"], row["code"]) == (b.PORTAL_GRAVE, 5, 443, 200)
    assert to_text(int(row["dst_hi"]), int(row["dst_lo"])) == "2001:db8::5"
    assert bytes(row["text"]).rstrip(b"\0") == b"wwwhttps://www.city.example.gov.cn/a.example.com"
    assert rows["digest"][0] == rows["digest"][1]
    assert rows["answer_lo"][0] != rows["answer_lo"][1]


@settings(max_examples=40)
@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300), st.integers(0, 1 << 70))
def test_texts_are_cut_between_letters(portal: str, url: str, value: str, measure: int) -> None:
    rows, _ = records.rows_of([Record(portal, url, 1, (Drift("words", value, measure),))])
    size = int(rows["name_size"][0]) + int(rows["rest_size"][0]) + int(rows["agent_size"][0])
    assert size <= b.TEXT
    bytes(rows["text"][0])[:size].decode()


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (RECORD, ""),
        (Record("w", "u", -1), "bad_number"),
        (Record("w", "u", 1 << 63), "bad_number"),
        (Record("w", "u", 1, port=70000), "bad_number"),
        (Record("w", "u", 1, (Drift("words", began=-1),)), "bad_number"),
        (Record("w", "u", 1, (Drift("nothing"),)), "bad_outcome"),
        (Record("w", "u", 1, (Drift("none"),)), "bad_outcome"),
        (Record("w", "u", 1, (Drift("words", measure=-1),)), "bad_outcome"),
        (Record("w", "u", 1, address="here"), "bad_address"),
    ],
)
def test_what_a_file_may_say(record: Record, reason: str) -> None:
    assert records.sound(record) == reason
