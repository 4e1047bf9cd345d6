"""What applications say, made of the fields of logs."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from citywall import batches as b
from ingest.flowlogs import registry
from ingest.flowlogs.reader import FlowLogReader


def texts(event) -> list[str]:
    cuts = np.cumsum([0, event["name_size"], event["rest_size"], event["agent_size"]])
    return [bytes(event["text"])[x:y].decode() for x, y in pairwise(cuts)]


def read(path: Path, mappings=(), chunk=1 << 20):
    parser = registry.sniff(path, [str(m) for m in mappings])
    assert parser is not None
    reader = FlowLogReader()
    batches = [reader.add(ref) for ref in registry.chunks(path, parser, chunk)]
    batches.append(reader.finish())
    return np.concatenate([batch.events for batch in batches]), reader


def mapping(folder: Path, kind: str, **fields: str) -> Path:
    path = folder / f"{kind}.toml"
    lines = [f'name = "{kind}"', 'format = "json"', 'recognise = "acct"', f'kind = "{kind}"', "[fields]"]
    path.write_text("\n".join([*lines, *(f'"{a.replace("__", ".")}" = "{c}"' for a, c in fields.items())]))
    return path


def write(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


LOGIN = {
    "event__start": "at", "user__name": "acct", "event__outcome": "result", "source__ip": "from",
    "service__name": "app",
}  # fmt: skip


@pytest.mark.parametrize("chunk", [50, 1 << 20])
def test_log_ins_by_a_mapping(tmp_path, chunk):
    outcomes = ("success", "FAILED", "成功", "失败", "perhaps")
    rows = [
        {
            "at": f"2024-05-01 12:00:0{i}",
            "acct": f"Wang{i}",
            "result": result,
            "from": "10.1.0.9",
            "app": "oa",
        }
        for i, result in enumerate(outcomes)
    ]
    log = write(tmp_path / "logins", [*rows, {"at": "2024-05-01 12:00:09", "result": "ok"}])
    events, reader = read(log, [mapping(tmp_path, "login", **LOGIN)], chunk)
    assert events["kind"].tolist() == [b.ACCOUNT_LOGIN] * 4
    assert events["code"].tolist() == [1, 0, 1, 0]
    assert texts(events[0]) == ["wang0", "oa", ""]
    assert events["frame"].tolist() == [-1] * 4
    assert reader.errors.counts == {"bad_outcome": 1, "missing_field": 1}


def test_what_accounts_take_out_by_a_mapping(tmp_path):
    rows = [{"at": 1714564800 + i, "acct": "report", "n": str(10**i)} for i in (3, 12)]
    fields = {"event__start": "at", "user__name": "acct", "database__rows": "n"}
    events, _ = read(write(tmp_path / "audit", rows), [mapping(tmp_path, "audit", **fields)])
    assert events["kind"].tolist() == [b.DATA_ACCESS] * 2
    assert events["number"].tolist() == [1000, 0xFFFF_FFFF]


def test_an_account_is_one_whatever_the_case_and_the_line(tmp_path):
    rows = [
        {"at": f"2024-05-01 12:00:0{i}", "acct": name, "result": "ok"}
        for i, name in enumerate(("WANG", "wang", "li"))
    ]
    events, _ = read(write(tmp_path / "logins", rows), [mapping(tmp_path, "login", **LOGIN)])
    assert events["digest"][0] == events["digest"][1] != events["digest"][2]
