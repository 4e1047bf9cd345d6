"""What parsers share."""

from __future__ import annotations

from ingest.flowlogs.lines import split
from ingest.flowlogs.parser import names_in, together
from ingest.flowlogs.zeek_json import ZeekJson

LINES = (
    b'{"ts":1,"id.orig_h":"10.0.0.1","id.resp_h":"10.0.0.2","proto":"udp"}\nx\n'
    b'{"ts":2,"id.orig_h":"10.0.0.3","id.resp_h":"10.0.0.2","proto":"udp"}\ny\n'
)


def test_parts_together_are_the_whole():
    parser, lines = ZeekJson(), split(LINES, 1)
    whole = parser.parse(lines, "")
    parts = together([parser.parse(lines.part(0, 2), ""), parser.parse(lines.part(2, 4), "")])
    for name, column in vars(whole.logged).items():
        assert getattr(parts.logged, name).tolist() == column.tolist()
    assert parts.errors == whole.errors
    assert parts.errors.places == {"not_json": [2, 4]}


def test_names_in():
    assert names_in(b'{"Id.Orig_H": 1, "x": 2}') == {"id_orig_h", "x"}
    assert names_in(b"[]") == names_in(b"x") == names_in(b"[" * 100_000) == set()
