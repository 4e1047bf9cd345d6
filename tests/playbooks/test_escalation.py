from __future__ import annotations

from email import message_from_string, policy
from typing import Any

from .actions.conftest import Post

ASK = "  ask:\n    name: {en: Call, zh: 致电}\n    commands: [{type: manual, command: x}]\n    timeout: 5m\n    on_completion: end\n"  # noqa: E501


def test_people_are_told_by_mail_and_what_failed_is_recorded(make_house: Any) -> None:
    post = Post()
    house = make_house(
        'playbooks.escalate_to=["head@example.gov.cn"]', "playbooks.mail.host=127.0.0.1",
        f"playbooks.mail.port={post.port}", "playbooks.mail.security=none",
        "playbooks.mail.sender=c@example.gov.cn",
    )  # fmt: skip
    house.write(ASK)
    run = house.desk.request(house.li, "test", {}, live=True).run
    house.clock.pass_(6)
    house.desk.tick()
    (text,) = post.mails
    mail = message_from_string(text, policy=policy.default)
    body = mail.get_content()
    assert "“Call” has waited too long" in body
    assert "“致电”超时未完成" in body
    assert run.id in mail["Subject"]
    post.refuse_mail = True
    house.clock.pass_(6)
    house.desk.tick()
    post.close()
    assert ("playbooks.escalation_told", "done") in house.actions()
    assert ("playbooks.escalation_told", "failed") in house.actions()
    assert house.file.get(run.id).run.waiting[0].level == 2
