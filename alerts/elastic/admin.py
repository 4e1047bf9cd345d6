"""Templates, indices, lifecycle policy and migration on the server.

Only what every server has is relied upon; lifecycle policies are used where a probe finds them, and neither
reindexing nor deletion by query is asked of the server.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from alerts.elastic import bulk
from alerts.elastic.connection import Connection
from alerts.elastic.templates import (
    ANALYSIS,
    VERSION,
    Names,
    alert_mappings,
    component_templates,
    index_settings,
    index_templates,
    policy,
)
from alerts.elastic.walk import document_of
from alerts.store import Document, Part, StoreStatus
from citywall.errors import StoreError
from citywall.servers import ElasticsearchSettings

_PAGE = 500
_HEALTH: dict[str, Literal["green", "yellow", "red"]] = {"green": "green", "yellow": "yellow"}


def has_policies(connection: Connection) -> bool:
    """Whether the server has lifecycle policies; without, it knows no such address."""
    try:
        connection.ask("GET", "/_ilm/status")
    except StoreError as e:
        if "no handler found" in str(e) or " 405 " in str(e) or " 403 " in str(e):
            return False
        raise
    return True


def put_policy(connection: Connection, names: Names, days: int) -> None:
    """Put the lifecycle policy that deletes after `days` days, where the server has such."""
    if has_policies(connection):
        connection.ask("PUT", f"/_ilm/policy/{names.policy}", policy(days))


def install(connection: Connection, names: Names, settings: ElasticsearchSettings) -> None:
    """Put every template. Raises StoreError where a newer Citywall put them already."""
    installed = template_version(connection, names)
    if installed > VERSION:
        raise StoreError(
            f"{connection.url}: its templates are of layout {installed}, this version of Citywall writes "
            f"{VERSION}: use the version that put them"
        )
    managed = names.policy if has_policies(connection) else None
    for name, body in component_templates(names, settings, managed).items():
        connection.ask("PUT", f"/_component_template/{name}", body)
    for name, body in index_templates(names).items():
        connection.ask("PUT", f"/_index_template/{name}", body)


def need_templates(connection: Connection, names: Names, settings: ElasticsearchSettings) -> None:
    """Put the templates where they are not those of this version."""
    if template_version(connection, names) != VERSION:
        install(connection, names, settings)


def template_version(connection: Connection, names: Names) -> int:
    """The layout of the templates put last, the last of them put; 0 where there are none."""
    versions: list[int] = []
    for name in index_templates(names):
        answer = connection.ask("GET", f"/_index_template/{name}", absent={"index_templates": []})
        found = [t["index_template"].get("version", 0) for t in answer["index_templates"]]
        versions.append(min(found, default=0))
    return min(versions)


def need_index(connection: Connection, index: str, body: dict[str, Any] | None = None) -> None:
    """Make an index where it is not there; another writer may be quicker."""
    if connection.ask("GET", f"/{index}/_settings", absent=None, filter_path="*.settings.index.uuid"):
        return
    try:
        connection.ask("PUT", f"/{index}", body)
    except StoreError as e:
        if "resource_already_exists_exception" not in str(e):
            raise


def indices(connection: Connection, names: Names) -> list[str]:
    """Names of the alert indices, in order."""
    answer = connection.ask(
        "GET", f"/{names.all_alerts}/_settings", absent={}, filter_path="*.settings.index.uuid"
    )
    return sorted(name for name in answer or {} if names.parse(name))


def parsed(names: Names, index: str) -> tuple[str, str]:
    """Lane and day of an alert index; raises StoreError for another."""
    found = names.parse(index)
    if found is None:
        raise StoreError(f"{index} is no index of alerts")
    return found


def version_of(connection: Connection, index: str) -> int:
    """The layout that an index was made in."""
    answer = connection.ask("GET", f"/{index}/_mapping")
    return int(answer[index]["mappings"].get("_meta", {}).get("version", 0))


def status(connection: Connection, names: Names, workflows: int) -> StoreStatus:
    """How the server and the indices stand."""
    health = str(connection.ask("GET", "/_cluster/health")["status"])
    nodes = connection.ask("GET", "/_nodes/_all/version", filter_path="nodes.*.version").get("nodes", {})
    found = indices(connection, names)
    stats: dict[str, Any] = {}
    if found:
        stats = connection.ask("GET", f"/{names.all_alerts}/_stats/docs,store", level="indices")["indices"]
    parts = []
    for name in found:
        lane, day = parsed(names, name)
        primaries = stats.get(name, {}).get("primaries", {})
        parts.append(
            Part(
                name,
                lane,
                day,
                int(primaries.get("docs", {}).get("count", 0)),
                int(primaries.get("store", {}).get("size_in_bytes", 0)),
                version_of(connection, name),
            )
        )
    return StoreStatus(
        "elasticsearch",
        connection.url,
        _HEALTH.get(health, "red"),
        ", ".join(sorted({node["version"] for node in nodes.values()})),
        VERSION,
        template_version(connection, names) == VERSION,
        tuple(sorted(parts, key=lambda p: (p.day, p.lane))),
        workflows,
    )


def migrate(connection: Connection, names: Names, settings: ElasticsearchSettings) -> list[str]:
    """Bring every day in an older layout to the present one; returns their names.

    A day is closed to writers, copied aside, and put back under its name by cloning the copy, which takes no
    time. Killed at any moment, the next call goes on: the copy is dropped only when the day is whole again.
    """
    done = []
    known = indices(connection, names)
    aside = {names.moving(name): name for name in _left_over(connection, names)}
    for moving, name in aside.items():
        if name not in known:  # killed between removing the old and putting back the new
            _put_back(connection, moving, name, names)
            done.append(name)
        else:
            connection.ask("DELETE", f"/{moving}", absent=None)
    for name in known:
        if version_of(connection, name) >= VERSION:
            continue
        moving = names.moving(name)
        _block(connection, name, blocked=True)
        connection.ask(
            "PUT",
            f"/{moving}",
            {
                "settings": {"index": {**index_settings(settings, None), "analysis": ANALYSIS}},
                "mappings": alert_mappings(),
            },
        )
        copied = _copy(connection, name, moving, settings.bulk_bytes)
        connection.ask("POST", f"/{moving}/_refresh")
        here, there = (int(connection.ask("GET", f"/{i}/_count")["count"]) for i in (name, moving))
        if not copied == here == there:
            raise StoreError(f"{name}: {here} alerts, but {there} arrived in the copy; nothing was removed")
        connection.ask("DELETE", f"/{name}")
        _put_back(connection, moving, name, names)
        done.append(name)
    return sorted(done)


def _left_over(connection: Connection, names: Names) -> list[str]:
    pattern = names.moving(names.all_alerts)
    answer = connection.ask("GET", f"/{pattern}/_settings", absent={}, filter_path="*.settings.index.uuid")
    return [name.replace(f"{names.prefix}-moving-", f"{names.prefix}-", 1) for name in answer or {}]


def _put_back(connection: Connection, moving: str, name: str, names: Names) -> None:
    _block(connection, moving, blocked=True)
    lane, _ = parsed(names, name)
    connection.ask(
        "PUT", f"/{moving}/_clone/{name}",
        {"settings": {"index.blocks.write": None}, "aliases": {names.alias(lane): {}}},
        wait_for_active_shards="1",
    )  # fmt: skip
    connection.ask("DELETE", f"/{moving}", absent=None)


def _block(connection: Connection, index: str, *, blocked: bool) -> None:
    connection.ask("PUT", f"/{index}/_settings", {"index.blocks.write": blocked})


def _copy(connection: Connection, source: str, target: str, most_bytes: int) -> int:
    copied = 0
    for page in _pages(connection, source):
        entries = [bulk.Entry(target, d["event"]["id"], bulk.body_of(d)) for d in page]
        bulk.send(connection, entries, most_bytes)
        copied += len(entries)
    return copied


def _pages(connection: Connection, index: str) -> Iterator[list[Document]]:
    connection.ask("POST", f"/{index}/_refresh")
    pit = connection.ask("POST", f"/{index}/_pit", keep_alive="5m")["id"]
    after: list[Any] | None = None
    while True:
        body: dict[str, Any] = {
            "size": _PAGE, "sort": ["_shard_doc"], "track_total_hits": False,
            "pit": {"id": pit, "keep_alive": "5m"},
        }  # fmt: skip
        if after is not None:
            body["search_after"] = after
        answer = connection.ask("POST", "/_search", body, allow_partial_search_results="false")
        hits, pit = answer["hits"]["hits"], answer.get("pit_id", pit)
        if not hits:
            connection.ask("DELETE", "/_pit", {"id": pit}, absent=None)
            return
        after = hits[-1]["sort"]
        yield [document_of(hit) for hit in hits]
