"""An exception in any agent costs nothing for good: the event is set aside, and a replay heals it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alerts.archive import FlowArchive
from alerts.embedded import EmbeddedStore
from citywall.settings import CaptureSettings, Settings
from stream import healing
from stream.assembly import Assembly, assemble
from stream.letters import LetterBox
from stream.runner import run_paths

SETTINGS = Settings(capture=CaptureSettings(block_bytes=1 << 17))


def failing(name: str) -> Callable[[Settings, Path, int], Assembly]:
    """The real roles; the stage called `name` raises at every message that holds something."""

    def make_assembly(settings: Settings, data: Path, now: int) -> Assembly:
        assembly = assemble(settings, data, now)
        for i, role in enumerate(assembly.roles):
            if role.name == name:
                assembly.roles[i] = msgspec.structs.replace(role, make=_failing(role.make))
        return assembly

    return make_assembly


def _failing(make: Callable[[int], Any]) -> Callable[[int], Any]:
    def maker(partition: int) -> Any:
        stage = make(partition)
        receive = stage.receive

        def raising(message: Any) -> Any:
            if message.header.count:
                raise RuntimeError("injected")
            return receive(message)

        stage.receive = raising
        return stage

    return maker


def results(data: Path) -> tuple[dict[str, Any], list[Any]]:
    store = EmbeddedStore(data / "alerts", read_only=True)
    documents = {document["event"]["id"]: document for document in store.scan()}
    store.close()
    for document in documents.values():
        document["event"].pop("ingested")
    flows = FlowArchive(data, read_only=True).query(limit=100_000).flows
    return documents, sorted(flow["flow_id"] for flow in flows)


@pytest.fixture(scope="module")
def undisturbed(busy: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[Any]]:
    data = tmp_path_factory.mktemp("undisturbed")
    run_paths([busy], data, SETTINGS)
    return results(data)


@pytest.mark.parametrize(
    ("agent", "partitions"),
    [("capture", 1), ("detect", 1), ("correlate", 1), ("index", 1), ("archive", 1),
     ("capture", 3), ("detect", 3), ("correlate", 3)],
)  # fmt: skip
def test_set_aside_and_healed(
    agent: str, partitions: int, busy: Path, tmp_path: Path, undisturbed: tuple[dict[str, Any], list[Any]]
) -> None:
    settings = msgspec.structs.replace(SETTINGS, partitions=partitions)
    report = run_paths([busy], tmp_path, settings, assemble=failing(agent))
    letters = LetterBox(tmp_path).letters()
    assert report.sessions[0].errors == {"message_set_aside": len(letters)}
    assert {(x.stage, x.reason, x.path) for x in letters} == {(agent, "RuntimeError: injected", str(busy))}
    assert results(tmp_path) != undisturbed
    assert partitions == 1 or agent == "correlate" or len({x.partition for x in letters}) == partitions
    healed = healing.replay(letters, tmp_path, settings)
    assert (healed.healed, healed.again) == ([x.id for x in letters], [])
    assert not healed.report.sessions[0].errors
    assert results(tmp_path) == undisturbed
    assert LetterBox(tmp_path).letters() == []
