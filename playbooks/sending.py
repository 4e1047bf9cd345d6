"""Mail (RFC 5322) to the server of the settings (RFC 5321)."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import make_msgid, parseaddr

from playbooks.actions.base import Failed, Unsure, World
from playbooks.secrets import secret

_TIMEOUT_S = 30.0


def address(text: str) -> str:
    """An address of a person; raises Failed for what is none (and so for one that would forge a header)."""
    _, found = parseaddr(text)
    if not found or found != text.strip() or "@" not in found or not found.isprintable() or " " in found:
        raise Failed("mail_address", text=text[:100])
    return found


def message_id(key: str, sender: str) -> str:
    """The Message-ID of a key: who gets a mail twice can tell."""
    domain = sender.rpartition("@")[2] or "citywall"
    return f"<{key}@{domain}>"


def send(
    world: World, to: Sequence[str], subject: str, text: str, *, key: str, timeout_s: float = 0.0
) -> str:
    """Send one mail; returns its Message-ID. Raises Failed where no server took it, else Unsure."""
    settings = world.settings.playbooks.mail
    if not settings.host or not settings.sender:
        raise Failed("no_mail_server")
    mail = EmailMessage()
    mail["From"] = address(settings.sender)
    mail["To"] = ", ".join(address(one) for one in to)
    mail["Subject"] = " ".join(subject.split())[:200]
    mail["Message-ID"] = message_id(key, settings.sender) if key else make_msgid()
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text, cte="base64")  # not every server takes eight bits
    handed = False
    try:
        with _connected(world, timeout_s or _TIMEOUT_S) as server:
            handed = True
            refused = server.send_message(mail)
            handed = False
    except smtplib.SMTPResponseException as e:
        raise Failed("mail_refused", code=str(e.smtp_code), reason=_words(e.smtp_error)) from e
    except smtplib.SMTPRecipientsRefused as e:
        raise Failed("mail_refused", code="", reason=", ".join(e.recipients)) from e
    except (smtplib.SMTPException, OSError) as e:
        if handed:
            raise Unsure from e
        raise Failed("unreachable", place=f"{settings.host}:{settings.port}", reason=str(e)[:200]) from e
    if refused:
        raise Failed("mail_refused", code="", reason=", ".join(refused))
    return str(mail["Message-ID"])


def _connected(world: World, timeout_s: float) -> smtplib.SMTP:
    """A server that may be spoken to; raises as smtplib does."""
    settings = world.settings.playbooks.mail
    context = ssl.create_default_context(cafile=settings.ca_file or None)
    server: smtplib.SMTP
    if settings.security == "tls":
        server = smtplib.SMTP_SSL(settings.host, settings.port, timeout=timeout_s, context=context)
    else:
        server = smtplib.SMTP(settings.host, settings.port, timeout=timeout_s)
    try:
        if settings.security == "starttls":
            server.starttls(context=context)
        if settings.user:
            server.login(settings.user, secret(settings.password, world))
    except BaseException:
        server.close()
        raise
    return server


def _words(error: bytes | str) -> str:
    return error.decode("utf-8", "replace") if isinstance(error, bytes) else error
