from __future__ import annotations

from rules.language.model import BufferCheck, Content, Rule


def test_what_counts_from_the_last_match():
    assert Content(b"a", distance=0).relative
    assert Content(b"a", within=3).relative
    assert not Content(b"a", offset=0).relative


def test_the_payload_is_one_of_the_buffers():
    rule = Rule("alert", "tcp", "", "-", 1)
    assert rule.payload() is None
    rule.buffers.append(BufferCheck("payload"))
    assert rule.payload() is rule.buffers[0]
