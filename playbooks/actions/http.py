"""HTTP requests (CACAO v2.0, 5.5): webhooks, tickets, other systems' interfaces.

A request carries its key in `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header), so that a receiver
that knows the header does it once. GET, HEAD, PUT, DELETE and OPTIONS may be sent again (RFC 9110, 9.2.2); a
POST that was cut off is sent again only where `repeatable` says that its receiver folds it.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any
from urllib.parse import urlsplit

from msgspec import field

from playbooks.actions.base import (
    Action,
    CommandBase,
    Failed,
    Long,
    Plan,
    Result,
    Text,
    Told,
    Unit,
    Unsure,
    World,
)
from playbooks.secrets import secret

_LINE = re.compile(r"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (\S{1,4096})(?: HTTP/(?:1\.[01]|2|3))?")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_LIMIT = 64 << 10
_TIMEOUT_S = 30.0


class Command(CommandBase, frozen=True, kw_only=True, tag="http-api"):
    """`command` is the request line, `POST /hook HTTP/1.1`; the host is the target's, or the agent's."""

    command: Text
    headers: dict[str, tuple[Text, ...]] = field(default_factory=dict)
    content: Long = ""
    content_b64: Long = ""
    repeatable: bool = False


class Http(Action):
    """Sends the request to every target; 2xx is success."""

    name = "http"
    command = Command
    outputs = ("http_status", "http_body")

    def plan(self, unit: Unit, world: World) -> Plan:
        """The request lines."""
        requests = _requests(unit)
        script = "\n".join(f"{method} {url}" for method, url in requests)
        _headers(unit.command)
        return Plan(Told("http", {"url": ", ".join(url for _, url in requests)}), script)

    def seen(self, unit: Unit, world: World) -> Result | None:
        """Nobody can look; what may be sent again is."""
        if unit.command.repeatable or all(method in _IDEMPOTENT for method, _ in _requests(unit)):
            return None
        raise Unsure

    def act(self, unit: Unit, world: World) -> Result:
        """Send. What was not answered may have been received."""
        status, body = 0, b""
        for at, (method, url) in enumerate(_requests(unit)):
            status, body = _send(method, url, at, unit, world)
            if not 200 <= status < 300:
                raise Failed("http_status", status=str(status), url=url)
        return Result({"http_status": str(status), "http_body": body.decode("utf-8", "replace")})


def _requests(unit: Unit) -> list[tuple[str, str]]:
    form = _LINE.fullmatch(unit.command.command)
    if form is None:
        raise Failed("http_line", text=unit.command.command[:80])
    method, path = form[1], form[2]
    ends = unit.targets or ((unit.agent,) if unit.agent.get("type") == "http-api" else ())
    if "://" in path:
        return [(method, _checked(path))]
    if not ends:
        raise Failed("http_no_target")
    return [(method, _checked(_base(end) + "/" + path.lstrip("/"))) for end in ends]


def _base(end: dict[str, Any]) -> str:
    address = end.get("address", {})
    if url := next(iter(address.get("url", ())), ""):
        return str(url).rstrip("/")
    port = f":{end['port']}" if end.get("port") else ""
    for kind in ("dname", "ipv4", "ipv6"):
        for host in address.get(kind, ()):
            return f"https://[{host}]{port}" if kind == "ipv6" else f"https://{host}{port}"
    raise Failed("http_no_target")


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
        _ = parts.port
    except ValueError:
        sound = False
    if not sound:
        raise Failed("http_url", url=url[:200])
    return url


def _headers(command: Command) -> dict[str, str]:
    found = {}
    for name, values in command.headers.items():
        joined = ", ".join(values)
        if not _HEADER.fullmatch(name) or not joined.isprintable() or not joined.isascii():
            raise Failed("http_header", name=name[:80])
        found[name] = joined
    return found


def _send(method: str, url: str, at: int, unit: Unit, world: World) -> tuple[int, bytes]:
    import urllib3  # takes its time, and few commands need it

    command: Command = unit.command
    try:
        body = base64.b64decode(command.content_b64, validate=True) if command.content_b64 else None
    except binascii.Error as e:
        raise Failed("not_base64") from e
    end = unit.targets[at] if at < len(unit.targets) else unit.agent
    headers = _headers(command) | {"Idempotency-Key": f'"{unit.key}"', "User-Agent": "Citywall"}
    if name := end.get("secret"):
        headers["Authorization"] = secret(name, world)
    timeout = urllib3.Timeout(total=unit.timeout_s or _TIMEOUT_S)
    sent = body if body is not None else (command.content.encode() or None)
    with urllib3.PoolManager(retries=False, timeout=timeout) as pool:
        try:
            answer = pool.request(
                method, url, body=sent, headers=headers, redirect=False, preload_content=False
            )  # fmt: skip
            data = answer.read(_LIMIT, decode_content=False)
            answer.release_conn()
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as e:
            raise Failed("unreachable", place=url, reason=type(e).__name__) from e
        except urllib3.exceptions.SSLError as e:
            raise Failed("unreachable", place=url, reason=str(e)[:200]) from e
        except (urllib3.exceptions.HTTPError, OSError) as e:
            if unit.command.repeatable or method in _IDEMPOTENT:
                raise Failed("unreachable", place=url, reason=type(e).__name__) from e
            raise Unsure from e
    return answer.status, data
