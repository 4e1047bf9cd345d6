from __future__ import annotations

from typing import Any

import pytest

from playbooks.actions.base import Failed, Unsure
from playbooks.actions.http import Command, Http

AGENT = {"type": "http-api", "name": "hook"}


def test_a_webhook(web: Any, unit: Any, world: Any, tmp_path: Any) -> None:
    (tmp_path / "token").write_text("Bearer abc\n")
    one = unit(
        Command(command="POST /hook HTTP/1.1", headers={"X-A": ("1", "2")}, content="{}"),
        agent={**AGENT, "address": {"url": [web.url]}, "secret": "token"},
    )
    where = world(f"playbooks.secrets={tmp_path}")
    assert Http().plan(one, where).script == f"POST {web.url}/hook"
    done = Http().act(one, where)
    ((method, path, headers, body),) = web.got
    assert (method, path, body, headers["X-A"]) == ("POST", "/hook", b"{}", "1, 2")
    assert headers["Idempotency-Key"] == f'"{"k" * 32}"'
    assert headers["Authorization"] == "Bearer abc"
    assert done.outputs == {"http_status": "200", "http_body": "said"}


@pytest.mark.parametrize("status", [302, 404, 500])
def test_what_is_no_success(web: Any, unit: Any, world: Any, status: int) -> None:
    web.status = status
    with pytest.raises(Failed, match="http_status"):
        Http().act(unit(Command(command=f"POST {web.url}/x")), world())
    assert len(web.got) == 1


def test_a_post_cut_off_is_uncertain_and_a_put_is_not(web: Any, unit: Any, world: Any) -> None:
    web.status = 0
    with pytest.raises(Unsure):
        Http().act(unit(Command(command=f"POST {web.url}/x")), world())
    with pytest.raises(Failed, match="unreachable"):
        Http().act(unit(Command(command=f"PUT {web.url}/x")), world())
    with pytest.raises(Unsure):
        Http().seen(unit(Command(command=f"POST {web.url}/x")), world())
    assert Http().seen(unit(Command(command=f"POST {web.url}/x", repeatable=True)), world()) is None


def test_nobody_there(unit: Any, world: Any) -> None:
    with pytest.raises(Failed, match="unreachable"):
        Http().act(unit(Command(command="POST http://127.0.0.1:9/x"), timeout_s=2.0), world())


@pytest.mark.parametrize(
    ("command", "key"),
    [
        (Command(command="FETCH /x"), "http_line"), (Command(command="GET /x"), "http_no_target"),
        (Command(command="GET file:///etc/passwd"), "http_url"),
        (Command(command="GET http://u:p@h/"), "http_url"),
        (Command(command="GET http://h/", headers={"A": ("x\r\nB: y",)}), "http_header"),
    ],
)  # fmt: skip
def test_what_cannot_be_sent(unit: Any, world: Any, command: Command, key: str) -> None:
    with pytest.raises(Failed, match=key):
        Http().plan(unit(command), world())


def test_targets_by_address(unit: Any, world: Any) -> None:
    ends = ({"type": "http-api", "address": {"ipv6": ["2001:db8::1"]}, "port": "8443"},
            {"type": "http-api", "address": {"dname": ["api.example"]}})  # fmt: skip
    plan = Http().plan(unit(Command(command="GET /v1"), targets=ends), world())
    assert plan.script.splitlines() == ["GET https://[2001:db8::1]:8443/v1", "GET https://api.example/v1"]
