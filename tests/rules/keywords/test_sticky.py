from __future__ import annotations

import pytest

from rules.keywords.sticky import ALIASES, BUFFERS, MODIFIERS
from rules.language.model import TO_CLIENT
from tests.rules.keywords.reading import read, refused


@pytest.mark.parametrize("kind", sorted(set(BUFFERS) - {"krb5.ticket_encryption"}))
def test_every_buffer_is_set_by_its_name(kind: str):
    protocols = sorted(BUFFERS[kind].protocols)
    rule = read(f'{kind}; content:"a";', protocols[0] if protocols else "ip")
    assert rule.buffers[0].kind == kind


def test_old_names_stand_for_todays():
    assert set(ALIASES.values()) <= set(BUFFERS)
    assert set(MODIFIERS.values()) <= set(BUFFERS)
    assert read('file_data; content:"a";', "http").buffers[0].kind == "file.data"


def test_a_side_may_be_said():
    rule = read('http.connection: to_client; content:"a"; http.uri; content:"b";', "http", "=>")
    assert rule.buffers[0].side == TO_CLIENT
    assert "takes no value" in refused('http.uri: to_client; content:"a";', "http")
