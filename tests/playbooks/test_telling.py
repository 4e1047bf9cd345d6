from __future__ import annotations

import json
from typing import Any

from playbooks.library import SHIPPED, examine
from playbooks.telling import playbook_document, run_document

BLOCK = """\
  ask:
    name: {en: Ask, zh: 询问}
    commands: [{type: manual, command: {en: "call __source_ip__:value", zh: "致电 __source_ip__:value"}}]
    on_success: block
  block:
    name: {en: Block, zh: 封禁}
    commands: [{type: x-citywall-block, address: 198.51.100.1}]
    on_completion: end
"""


def test_a_run_in_both_languages(house: Any) -> None:
    house.write(BLOCK)
    run = house.desk.request(house.li, "test", {}, live=True).run
    told = run_document(run, house.file.books(run), "zh")
    json.dumps(told)
    assert (told["title"], told["waiting"][0]["does"]) == ("测试", "人工执行：致电 192.0.2.7")
    assert [step["title"] for step in told["not_run"]] == ["封禁", "end"]
    run = house.desk.answer(house.li, run.id, "done").run
    told = run_document(run, house.file.books(run), "en")
    assert told["reason"] == "198.51.100.1/32 is protected (198.51.100.0/24) and is never blocked"
    assert told["ended"] is not None


def test_a_playbook_in_a_list() -> None:
    entry = examine(SHIPPED / "contain-scan.yaml").entry
    assert entry is not None
    told = playbook_document(entry, "zh")
    assert (told["title"], told["containment"]) == ("网络扫描探测处置", True)
    assert told["plan"]["clauses"][0]["asks"].startswith("事发单位")
