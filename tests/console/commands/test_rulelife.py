from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.console.test_rulechange import RULE, recorded


@pytest.fixture
def told(invoke: Any, tmp_path: Path) -> Any:
    """A command of `rules` over one data folder, as JSON."""

    def run(*arguments: str) -> Any:
        done = invoke("rules", *arguments, "--data", str(tmp_path / "data"), "--json")
        assert done.exit_code == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def test_the_life_of_a_rule_set(invoke: Any, told: Any, tmp_path: Path):
    rule = 'alert tcp any any -> any any (msg:"m%d"; sid:%d;)\n'
    source = tmp_path / "new"
    source.mkdir()
    (source / "a.rules").write_text(rule % (1, 1) + "#" + rule % (2, 2) + "alert nonsense\n")
    (source / "l.txt").write_text("evil.example\nnonsense\n")
    (update,) = told("update", str(source))
    assert (update["version"], update["rules"], update["added"], len(update["rejected"])) == (1, 1, 1, 1)
    assert (update["indicators"], update["indicators_rejected"]) == ({"domain": 1}, 1)
    (switched,) = told("enable", "2")
    assert (switched["rules"], switched["off"], switched["meant"]) == (2, 0, {"2": 1})
    assert told("disable", "1")[0]["off"] == 1
    assert [(r["sid"], r["on"]) for r in told("list")] == [(1, False), (2, True)]
    assert told("show", "2")[0]["message"] == "m2"
    assert [(v["version"], v["current"]) for v in told("versions")] == [(1, False), (2, False), (3, True)]
    data = ("--data", str(tmp_path / "data"))
    assert invoke("rules", "rollback", "1", *data).exit_code == 0
    assert [r["sid"] for r in told("list")] == [1]
    assert "1*" in invoke("rules", "versions", *data, "--lang", "zh").stdout
    assert invoke("rules", "rollback", "9", *data).exit_code == 2
    assert invoke("rules", "disable", "nonsense", *data).exit_code == 2
    assert "99" in invoke("rules", "disable", "99", *data).stderr
    assert "1 " in invoke("rules", "update", str(source), "--replace", *data).stdout


def test_what_cannot_be_had_is_said(invoke: Any, tmp_path: Path):
    data = ("--data", str(tmp_path / "data"))
    assert invoke("rules", "update", str(tmp_path / "none"), *data).exit_code == 1
    assert "cannot be fetched" in invoke("rules", "update", "http://127.0.0.1:9/x.rules", *data).stderr
    assert invoke("rules", "list", *data).exit_code == 2


def test_what_a_server_has_is_fetched_because_it_is_named(told: Any):
    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/a.rules?x=1"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(b"alert tcp any any -> any any (sid:1;)\n" if found else b"no")

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            (update,) = told("update", f"http://127.0.0.1:{server.server_port}/a.rules?x=1")
            with pytest.raises(AssertionError, match="answered 404"):
                told("update", f"http://127.0.0.1:{server.server_port}/b.rules")
        finally:
            server.shutdown()
            thread.join()
    assert (update["rules"], told("versions")[0]["files"].keys()) == (1, {"signatures/a.rules"})


def test_with_accounts_somebody_changes_rules_and_it_is_recorded(people: Any, tmp_path: Path):
    source = tmp_path / "a.rules"
    source.write_text(RULE % 1 + RULE % 2)
    assert (
        "--as" in people("rules", "update", str(source)).stderr
    )  # the folder's owner is not enough any more
    refused = people("rules", "update", str(source), by="wang")
    assert (refused.exit_code, "the role does not allow it" in refused.stderr) == (1, True)
    assert people.told("rules", "update", str(source), by="li")["version"] == 1
    assert people.told("rules", "disable", "1", by="chen")["off"] == 1
    assert people.told("rules", "enable", "1", by="chen")["off"] == 0
    assert people("rules", "rollback", "2", by="li").exit_code == 0
    nothing = tmp_path / "b.rules"
    nothing.write_text("alert nonsense\n")
    assert people("rules", "update", str(nothing), "--replace", by="li").exit_code == 1
    assert recorded(people.data) == [
        ("wang", "rules", "refused", None, False, False),
        ("li", "rules:1", "done", "update", False, True),
        ("chen", "rules:2", "done", "disable", True, True),
        ("chen", "rules:3", "done", "enable", True, True),
        ("li", "rules:2", "done", "rollback", True, True),
        ("li", "rules", "failed", "update", False, False),
    ]
    numbers = json.loads((people.data / "rules" / "current").read_bytes())
    assert (numbers["number"], numbers["audited"] > 0) == (2, True)
    assert sorted(path.name for path in (people.data / "rules" / "versions").iterdir()) == ["1", "2", "3"]
