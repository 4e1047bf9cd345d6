from __future__ import annotations

import pytest

from posture.entries import read


def told(text: str) -> list[tuple[int, str, str]]:
    return [(f.line, f.field, f.key.removeprefix("register_fault.")) for f in read(text, "x.yaml").faults]


def test_values_and_lines():
    reading = read("version: 1\nzones:\n  - id: a\n    name: A\n    name_en: ~\n", "x.yaml")
    (entry,) = reading.entries
    assert (entry.section, entry.name, entry.line) == ("zones", "zones.a", 3)
    assert entry.values == {"id": "a", "name": "A"}
    assert entry.lines == {"id": 3, "name": 4, "name_en": 5}
    assert not reading.faults
    assert not reading.unsure
    assert not entry.broken
    fault = entry.fault("name", "same_id", id="a", place="y:1")
    assert fault.text("en") == "x.yaml, line 4: zones.a.name: 'a' is already taken (y:1)"
    assert fault.text("zh") == "x.yaml，第 4 行：zones.a.name：编号 'a' 已被占用（y:1）"


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", []),
        ("~", []),
        ("zones:\nassets: []\n", []),
        ("x", [(1, "", "not_map")]),
        ("- 1", [(1, "", "not_map")]),
        ("zones: {a: 1}", [(1, "zones", "not_list")]),
        ("rooms: []", [(1, "rooms", "unknown")]),
        ("version: 2", [(1, "version", "not_version")]),
        ("version: [1]", [(1, "version", "not_text")]),
        ("zones:\n  - 7", [(2, "zones[1]", "not_map")]),
        ("zones:\n  - id: a\n", [(2, "zones.a.name", "missing")]),
        ("zones:\n  - id: a\n    name:\n", [(3, "zones.a.name", "missing")]),
        ("zones:\n  - {name: A}", [(2, "zones[1].id", "missing")]),
        ("zones:\n  - {id: a, name: [A]}", [(2, "zones.a.name", "not_text")]),
        ("zones:\n  - {id: a, name: A, size: 1}", [(2, "zones.a.size", "unknown")]),
        (
            "units:\n  - id: a\n    name: A\n    persons:\n    - {name: N, role: x}\n    - 3\n    - {}\n",
            [
                (5, "units.a.persons[1].role", "not_choice"),
                (6, "units.a.persons[2]", "not_map"),
                (7, "units.a.persons[3].name", "missing"),
            ],
        ),
        (
            "assets:\n  - {id: a, name: A, addresses: [10.0.0.1, x, {}]}",
            [(2, "assets.a.addresses[2]", "not_prefix"), (2, "assets.a.addresses[3]", "not_text")],
        ),
        ("assets:\n  - {id: a, name: A, addresses: 10.0.0.1}", [(2, "assets.a.addresses", "not_list")]),
    ],
)  # fmt: skip
def test_faults(text: str, faults: list[tuple[int, str, str]]):
    assert told(text) == faults


def test_what_is_classified_is_refused_with_the_reason():
    text = "assets:\n  - id: a\n    name: A\n    addresses: [10.0.0.1]\n    classified: true\n"
    (fault,) = read(text, "x.yaml").faults
    assert (fault.line, fault.field) == (5, "assets.a.classified")
    assert "分级保护" in fault.reason("zh")
    assert "must not be entered" in fault.reason("en")
    for section in ("systems", "prefixes"):
        assert any(key == "classified" for _, _, key in told(f"{section}:\n  - classified: true\n"))


def test_it_is_known_what_is_not_known():
    assert read("zones: 1\n", "x").unsure == {"zones"}
    assert read("units:\n  - {id: 'a b', name: A}\n", "x").unsure == {"units"}
    assert read("units:\n  - {id: a, name: [A]}\n", "x").unsure == set()
    assert read("a: {\n", "x").unsure == {"units", "zones", "systems", "assets", "prefixes", "portals"}
