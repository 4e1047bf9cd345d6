"""Files, certificates and notices as rows; what single logs tell of them is tried with each kind of log."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

from citywall.batches import EVENT, TEXT
from ingest.flowlogs import artefacts, said
from ingest.flowlogs.fields import Fields, read_json
from ingest.flowlogs.lines import Lines
from ingest.flowlogs.said import Said


def fields_of(rows: list[dict[str, object]], *names: str) -> Fields:
    text = [json.dumps(row).encode() for row in rows]
    ends = np.cumsum([len(line) + 1 for line in text]) - 1
    starts = np.append(0, ends[:-1] + 1)
    lines = Lines(np.frombuffer(b"\n".join(text) + b"\n", np.uint8), starts, ends, np.arange(len(rows)))
    fields = Fields(lines, names)
    read_json(fields)
    return fields


@pytest.mark.parametrize("seed", range(5))
def test_any_texts_fit_and_digits_stand_at_their_places(seed: int):
    """Against what a loop over rows would write, whatever is there and however long it is."""
    rng = random.Random(seed)
    names = ("name", "mime", "seen", "whole", "sha256", "sha1", "md5", "source")
    sizes = {"sha256": 64, "sha1": 40, "md5": 32}

    def value(name: str) -> str:
        if name in sizes and rng.random() < 0.7:
            return "".join(rng.choices("0123456789abcdefABCDEF", k=sizes[name]))
        return "".join(rng.choices("xyz", k=rng.choice([0, 1, 32, 40, 64, 90])))

    rows = [{name: value(name) for name in names if rng.random() < 0.8} for _ in range(200)]
    for row in rows:
        row |= {"seen": rng.randrange(1 << 40), "whole": rng.randrange(9)}
    fields = fields_of(rows, *names)
    blank = Said(np.zeros(len(rows), EVENT), fields.lines.numbers)
    told = artefacts.files(fields, blank, artefacts.FileNames("name", "mime", "seen", "whole"), "source").rows
    for row, event in zip(rows, told, strict=True):
        digits = ""
        for name, size in sizes.items():
            good = len(row.get(name, "")) == size and not set(row[name].lower()) & set("xyz")
            digits += row[name].lower() if good else " " * size
        expected = row.get("name", "")[:66] + row.get("mime", "")[:40] + digits.rstrip()
        assert bytes(event["text"]) == expected.encode().ljust(TEXT, b"\0")
        assert event["agent_size"] == len(digits.rstrip())
        assert event["size"] == min(row["seen"], 0xFFFF_FFFF)


def test_ends_change_places_where_asked():
    rows = np.zeros(2, EVENT)
    rows["src_lo"], rows["dst_lo"], rows["src_port"], rows["dst_port"] = [1, 2], [3, 4], [5, 6], [7, 8]
    artefacts.turn(Said(rows, np.arange(2)), np.array([False, True]))
    assert (rows["src_lo"].tolist(), rows["dst_lo"].tolist()) == ([1, 4], [3, 2])
    assert (rows["src_port"].tolist(), rows["dst_port"].tolist()) == ([5, 8], [7, 6])


def test_the_first_of_several_hosts_is_the_end():
    fields = fields_of([{"h": ["10.0.0.1", "10.0.0.2"]}, {"h": "nobody"}, {}], "h")
    told = Said(np.zeros(3, EVENT), fields.lines.numbers)
    told.rows["src_lo"] = 9
    artefacts.first_host(fields, told, "src", "h")
    assert told.rows["src_lo"].tolist() == [0xFFFF_0A00_0001, 9, 9]
    assert fields.status.tolist() == [0, 0, 0]


def test_nothing_of_no_lines():
    assert len(said.together(Said(), Said()).rows) == 0
