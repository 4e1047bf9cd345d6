from __future__ import annotations

import pytest

from citywall import pdf

WHEN = 1_714_564_800_000_000_000


def test_the_same_input_gives_the_same_bytes_and_bears_its_date():
    source = "= #data.title\n#for one in data.list [#one \\ ]"
    data = {"title": "通报 1 号", "list": ["a", "𪚥", '#import "x" *b*']}
    made = pdf.render(source, data, "zh", when=WHEN)
    assert made.startswith(b"%PDF-")
    assert b"CitywallSansSC" in made
    assert b"D:20240501120000Z" in made
    assert made == pdf.render(source, data, "zh", when=WHEN)
    assert made != pdf.render(source, data, "zh", when=WHEN + 10**9)


def test_a_drawing_in_data():
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><text y="8">门</text></svg>'
    made = pdf.render('#image(bytes(data.svg), format: "svg")', {"svg": svg}, "en", when=WHEN)
    assert made.startswith(b"%PDF-")


@pytest.mark.parametrize("source", ["#oops", '#read("/etc/hostname")', '#import "@preview/x:1.0.0"'])
def test_a_template_with_a_fault_or_an_eye_on_files(source: str):
    with pytest.raises(ValueError, match="template"):
        pdf.render(source, {}, "en", when=WHEN)
