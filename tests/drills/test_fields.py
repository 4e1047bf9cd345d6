"""What fields of scenarios and truth files may hold."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drills import fields
from posture.fields import Bad
from posture.nodes import Scalar


def scalar(text: str) -> Scalar:
    return Scalar(1, text, plain=True)


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (fields.paragraph, " two\nlines \n", "two\nlines"),
        (fields.moment, "2026-03-02T09:00:00+08:00", 1_772_413_200 * 10**9),
        (fields.technique, "T1110.001", "T1110.001"),
        (fields.path, "a/b.pcap", "a/b.pcap"),
        (fields.whole, "1772413200000000000", 1_772_413_200 * 10**9),
        (fields.optional, "", ""),
        (fields.optional, "scan", "scan"),
        (fields.version, "1", 1),
    ],
)
def test_what_they_hold(read, text, value):
    assert read(scalar(text)) == value


@pytest.mark.parametrize(
    ("read", "text", "key"),
    [
        (fields.paragraph, "  \n", "empty"),
        (fields.paragraph, "x" * 4001, "too_long"),
        (fields.paragraph, "\x1b[31m", "control"),
        (fields.moment, "2026-03-02T09:00:00", "drill_fault.not_time"),
        (fields.moment, "tomorrow", "drill_fault.not_time"),
        (fields.moment, "2026-13-02T09:00:00Z", "drill_fault.not_time"),
        (fields.moment, "9999-01-01T09:00:00Z", "drill_fault.not_time"),
        (fields.technique, "1046", "drill_fault.not_technique"),
        (fields.path, "../../secret", "drill_fault.path_up"),
        (fields.whole, "-1", "not_number"),
        (fields.whole, str(1 << 63), "not_number"),
        (fields.version, "2", "drill_fault.not_version"),
    ],
)
def test_what_they_do_not(read, text, key):
    with pytest.raises(Bad) as caught:
        read(scalar(text))
    assert caught.value.key == key


@settings(max_examples=50, deadline=None)
@given(
    st.text(max_size=40),
    st.sampled_from([fields.paragraph, fields.moment, fields.technique, fields.path, fields.whole]),
)
def test_any_text_is_a_value_or_bad(text, read):
    with contextlib.suppress(Bad):
        assert read(scalar(text)) is not None
