"""Tables by declared fields: values, lines and every fault."""

from __future__ import annotations

from posture.fields import Bad, Field, identifier, number, text
from posture.nodes import parse
from posture.tables import TableReader

KNOWN = {
    "id": Field(identifier, required=True),
    "name": Field(text),
    "marks": Field(each=number(1, 5)),
    "people": Field(table={"name": Field(text, required=True)}),
}


def read(content: str) -> tuple[TableReader, dict]:
    tree, faults = parse(content, "x.yaml")
    assert tree is not None
    reader = TableReader("x.yaml", faults)
    return reader, reader.table(tree, KNOWN, "", {})


def test_values_and_lines():
    reader, values = read("id: a\nname: ~\nmarks: [1, 5]\npeople:\n  - name: B\n  - name: C\n")
    assert values == {"id": "a", "marks": [1, 5], "people": [{"name": "B"}, {"name": "C"}]}
    assert reader.faults == []
    assert reader.lines["people[2].name"] == reader.lines["people[2]"] == 6


def test_every_fault_with_its_line():
    reader, values = read("name: [x]\nmarks:\n  - 1\n  - 9\npeople:\n  - {nick: D}\nsize: 3\n")
    assert values == {"marks": [1, None], "people": [{}]}
    assert [(f.line, f.field, f.key) for f in reader.faults] == [
        (1, "name", "register_fault.not_text"),
        (4, "marks[2]", "register_fault.not_number"),
        (6, "people[1].nick", "register_fault.unknown"),
        (6, "people[1].name", "register_fault.missing"),
        (7, "size", "register_fault.unknown"),
        (1, "id", "register_fault.missing"),
    ]


def test_reasons_of_other_sections():
    reader = TableReader("x.yaml", [])
    reader.note(3, "a", Bad("other.reason", why="so"))
    assert (reader.faults[0].key, reader.faults[0].values) == ("other.reason", {"why": "so"})
