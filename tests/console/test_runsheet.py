from __future__ import annotations

from typing import Any

from citywall.i18n import tr
from console import runsheet
from console.display.sheet import layout, plain


class Teller:
    def __init__(self, speech: str) -> None:
        self.speech = speech

    def tr(self, key: str, **values: object) -> str:
        return tr(key, self.speech, **values)


def unit(state: str, **more: Any) -> dict[str, Any]:
    usual = {
        "key": "k1", "title": "Block", "state": state, "does": "Block 192.0.2.7/32", "script": "",
        "reason": "",
        "due": None, "needed": 0, "approvals": [], "answered_by": None, "digest": None, "until": None,
        "outputs": {},
    }  # fmt: skip
    return {**usual, **more}


def run(**more: Any) -> dict[str, Any]:
    usual = {
        "id": "run-1", "title": "Contain\x1b[2J", "status": "running", "live": True, "lane": "live",
        "requester": "li", "requested": "2026-03-02T00:00:00Z", "alert": "a1", "case": None, "reason": "",
        "waiting": [], "actions": [], "steps": [], "not_run": [{"title": "Unblock"}],
    }  # fmt: skip
    return {**usual, **more}


def test_what_waits_shows_what_approving_it_means():
    waits = unit(
        "approval", script="add element x\ny", needed=2, digest="sm3:ab", approvals=[{"by": "chen"}],
        due="2026-03-02T01:00:00Z",
    )  # fmt: skip
    done = unit("done", until="2026-03-02T04:00:00Z", approvals=[{"by": "chen"}, {"by": "zhao"}])
    answered = unit("done", answered_by="li", outputs={"verdict": "malicious"})
    told = run(waiting=[waits], actions=[waits, answered, done])
    text = "\n".join(plain(layout(runsheet.sections(told, Teller("en")), 120)))
    for words in ("| add element x", "| y", "1 of 2 chen", "sm3:ab", "verdict=malicious",
                   "2026-03-02 01:00:00", "Unblock",
                  "(until 2026-03-02 04:00:00)", "chen, zhao"):  # fmt: skip
        assert words in text
    assert "\x1b" not in text
    assert "等待审批" in "\n".join(plain(layout(runsheet.sections(told, Teller("zh")), 120)))


def test_what_is_over_waits_for_nothing():
    told = run(status="aborted", reason="enough", steps=[
        {"began": "2026-03-02T00:00:00Z", "title": "Look", "outcome": "left"},
    ])  # fmt: skip
    text = "\n".join(plain(layout(runsheet.sections(told, Teller("en")), 120)))
    assert "enough" in text
    assert "Look  left" in text
    assert "Unblock" not in text
    row = runsheet.run_row(told, Teller("zh"))
    assert len(row) == len(runsheet.run_columns(Teller("zh")))
