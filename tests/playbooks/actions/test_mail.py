from __future__ import annotations

from email import message_from_string, policy
from typing import Any

import pytest

from playbooks.actions.base import Failed, Unsure
from playbooks.actions.mail import Command, Mail

WORDS = Command(
    to=("li@example.gov.cn", "wang@example.gov.cn"), subject="封禁\n通知", text="已封禁 192.0.2.1\n"
)


def test_a_mail_arrives(post: Any, mailing: Any, unit: Any, world: Any) -> None:
    done = Mail().act(unit(WORDS), world(*mailing))
    (text,) = post.mails
    mail = message_from_string(text, policy=policy.default)
    assert (mail["To"], mail["Subject"]) == ("li@example.gov.cn, wang@example.gov.cn", "封禁 通知")
    assert mail["Message-ID"] == done.outputs["message_id"] == f"<{'k' * 32}@example.gov.cn>"
    assert "已封禁 192.0.2.1" in mail.get_content()
    assert len(post.to) == 2
    assert "Message-ID" in Mail().plan(unit(WORDS), world(*mailing)).script


def test_refused_cut_off_and_away(post: Any, mailing: Any, unit: Any, world: Any) -> None:
    post.refuse_mail = True
    with pytest.raises(Failed, match="mail_refused"):
        Mail().act(unit(WORDS), world(*mailing))
    post.refuse_mail, post.cut = False, True
    with pytest.raises(Unsure):
        Mail().act(unit(WORDS), world(*mailing))
    with pytest.raises(Unsure):
        Mail().seen(unit(WORDS), world(*mailing))
    away = [*mailing[:1], "playbooks.mail.port=9", *mailing[2:]]
    with pytest.raises(Failed, match="unreachable"):
        Mail().act(unit(WORDS), world(*away))
    with pytest.raises(Failed, match="no_mail_server"):
        Mail().plan(unit(WORDS), world())


@pytest.mark.parametrize("to", ["nobody", "a@b\nBcc: c@d", "a b@c", "<a@b>"])
def test_what_is_no_address(mailing: Any, unit: Any, world: Any, to: str) -> None:
    with pytest.raises(Failed, match="mail_address"):
        Mail().plan(unit(Command(to=(to,), subject="x", text="x")), world(*mailing))
