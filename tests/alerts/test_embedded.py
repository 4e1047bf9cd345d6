from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alerts import times
from alerts.embedded import EmbeddedStore
from alerts.query import parse
from citywall.errors import StoreError

ROOT = Path(__file__).resolve().parents[2]
Make = Callable[..., Any]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    opened = EmbeddedStore(tmp_path / "alerts")
    yield opened
    opened.close()


def received(make_session: Make, day: int, name: str = "", lane: str = "live") -> Any:
    return make_session(name or f"day{day}", lane, day * times.DAY)


def test_files_by_lane_and_day_of_receipt(
    store: EmbeddedStore, make_document: Make, make_session: Make
) -> None:
    for day, lane in ((19_000, "live"), (19_001, "live"), (19_001, "drill")):
        store.upsert([make_document(0, session=received(make_session, day, lane=lane))])
    found = sorted(str(p.relative_to(store.folder)) for p in store.folder.glob("*/*.sqlite"))
    assert found == ["drill/2022-01-09.sqlite", "live/2022-01-08.sqlite", "live/2022-01-09.sqlite"]
    assert store.count() == 3
    assert store.count(lane="drill") == 1
    assert store.count(parse("lane:drill")) == 1
    with pytest.raises(StoreError, match="no lane"):
        store.count(lane="../live")
    with pytest.raises(StoreError, match="no lane"):
        store.upsert([make_document(0, session=received(make_session, 1, lane="../../x"))])


def test_many_days_of_writing(store: EmbeddedStore, make_document: Make, make_session: Make) -> None:
    store.upsert([make_document(0, session=received(make_session, 20_000 + day)) for day in range(30)])
    assert len(store._kept) == 8
    assert store.count() == 30


def test_reading_only(store: EmbeddedStore, make_document: Make, tmp_path: Path) -> None:
    nothing = EmbeddedStore(tmp_path / "absent", read_only=True)
    assert nothing.count() == 0
    assert not (tmp_path / "absent").exists()
    for change in (
        lambda: nothing.upsert([]),
        lambda: nothing.delete_session("x"),
        lambda: nothing.retain(1, 0),
    ):
        with pytest.raises(StoreError, match="reading only"):
            change()
    with pytest.raises(StoreError, match="at least one"):
        nothing.search(limit=0)


WRITER = """
import json, sys
from pathlib import Path
from alerts.embedded import EmbeddedStore
store = EmbeddedStore(Path(sys.argv[1]))
documents = json.loads(Path(sys.argv[2]).read_text())
size = int(sys.argv[3])
for i in range(0, len(documents), size):
    store.upsert(documents[i : i + size])
    print(i + size, flush=True)
store.close()
"""


def start_writer(tmp_path: Path, documents: list[dict[str, Any]], size: int) -> subprocess.Popen[str]:
    source = tmp_path / "documents.json"
    source.write_bytes(msgspec.json.encode(documents))
    arguments = [sys.executable, "-c", WRITER, str(tmp_path / "alerts"), str(source), str(size)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def test_others_read_while_one_process_writes(tmp_path: Path, make_document: Make) -> None:
    documents = [make_document(i, entity=f"e{i}") for i in range(600)]
    reader = EmbeddedStore(tmp_path / "alerts", read_only=True)
    writer = start_writer(tmp_path, documents, 10)
    seen = []
    while writer.poll() is None:
        count = reader.count()
        assert count % 10 == 0  # a transaction is seen whole or not at all
        assert len(reader.search(parse("scan"), limit=1000).documents) >= count
        seen.append(count)
    assert writer.wait() == 0
    assert seen == sorted(seen)
    assert any(0 < n < 600 for n in seen)
    assert list(reader.scan()) == documents[::-1]
    writer.stdout.close()  # type: ignore[union-attr]


def test_a_killed_writer_leaves_whole_transactions(tmp_path: Path, make_document: Make) -> None:
    documents = [make_document(i, entity=f"e{i}") for i in range(900)]
    rng = random.Random(7)
    for _ in range(3):
        writer = start_writer(tmp_path, documents, 90)
        assert writer.stdout is not None
        said = int(writer.stdout.readline())
        time.sleep(rng.random() * 0.05)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        with_reader = EmbeddedStore(tmp_path / "alerts", read_only=True)
        count = with_reader.count()
        assert count >= said
        assert count % 90 == 0
        assert sum(m.count for m in with_reader.minutes(0, 1 << 62)) == count
        assert with_reader.count(parse("扫描")) == count
        assert with_reader.count(parse("src:10.0.0.5")) == count
    again = EmbeddedStore(tmp_path / "alerts")
    again.upsert(documents)
    assert list(again.scan()) == documents[::-1]
    again.close()
