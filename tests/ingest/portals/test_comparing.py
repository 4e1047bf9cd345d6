"""What of a visit is drift, what is learned, what is accepted."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from citywall.portals import PAST_DAYS, Portal
from ingest.portals import comparing, page
from ingest.portals.certificates import Shown
from ingest.portals.visits import SEARCH, SPIDER, Answer, Drift, Known, Visit
from tests.websites import DARK, PAGE

URL = "https://www.city.example.gov.cn/"
PORTAL = Portal("www", "门户", (URL,), domains=("*.gov.cn",))
DAY = 86_400
NOW = 1_790_000_000
GOOD = Shown("f", "sha256/a", "O=CFCA", "CN=www", "1", 0, NOW + 300 * DAY, ("www.city.example.gov.cn",))


def visit(body: str = PAGE, status: int = 200, **more: Any) -> Visit:
    answer = Answer(status, page=page.read(body, URL))
    given = {"certificate": GOOD, "answer": answer} | more
    return Visit("www", URL, NOW * 10**9, **given)


def known(*visits: Visit, portal: Portal = PORTAL, learn: int = 2) -> Known:
    found = Known()
    for each in visits or (visit(), visit()):
        found = comparing.learned(portal, found, each, learn)
    return found


def drifts(each: Visit, before: Known | None = None, portal: Portal = PORTAL) -> dict[str, Drift]:
    return {d.kind: d for d in comparing.drifts(portal, known() if before is None else before, each, 2)}


def other(body: str, how: str = SPIDER) -> dict[str, Answer]:
    return {how: Answer(200, page=page.read(body, URL))}


def test_what_is_as_known_is_no_drift() -> None:
    assert drifts(visit()) == {}
    assert drifts(visit(PAGE + "<p>今天的新闻很多很多</p>", others=other(PAGE))) == {}


@pytest.mark.parametrize(
    ("each", "kinds"),
    [
        (visit("<title>hacked</title>" + "we were here " * 99), {"rewritten", "title"}),
        (visit(PAGE + "<script src=//x.example.com/a.js></script>"), {"script"}),
        (visit(PAGE + "<iframe src=//x.example.com></iframe>"), {"frame"}),
        (visit(PAGE + "<form action=http://x.example.com></form>"), {"form"}),
        (visit(PAGE + "<a href=http://x.example.com>x</a>"), {"links"}),
        (visit(PAGE + "<script src=//cdn.gov.cn/a.js></script><a href=http://edu.gov.cn>x</a>"), set()),
        (visit(PAGE + "<div style=display:none><a href=//x.example.com>x</a></div>"), {"hidden"}),
        (visit(PAGE + "百家乐"), {"words"}),
        (visit(PAGE + "<meta http-equiv=refresh content='0;url=//x.example.com'>"), {"refresh"}),
        (visit(others=other(PAGE + "<a href=//x.example.com>百家乐</a>")), {"cloaked"}),
        (visit(others=other("<p>" + "完全不同的页面内容" * 50)), {"cloaked"}),
        (visit(others={SEARCH: Answer(302, away="x.example.com")}), {"cloaked"}),
        (visit(answer=Answer(302, away="x.example.com")), {"redirected"}),
        (visit(answer=Answer(302, away="sso.gov.cn")), set()),
        (visit(answer=Answer(error="timeout")), {"down"}),
        (visit(answer=Answer(502)), {"down"}),
        (visit("<h1>Forbidden</h1>" * 99, status=403), {"status"}),
        (visit("<h1>Bad Gateway</h1>" * 99, status=502), {"down"}),
        (visit(others={SPIDER: Answer(403, page=page.read("<h1>Forbidden</h1>" * 99, URL))}), set()),
    ],
)
def test_drifts(each: Visit, kinds: set[str]) -> None:
    assert set(drifts(each)) == kinds


def test_only_what_dark_links_have_is_told_while_learning() -> None:
    assert drifts(visit(PAGE + "<script src=//x.example.com></script>"), Known()) == {}
    found = drifts(visit(PAGE + DARK), Known())
    assert (found["hidden"].value, found["hidden"].grave) == ("dark.example.com", True)
    assert drifts(visit("<title>澳门葡京娱乐</title>"), Known())["words"].grave
    assert "words" not in drifts(visit(PAGE + "打击博彩"), Known())  # news
    diverting = PAGE + "<script>if(document.referrer.match(/baidu/))location='http://x.example.com'</script>"
    assert set(drifts(visit(diverting), Known())) == {"diverted"}


def test_what_is_suspicious_is_never_learned() -> None:
    before = known(visit(PAGE + DARK + "<a href=//fine.example.com>x</a>"), visit(PAGE + DARK))
    assert before.probes == 2
    assert "dark.example.com" not in before.hidden
    assert "fine.example.com" in before.links
    assert "hidden" in drifts(visit(PAGE + DARK), before)
    assert known(visit("<title>澳门葡京</title>")).probes == 0


def test_text_goes_along_with_small_changes_and_hosts_do_not() -> None:
    before = known()
    grown = PAGE + "<p>新的通知内容</p><a href=http://x.example.com>x</a>"
    after = comparing.learned(PORTAL, before, visit(grown), 2)
    assert after.page != before.page
    assert "links" in drifts(visit(grown), after)
    defaced = comparing.learned(PORTAL, before, visit("hacked " * 200), 2)
    assert defaced.page == before.page


@pytest.mark.parametrize(
    ("portal", "changes", "found"),
    [
        ({}, {"pin": "sha256/b"}, {"certificate": (1, False)}),  # renewed by the same
        ({}, {"pin": "sha256/b", "issuer": "CN=Other"}, {"issuer": (1, False), "certificate": (2, False)}),
        (
            {"issuers": ("cfca",)},
            {"pin": "sha256/b", "issuer": "O=CFCA, CN=New"},
            {"certificate": (1, False)},
        ),
        ({"issuers": ("CFCA",)}, {"issuer": "CN=Other"}, {"issuer": (1, True)}),
        ({"pins": ("sha256/z",)}, {}, {"certificate": (2, True)}),
        ({"pins": ("sha256/a",)}, {}, {}),
        ({}, {"ends": NOW + 5 * DAY}, {"expiry": (PAST_DAYS + 5, False)}),
        ({}, {"ends": NOW - 5 * DAY}, {"expiry": (PAST_DAYS - 5, False)}),
        ({}, {"ends": NOW + 91 * DAY}, {}),
        ({}, {"names": ("www.example.com",)}, {"names": (1, True)}),
    ],
)
def test_certificates(portal: dict[str, Any], changes: dict[str, Any], found: Any) -> None:
    shown = msgspec.structs.replace(GOOD, **changes)
    told = drifts(visit(certificate=shown), portal=msgspec.structs.replace(PORTAL, **portal))
    assert {kind: (d.measure, d.grave) for kind, d in told.items()} == found


def test_a_renewed_certificate_is_known_from_the_next_probe_on() -> None:
    renewed = visit(certificate=msgspec.structs.replace(GOOD, pin="sha256/b"))
    assert "certificate" not in drifts(renewed, comparing.learned(PORTAL, known(), renewed, 2))
    foreign = visit(certificate=msgspec.structs.replace(GOOD, pin="sha256/b", issuer="CN=Other"))
    assert "certificate" in drifts(foreign, comparing.learned(PORTAL, known(), foreign, 2))


def test_what_goes_on_keeps_its_beginning_and_its_measure_before() -> None:
    first = comparing.followed({}, [Drift("down", "timeout"), Drift("script", "a")], 10)
    again = comparing.followed(first, [Drift("down", "503"), Drift("script", "b"), Drift("script", "a")], 20)
    assert again["down"] == Drift("down", "503", 2, began=10, before=1)
    assert again["script|a"] == Drift("script", "a", 1, began=10, before=1)
    assert again["script|b"] == Drift("script", "b", 1, began=20)
    assert comparing.followed(again, [], 30) == {}


def test_what_is_accepted_is_known() -> None:
    strange = visit(
        PAGE.replace("通知", "公告") * 2 + DARK + "<script src=//x.example.com></script>",
        others=other(PAGE + "<a href=//y.example.com>百家乐</a>"),
        certificate=msgspec.structs.replace(GOOD, pin="sha256/b", issuer="CN=Other"),
    )
    assert len(drifts(strange)) > 4
    after = comparing.accepted(known(), strange, "li", 7, 2)
    assert drifts(strange, after) == {}
    assert (after.accepted_by, after.accepted_at, after.pins) == ("li", 7, ("sha256/b",))


def test_no_more_than_so_many_of_a_kind() -> None:
    many = PAGE + "".join(f"<script src=//s{i}.example.com></script>" for i in range(50))
    found = comparing.drifts(PORTAL, known(), visit(many), 2)
    assert len([d for d in found if d.kind == "script"]) == comparing._APART
