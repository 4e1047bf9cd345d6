from __future__ import annotations

import json

import click
import pytest

from citywall import errors
from citywall.faults import Fault
from console import complaints


@pytest.mark.parametrize(
    ("error", "code", "english", "chinese"),
    [
        (
            errors.InputError("a.pcap", "no such file", offset=24),
            1, "a.pcap at byte 24: no such file", "无法读取 a.pcap（第 24 字节处）：no such file",
        ),
        (
            errors.UnsupportedInput("a.log", "not a flow log", line=3),
            1, "a.log, line 3: not a flow log", "无法读取 a.log（第 3 行）：not a flow log",
        ),
        (
            errors.SettingsError("x.toml", "meter.max", "no such setting"),
            2, "settings: x.toml: meter.max: no such setting", "设置有误：x.toml：meter.max：no such setting",
        ),
        (
            errors.QueryError("a:(", 3, "unbalanced"),
            2, "query, column 3: unbalanced: 'a:('", "查询第 3 列：unbalanced：'a:('",
        ),
        (
            errors.Refused("locked", "li", "accounts.login", "account:li", minutes=7),
            1, "refused: the account is locked for 7 minutes more, after too many failed attempts",
            "已拒绝：多次登录失败，账号已锁定，还需等待 7 分钟",
        ),
        (errors.DataFolderBusy("held by 7"), 1, "held by 7", "held by 7"),
        (errors.UsageError("no"), 2, "no", "no"),
        (click.NoSuchOption("--x"), 2, "no such option: --x", "没有这个选项：--x"),
        (click.Abort(), 130, "interrupted", "已中断"),
        (KeyboardInterrupt(), 130, "interrupted", "已中断"),
        (
            ZeroDivisionError("division"),
            1, "this is a fault of Citywall (ZeroDivisionError: division)",
            "这是一城墙自身的故障（ZeroDivisionError：division）",
        ),
    ],
    ids=lambda v: type(v).__name__ if isinstance(v, BaseException) else "",
)  # fmt: skip
def test_sentences_and_codes(error: BaseException, code: int, english: str, chinese: str):
    assert complaints.exit_code(error) == code
    assert complaints.sentence(error, "en") == english
    assert complaints.sentence(error, "zh") == chinese


def test_all_faults_are_told():
    faults = [
        Fault("a.yaml", 3, "zones.x", "register_fault.missing"),
        Fault("\x1b.yaml", 0, "", "register_fault.not_utf8"),
    ]
    error = errors.FaultyInput("a", faults)
    assert complaints.exit_code(error) == 1
    assert complaints.sentence(error, "en") == "a is refused, faults: 2"
    assert complaints.hint(error, "zh") == "a.yaml，第 3 行：zones.x：缺少此字段\n\\x1b.yaml：不是 UTF-8 文本"
    told = json.loads(complaints.as_json(error, "en"))["error"]["faults"]
    assert told == [
        {"file": "a.yaml", "line": 3, "field": "zones.x", "reason": "is missing"},
        {"file": "\x1b.yaml", "line": None, "field": None, "reason": "is not UTF-8 text"},
    ]


def test_one_line_and_nothing_that_drives_a_terminal():
    said = complaints.sentence(errors.InputError("a\x1b[2J\n.pcap", "bad\nworse"), "en")
    assert said == "a\\x1b[2J .pcap: bad worse"


def test_json_carries_the_place():
    told = json.loads(complaints.as_json(errors.InputError("a.pcap", "short", offset=40), "en"))
    assert told == {
        "error": {
            "type": "InputError", "message": "a.pcap at byte 40: short", "exit_code": 1, "path": "a.pcap",
            "offset": 40, "reason": "short",
        }
    }  # fmt: skip


def test_hints():
    assert "--data" in (complaints.hint(errors.DataFolderBusy("held"), "en") or "")
    assert "citywall settings" in (complaints.hint(errors.SettingsError("o", "k", "r"), "zh") or "")
    assert "--debug" in (complaints.hint(ValueError(), "en") or "")
    assert complaints.hint(errors.InputError("p", "r"), "en") is None
    assert complaints.hint(KeyboardInterrupt(), "en") is None


def test_who_may_do_what_was_refused_is_told():
    refused = errors.Refused("role", "root", "notices.answer", "notice:1")
    assert "liaison (liaison)" in str(complaints.hint(refused, "en"))
    assert "联络员" in str(complaints.hint(refused, "zh"))
    assert complaints.hint(errors.Refused("role", "root", "nothing.known", "x"), "en") is None
    assert complaints.hint(errors.Refused("not_waiting", "root", "cases.work", "x"), "en") is None
