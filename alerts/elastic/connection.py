"""One server, spoken to by requests; every failure becomes a StoreError that says what to do.

What may succeed later (nobody there, no room) is StoreUnavailable; nothing is tried twice but by `read`. The
API key is in no message.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from citywall.errors import SettingsError, StoreError, StoreStarting, StoreUnavailable
from citywall.servers import ElasticsearchSettings

KEY_VARIABLE = "CITYWALL_ELASTICSEARCH_API_KEY"
NDJSON = "application/x-ndjson"
#: Connections kept: requests in flight at once.
_CONNECTIONS = 4
_LONGEST_KEY = 4096
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
#: What a search says (with 503) of an index whose shards are not there: in its first moments, or for longer.
_SHARDLESS = frozenset({"no_shard_available_action_exception", "search_phase_execution_exception"})
#: Seconds that `read` waits between its tries.
_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.4)


def api_key(settings: ElasticsearchSettings) -> str | None:
    """The API key from the environment or the file named; raises SettingsError without saying the key."""
    if given := os.environ.get(KEY_VARIABLE, ""):
        origin, key = KEY_VARIABLE, given.strip()
    elif settings.api_key_file:
        origin = settings.api_key_file
        try:
            key = Path(origin).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as e:
            reason = e.strerror if isinstance(e, OSError) else "is not text"
            raise SettingsError(origin, "elasticsearch.api_key_file", str(reason)) from e
    else:
        return None
    if not key or len(key) > _LONGEST_KEY or not key.isascii() or not key.isprintable() or " " in key:
        raise SettingsError(origin, "elasticsearch.api_key_file", "holds no API key: one line of letters")
    return key


class Connection:
    """Requests to the server at `url`. Threads may share it."""

    def __init__(self, url: str, settings: ElasticsearchSettings) -> None:
        self.url = url
        # Imported late: it is heavy, and most commands never speak to a server.
        import elastic_transport
        import elasticsearch

        self._transport_error = elastic_transport.TransportError
        self._errors = (elasticsearch.ApiError, elastic_transport.TransportError)
        options: dict[str, Any] = {}
        if url.startswith("https://"):
            options["verify_certs"] = True
            if settings.ca_file:
                if not Path(settings.ca_file).is_file():
                    raise SettingsError(settings.ca_file, "elasticsearch.ca_file", "there is no such file")
                options["ca_certs"] = settings.ca_file

        class Json(elastic_transport.JsonSerializer):
            """JSON by msgspec: what is read is mostly documents."""

            def json_loads(self, data: bytes) -> Any:
                return msgspec.json.decode(data)

            def json_dumps(self, data: Any) -> bytes:
                return msgspec.json.encode(data)

        try:
            self._client = elasticsearch.Elasticsearch(
                _with_port(url),
                api_key=api_key(settings),
                serializer=Json(),
                request_timeout=settings.request_timeout_s,
                connections_per_node=_CONNECTIONS,
                max_retries=0,
                retry_on_timeout=False,
                **options,
            )
        except (ValueError, OSError) as e:
            raise StoreError(f"{url}: {e}") from e

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        absent: Any = ...,
        lines: bool = False,
        **parameters: str | int | bool,
    ) -> Any:
        """Make a request and return its JSON; `absent` is the answer to 404. `lines`: the body is NDJSON."""
        headers = {"accept": "application/json"}
        if body is not None:
            headers["content-type"] = NDJSON if lines else "application/json"
        import elasticsearch

        try:
            return self._client.perform_request(
                method, path, params=parameters or None, headers=headers, body=body
            ).body
        except elasticsearch.NotFoundError as e:
            if absent is not ...:
                return absent
            raise self._translated(e) from e
        except self._errors as e:
            raise self._translated(e) from e

    def read(self, path: str, body: Any = None, *, absent: Any = ..., **parameters: Any) -> Any:
        """`ask` something that changes nothing, again for a few seconds where an index is just being made."""
        for pause in _PAUSES:
            try:
                return self.ask("POST", path, body, absent=absent, **parameters)
            except StoreStarting:
                time.sleep(pause)
        return self.ask("POST", path, body, absent=absent, **parameters)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _translated(self, error: Exception) -> StoreError:
        import elastic_transport
        import elasticsearch

        if isinstance(error, elastic_transport.TlsError):
            return StoreError(
                f"{self.url}: its certificate is not accepted ({_short(error)}); see elasticsearch.ca_file"
            )
        if isinstance(error, elastic_transport.SerializationError):
            return StoreUnavailable(f"{self.url}: its answer cannot be read ({_short(error)})")
        if isinstance(error, elasticsearch.ApiError) and isinstance(error.meta.status, int):
            kind, reason = cause_of(error.body)
            return refusal(self.url, error.meta.status, kind, reason)
        if isinstance(error, elastic_transport.ConnectionTimeout):
            return StoreUnavailable(f"{self.url}: does not answer in time")
        if isinstance(error, elastic_transport.ConnectionError):
            return StoreUnavailable(f"{self.url}: cannot be reached ({_short(error)})")
        return StoreError(f"{self.url}: {_short(error)}")


def refusal(url: str, status: int, kind: str, reason: str) -> StoreError:
    """The error for an answer of HTTP `status`, or for an item of a bulk request that has it."""
    if status == 401:
        return StoreError(
            f"{url}: asks for an API key, or does not accept ours; see {KEY_VARIABLE} and "
            "elasticsearch.api_key_file"
        )
    if status == 503 and kind in _SHARDLESS:
        return StoreStarting(f"{url}: an index cannot be read yet ({status} {kind}: {reason})")
    if temporary(status, kind):
        return StoreUnavailable(f"{url}: has no room now ({status} {kind}: {reason})")
    if status == 403:
        return StoreError(f"{url}: the API key may not do this ({kind}: {reason})")
    return StoreError(f"{url}: {status} {kind}: {reason}")


def temporary(status: int, kind: str) -> bool:
    """Whether the same request may succeed later. A block on writing is lifted when the disk has room."""
    return status in _AGAIN or kind == "cluster_block_exception"


def cause_of(body: Any) -> tuple[str, str]:
    """Type and reason of the error in an answer, the innermost that says anything."""
    error: Any = body.get("error") if isinstance(body, Mapping) else body
    if not isinstance(error, Mapping):
        return "error", _cut(str(error))
    roots = error.get("root_cause")
    if isinstance(roots, list) and roots and isinstance(roots[0], Mapping):
        error = roots[0]
    kind, reason = str(error.get("type", "error")), str(error.get("reason", ""))
    inner = error.get("caused_by")
    if isinstance(inner, Mapping) and inner.get("reason"):
        reason = f"{reason}: {inner['reason']}"
    return kind, _cut(reason)


def _cut(text: str) -> str:
    return text if len(text) <= 300 else text[:300] + "..."


def _short(error: Exception) -> str:
    return _cut(str(getattr(error, "message", "") or error))


def _with_port(url: str) -> str:
    """The client wants a port; without one it is that of the scheme, as everywhere."""
    scheme, _, rest = url.rstrip("/").partition("://")
    place, slash, path = rest.partition("/")
    if not place.rpartition(":")[2].isdigit() or place.endswith("]"):
        place += ":443" if scheme == "https" else ":80"
    return f"{scheme}://{place}{slash}{path}"
