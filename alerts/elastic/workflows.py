"""What people made of alerts, on the server: one document an alert, written only on condition.

A version is the document's sequence number and primary term; the server refuses a write that names another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

import msgspec

from alerts.elastic import admin
from alerts.elastic.connection import Connection
from alerts.elastic.templates import VERSION, Names, index_settings, workflow_mappings
from alerts.workflow import UNCHANGED, Step, Versioned, Workflow, newer
from citywall.errors import StoreConflict, StoreError
from citywall.servers import ElasticsearchSettings

_PAGE = 500


class Workflows:
    """The workflow index."""

    def __init__(self, connection: Connection, names: Names, settings: ElasticsearchSettings) -> None:
        self._connection = connection
        self._index = names.workflow
        self._settings = settings
        self._there = False

    def prepare(self) -> None:
        """Make the index where it is not there."""
        if self._there:
            return
        body = {
            "settings": {"index": index_settings(self._settings, None)},
            "mappings": workflow_mappings(),
        }
        admin.need_index(self._connection, self._index, body)
        found = admin.version_of(self._connection, self._index)
        if found > VERSION:
            raise StoreError(f"{self._index}: has layout {found}, this version of Citywall writes {VERSION}")
        if found < VERSION:  # one index, and fields are only ever added: brought up to date where it stands
            self._connection.ask("PUT", f"/{self._index}/_mapping", workflow_mappings())
        self._there = True

    def get(self, alert_id: str) -> Versioned:
        """What is known of an alert; read as it is at this moment, not as of the last refresh."""
        answer = self._connection.ask("GET", self._place(alert_id), absent={"found": False})
        if not answer.get("found"):
            return Versioned(Workflow(), UNCHANGED)
        return Versioned(_workflow(answer["_source"]), f"{answer['_seq_no']}.{answer['_primary_term']}")

    def change(self, alert_id: str, step: Step, version: str, fresh: Workflow) -> Versioned:
        """Apply a step to what was read as `version`; `fresh` is what a first change begins from."""
        self.prepare()
        found = self.get(alert_id)
        if found.version != version:
            raise self._conflict(alert_id)
        before = fresh if found.version == UNCHANGED else found.workflow
        return self._put(alert_id, before.after(step), version)

    def adopt(self, items: Iterable[tuple[str, Workflow]]) -> list[str]:
        """Take over what goes on from what is here; returns ids of what does not."""
        kept = []
        for alert_id, workflow in items:
            self.prepare()
            found = self.get(alert_id)
            if found.version == UNCHANGED or newer(workflow, found.workflow):
                self._put(alert_id, workflow, found.version)
            elif workflow != found.workflow:
                kept.append(alert_id)
        return kept

    def everything(self) -> Iterator[tuple[str, Workflow]]:
        """Every workflow in order of id."""
        self._refresh()
        for hit in self._hits({"match_all": {}}):
            yield hit["_source"]["id"], _workflow(hit["_source"])

    def count(self) -> int:
        """How many there are."""
        self._refresh()
        answer = self._connection.ask("GET", f"/{self._index}/_count", absent={"count": 0})
        return int(answer["count"])

    def forget_before(self, day: str) -> None:
        """Remove those of alerts received before `day`."""
        self._refresh()
        for hit in list(self._hits({"range": {"received": {"lt": day}}})):
            self._connection.ask("DELETE", self._place(hit["_source"]["id"]), absent=None)

    def _put(self, alert_id: str, workflow: Workflow, version: str) -> Versioned:
        condition: dict[str, Any] = {"op_type": "create"}
        if version != UNCHANGED:
            number, _, term = version.partition(".")
            condition = {"if_seq_no": number, "if_primary_term": term}
        body: dict[str, Any] = msgspec.to_builtins(workflow)
        body["id"] = alert_id
        body["notes"] = [step.note for step in workflow.notes]
        try:
            answer = self._connection.ask("PUT", self._place(alert_id), body, **condition)
        except StoreError as e:
            if "version_conflict" in str(e):
                raise self._conflict(alert_id) from e
            raise
        return Versioned(workflow, f"{answer['_seq_no']}.{answer['_primary_term']}")

    def _hits(self, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
        after: list[Any] | None = None
        while True:
            body: dict[str, Any] = {"size": _PAGE, "query": query, "sort": [{"id": "asc"}]}
            if after is not None:
                body["search_after"] = after
            answer = self._connection.ask(
                "POST", f"/{self._index}/_search", body,
                absent={"hits": {"hits": []}}, allow_partial_search_results="false",
            )  # fmt: skip
            hits = answer["hits"]["hits"]
            yield from hits
            if len(hits) < _PAGE:
                return
            after = hits[-1]["sort"]

    def _refresh(self) -> None:
        self._connection.ask("POST", f"/{self._index}/_refresh", absent=None)

    def _place(self, alert_id: str) -> str:
        return f"/{self._index}/_doc/{quote(alert_id, safe='')}"

    def _conflict(self, alert_id: str) -> StoreConflict:
        return StoreConflict(f"alert {alert_id} was changed meanwhile: read it again")


def _workflow(source: dict[str, Any]) -> Workflow:
    try:
        return msgspec.convert({k: v for k, v in source.items() if k not in ("id", "notes")}, Workflow)
    except msgspec.ValidationError as e:
        raise StoreError(f"workflow {source.get('id')}: is damaged ({e})") from e
