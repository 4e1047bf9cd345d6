from __future__ import annotations

import pytest

from ingest.portals.visits import Answer


@pytest.mark.parametrize(
    ("answer", "down"),
    [(Answer(200), False), (Answer(404), False), (Answer(503), True), (Answer(error="timeout"), True),
     (Answer(302, away="x.cn"), False)],
)  # fmt: skip
def test_when_there_is_nothing_to_be_had(answer: Answer, down: bool) -> None:
    assert answer.down == down
