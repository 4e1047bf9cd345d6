from __future__ import annotations

import pytest

from ingest.portals import hiding
from ingest.portals.hiding import Sheets, declarations


@pytest.mark.parametrize(
    ("style", "attributes", "word"),
    [
        ("display:none", {}, "display"),
        ("DISPLAY : NONE !important", {}, "display"),
        ("visibility:hidden", {}, "visibility"),
        ("opacity:0", {}, "opacity"),
        ("font-size:0px", {}, "size"),
        ("line-height:0", {}, "size"),
        ("position:absolute;left:-9999px", {}, "offscreen"),
        ("position:fixed; top: -80em", {}, "offscreen"),
        ("text-indent:-999px", {}, "offscreen"),
        ("overflow:hidden;height:1px", {}, "size"),
        ("", {"width": "0", "height": "0"}, "size"),
        ("", {"height": "1px"}, "size"),
        ("clip:rect(0, 0, 0, 0)", {}, "clip"),
        ("color:#FFF", {}, "colour"),
        ("color:white;background:#ffffff url(a)", {}, "colour"),
        ("color: rgb(10, 20, 30); background-color: #0a141e", {}, "colour"),
        ("", {"hidden": ""}, "hidden"),
        ("display:block;position:absolute;left:-10px", {}, ""),
        ("font-size:12px;line-height:1.5", {}, ""),
        ("opacity:0.9;color:#333", {}, ""),
        ("height:0;overflow:visible", {}, ""),
        ("width:100%;max-height:300px;overflow:hidden", {}, ""),
        ("left:-9999px", {}, ""),  # moves nothing without a position
    ],
)
def test_how_an_element_is_hidden(style: str, attributes: dict[str, str], word: str) -> None:
    assert hiding.how(declarations(style), attributes, "ffffff") == word


def test_sheets_hide_by_tag_class_and_id_but_not_for_print() -> None:
    sheets = Sheets()
    sheets.read(
        "/* .a{} */ .m, #n {display:none} @media print { .p {opacity:0} } marquee{height:0;overflow:hidden}"
    )
    sheets.read("@import url(x.css); .after{opacity:0}")
    sheets.scripted("document.getElementById('s').style.display = \"none\";")
    assert sheets.style("div", {"class": "x m"})["display"] == "none"
    assert sheets.style("div", {"id": "n"})["display"] == "none"
    assert sheets.style("div", {"id": "s"})["display"] == "none"
    assert sheets.style("marquee", {})["height"] == "0"
    assert sheets.style("p", {"class": "after"})["opacity"] == "0"
    assert not sheets.style("div", {"class": "p"})
    assert sheets.style("div", {"class": "m", "style": "display:block"})["display"] == "block"


@pytest.mark.parametrize(
    "sheet", ["{" * 99999, "}" * 99999, "@media" * 50000, "/*" * 99999, "a{b:c;" * 30000, "a,"]
)
def test_broken_sheets_say_nothing(sheet: str) -> None:
    sheets = Sheets()
    sheets.read(sheet)
    assert not sheets.style("p", {"class": "c"})
