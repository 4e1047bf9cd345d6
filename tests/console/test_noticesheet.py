from __future__ import annotations

from typing import Any

from alerts.duties.notices import Notice, checked, received, rectified, retested
from citywall.i18n import tr
from console import noticesheet

HOUR = 3600 * 10**9


class English:
    speech = "en"

    def tr(self, key: str, **values: Any) -> str:
        return tr(key, "en", **values)


def test_a_row_says_what_is_late_and_sections_what_was_done():
    drafted = Notice(
        "live", "u", "Unit [b]", "Title", "weakness", "found\nmore", "asked", 1000, 1000 + HOUR,
        1000 + 2 * HOUR, letter="L1", issuer="li",
    )  # fmt: skip
    issued = checked(drafted)
    now = 1000 + 3 * HOUR
    row = [getattr(cell, "text", cell) for cell in noticesheet.notice_row(issued, now, English())]
    assert row[:4] == ["L1", "Unit [b]", "Title", "issued"]
    assert row[-1] == "RECEIPT"
    done = received(issued, "sun", now)
    done = retested(rectified(done, "sun", now, "mended"), "li", now, "looked", passed=True)
    head, found, asked, history = noticesheet.sections(done, now, English())
    assert head.title == "L1  Title"
    assert (found.prose, asked.prose) == (["found", "more"], ["asked"])
    assert [line.split("  ", 1)[1] for line in history.prose] == [
        "li  issued", "sun  acknowledged", "sun  rectification  mended",
        "li  retest  retest passed  looked",
    ]  # fmt: skip
    assert len(noticesheet.notice_columns(English())) == len(row)
