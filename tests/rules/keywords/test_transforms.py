from __future__ import annotations

import pytest

from rules.keywords.transforms import KEYWORDS
from rules.match.transform import changed
from tests.rules.keywords.reading import read, refused

VALUES = {
    "xor": '"0a"',
    "pcrexform": '"(a)"',
    "subslice": "1,2",
    "from_base64": "offset 1",
    "gunzip": "max-size 9",
}


@pytest.mark.parametrize("name", sorted(KEYWORDS))
def test_every_transform_is_read_and_done(name: str):
    value = f":{VALUES[name]}" if name in VALUES else ""
    rule = read(f'http.uri; {name}{value}; content:"a";', "http")
    (transform,) = rule.buffers[0].transforms
    assert transform.name == name
    assert isinstance(changed(b"Some a bytes", [transform]), bytes)


def test_refused():
    assert "sticky buffer" in refused('to_lowercase; content:"a";')
    assert "hexadecimal" in refused('http.uri; xor:"zz"; content:"a";', "http")
    assert "mode" in refused('http.uri; from_base64: mode odd; content:"a";', "http")
    assert "max-size" in refused('http.uri; gunzip: max-size x; content:"a";', "http")
