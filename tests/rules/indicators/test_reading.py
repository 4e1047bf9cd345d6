from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from citywall.errors import InputError
from rules.indicators import reading
from rules.indicators.model import Indicators


def read(tmp_path: Path, name: str, text: str) -> Indicators:
    (tmp_path / name).write_text(text, "utf-8")
    return reading.read([tmp_path / name])


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("a.txt", "# x\n203.0.113.1\n", ["203.0.113.1"]),
        (
            "a.txt",
            "0.0.0.0 bad.example worse.example\n127.0.0.1 localhost\n",
            ["bad.example", "worse.example"],
        ),
        ("a.csv", "type;value\ndomain;bad.example\n", ["bad.example"]),
        ("a.json", json.dumps({"type": "bundle", "objects": []}), []),
        ("a.json", json.dumps({"Event": {"info": "x", "Attribute": []}}), []),
        ("a.txt", "\ufeffbad.example\n", ["bad.example"]),
    ],
)
def test_the_form_of_a_list_is_seen_from_what_is_in_it(
    tmp_path: Path, name: str, text: str, values: list[str]
):
    found = read(tmp_path, name, text)
    assert [i.value for i in found.found] == values
    assert not found.refused


def test_what_is_no_list_is_said(tmp_path: Path):
    with pytest.raises(InputError, match="line 1: this is not JSON"):
        read(tmp_path, "a.json", "{nonsense")
    with pytest.raises(InputError, match="neither"):
        read(tmp_path, "a.json", '{"a": 1}')
    with pytest.raises(InputError, match=r"too deeply|not JSON"):
        read(tmp_path, "a.json", "[" * 100_000)
    with pytest.raises(InputError, match=r"none\.txt"):
        reading.read([tmp_path / "none.txt"])


@hypothesis_settings(max_examples=60)
@given(st.binary(max_size=300) | st.text("[]{}\"',:#abc=0.;|\n ", max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes):
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_bytes(data)
    try:
        found = reading.read([path])
    except InputError:
        return
    assert found.refused_count == len(found.refused)
