"""Who is told when something has waited too long: addresses of the settings, by mail; the log anyhow."""

from __future__ import annotations

from collections.abc import Mapping

from citywall.i18n import tr
from citywall.permissions import Target
from playbooks.actions.base import Failed, Unsure, World
from playbooks.cacao import Playbook
from playbooks.effects import Escalate
from playbooks.sending import send
from playbooks.state import Run
from trust.audit import AuditLog, entry
from trust.records import SYSTEM


def tell(run: Run, books: Mapping[str, Playbook], effect: Escalate, world: World, log: AuditLog) -> None:
    """Send the mails of an escalation. One that cannot be sent is recorded: the run waits in any case."""
    to = world.settings.playbooks.escalate_to
    unit = run.units[effect.key]
    book = books[run.books[run.scopes[unit.scope].book]]
    outcome, reason = "done", ""
    if to:
        words = {
            language: tr(
                f"playbook_mail.{unit.stage}", language, run=run.id, step=book.step_name(unit.step, language),
                playbook=book.said("name", book.name, language), by=run.requester, level=effect.level,
            )
            for language in ("zh", "en")
        }  # fmt: skip
        subject = (
            tr("playbook_mail.subject", "zh", run=run.id)
            + " / "
            + tr("playbook_mail.subject", "en", run=run.id)
        )
        try:
            send(world, to, subject, f"{words['zh']}\n\n{words['en']}\n", key=f"{effect.key}-{effect.level}")
        except (Failed, Unsure) as e:
            outcome, reason = "failed", str(e) or "unsure"
    log.append(
        entry(
            SYSTEM, "playbooks.escalation_told", Target("playbook_run", run.id),
            outcome="failed" if outcome == "failed" else "done", reason=reason,
            detail={"unit": effect.key, "level": effect.level, "to": list(to)},
        )
    )  # fmt: skip
