from __future__ import annotations

from typing import Any

import msgspec
import pytest

from alerts import times
from alerts.duties import notices, paper
from alerts.duties.notices import Notice

NOW = times.from_iso("2026-03-02T17:30:00Z")
DRAFT = Notice(
    "live", "edu", "教育局", "弱口令", "weakness", "一段\n\n#let x = 1", "要求", NOW, NOW + times.DAY,
    NOW + 9 * times.DAY, sender="市网信办", cases=("c1",), contact="12345", level="major", id="n_1",
    letter="〔2026〕1号",
)  # fmt: skip


@pytest.fixture
def notice() -> Notice:
    return notices.received(notices.checked(DRAFT), "wang", NOW + times.HOUR, "收到")


def test_what_stands_in_the_letter(notice: Notice) -> None:
    told = paper.content(notice, "zh")
    assert (told["head"], told["addressee"], told["date"]) == ("网络安全通报", "教育局：", "2026年3月3日")
    assert told["parts"][0] == {"title": "一、发现的问题", "paragraphs": ["一段", "#let x = 1"]}
    assert told["rows"] == [
        ["编号", "n_1"], ["类别", "安全隐患"], ["事件级别", "重大"], ["签收时限", "2026-03-04 01:30"],
        ["整改时限", "2026-03-12 01:30"], ["关联事件", "c1"], ["联系方式", "12345"],
    ]  # fmt: skip
    assert told["history"] == [["2026-03-03 02:30", "签收", "wang", "收到"]]
    assert told["exercise"] == ""


@pytest.mark.parametrize(
    ("lane", "language", "said"),
    [("drill", "zh", "演练 · 非真实事件"), ("test", "en", "TEST – NOT REAL"), ("live", "en", "")],
)
def test_a_drill_is_never_taken_for_the_real_thing(lane: str, language: str, said: str) -> None:
    assert paper.content(msgspec.structs.replace(DRAFT, lane=lane), language)["exercise"] == said


def test_steps_with_values() -> None:
    notice = notices.extended(notices.checked(DRAFT), "li", NOW, NOW + 20 * times.DAY, "holidays")
    assert paper.content(notice, "en")["history"][0][1:] == ["term", "li", "2026-03-23 01:30 holidays"]


def test_what_is_set_is_the_source_and_the_content(notice: Notice) -> None:
    given: list[Any] = []

    def render(source: str, data: dict[str, Any]) -> bytes:
        given.append((source, data))
        return b"%PDF"

    assert paper.pdf(notice, "en", render) == b"%PDF"
    ((source, data),) = given
    assert data == paper.content(notice, "en")
    # The template asks for nothing that is not there, and nothing of what is there is left out.
    assert {name for name in data if f"data.{name}" not in source} == set()


def test_the_template_can_be_set(notice: Notice) -> None:
    pdf = pytest.importorskip("citywall.pdf", reason="PDF is set by another part of the house")
    made = [pdf.render(paper.SOURCE, paper.content(notice, "zh"), "zh", when=NOW) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0].startswith(b"%PDF")


def test_terms_end_with_a_day_in_beijing() -> None:
    assert paper.stamp(paper.end_of_day(NOW, 0)) == "2026-03-03 23:59"
    assert paper.stamp(paper.end_of_day(NOW, 15)) == "2026-03-18 23:59"
