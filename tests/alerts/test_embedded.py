from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts import times
from alerts.embedded import EmbeddedStore
from alerts.query import parse
from citywall.errors import StoreError
from citywall.findings import Endpoint, Severity

ROOT = Path(__file__).resolve().parents[2]
Make = Callable[..., Any]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    opened = EmbeddedStore(tmp_path / "alerts")
    yield opened
    opened.close()


def received(make_session: Make, day: int, name: str = "", lane: str = "live") -> Any:
    return make_session(name or f"day{day}", lane, day * times.DAY)


def spread(make_document: Make, make_session: Make, many: int = 60) -> list[dict[str, Any]]:
    """Alerts whose event times are mixed over four days of receipt."""
    return [
        make_document(
            (i * 37) % many * 60,
            session=received(make_session, 20_000 + i % 4),
            entity=f"e{i}",
            severity=Severity(i % 5 + 1),
            target=Endpoint(f"10.0.{i % 3}.{i}", port=22),
        )
        for i in range(many)
    ]


def ids(documents: Any) -> list[str]:
    return [d["event"]["id"] for d in documents]


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


@pytest.mark.parametrize("limit", [1, 7, 59, 60, 1000])
def test_pages_join_to_everything_newest_first(
    store: EmbeddedStore, make_document: Make, make_session: Make, limit: int
) -> None:
    documents = spread(make_document, make_session)
    store.upsert(documents)
    found, after = [], None
    while True:
        page = store.search(limit=limit, after=after)
        assert len(page.documents) <= limit
        found += page.documents
        if (after := page.after) is None:
            break
    wanted = sorted(documents, key=lambda d: (d["@timestamp"], d["event"]["id"]), reverse=True)
    assert found == wanted
    assert list(store.scan()) == wanted


def test_get(store: EmbeddedStore, make_document: Make, make_session: Make) -> None:
    documents = spread(make_document, make_session, 8)
    assert store.get("nothing") is None
    store.upsert(documents)
    for document in documents:
        assert store.get(document["event"]["id"]) == document
    assert store.get("nothing") is None


def test_since_and_until_are_the_alerts_own_time(store: EmbeddedStore, make_document: Make) -> None:
    store.upsert([make_document(i * 60, entity=f"e{i}") for i in range(10)])
    base = 1_714_564_800 * times.SECOND
    assert store.count(since=base + 3 * times.MINUTE) == 7
    assert store.count(until=base + 3 * times.MINUTE) == 3
    assert store.count(since=base + 2 * times.MINUTE, until=base + 5 * times.MINUTE) == 3
    assert store.count(since=1 << 80) == 0
    assert store.count(parse("time>=9999-01-01")) == 0


def test_an_alert_that_goes_on_is_found_by_its_end(
    store: EmbeddedStore, make_document: Make, make_finding: Make
) -> None:
    document = make_document(0)
    document["citywall"]["dedup"]["last_seen"] = "2024-05-01T14:00:00.000000000Z"
    store.upsert([document])
    noon = times.from_iso("2024-05-01T13:00")
    assert store.count(since=noon) == 1
    assert store.count(since=noon + times.HOUR + 1) == 0


def test_chinese_is_found(store: EmbeddedStore, make_document: Make) -> None:
    store.upsert(
        [make_document(0), make_document(1, detector="bruteforce"), make_document(2, detector="flood")]
    )
    for text, found in (
        ("扫描", ["scan"]), ("网络扫描", ["scan"]), ("络扫", ["scan"]), ("扫", ["scan"]), ("探测", ["scan"]),
        ("暴力", ["bruteforce"]), ("凭据攻击", ["bruteforce"]), ("攻击", ["flood", "bruteforce"]),
        ("描网", []), ("网络 NOT 暴力", ["scan"]), ("洪水 OR 暴力", ["flood", "bruteforce"]),
    ):  # fmt: skip
        page = store.search(parse(text))
        assert [d["rule"]["id"] for d in page.documents] == found, text


def test_a_target_among_many_is_found(store: EmbeddedStore, make_document: Make, make_evidence: Make) -> None:
    store.upsert([make_document(0, evidence=tuple(make_evidence(0, k, f"10.0.1.{k}") for k in range(9)))])
    assert store.count(parse("dst:10.0.1.8")) == store.count(parse("10.0.1.8")) == 1
    assert store.count(parse("src:10.0.1.8")) == store.count(parse("destination.ip:10.0.1.8")) == 0


QUERIES = st.recursive(
    st.sampled_from(
        ["sev>=3", "sev!=2", "severity<4.5", "risk>50", "count:1", "detector:scan", "detector:SC*n",
         "kind:*", "unit:*", "entity:e1*", "entity:E7", 'entity:"e*"', "src:10.0.0.5",
         "dst:10.0.1.0/24", "ip:10.0.2.*", "dst!=10.0.0.0/23", "2001:db8::/32",
         "time<2024-05-01T12:20", "time>2024-05-01T12:20", "time:2024-05-01", "last<=2024-05-01T12:30",
         "扫描", "攻击", "sca*", "informational", '"network scan"', "session:day20001", "port:22",
         "rule:*scan", "message:scan", "technique:T1046", "id:0*", "lane:live", "time:2023-01-01",
         "time>=1066-10-14"]
    ),
    lambda inner: st.one_of(
        st.builds("({} AND {})".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        st.builds("NOT ({})".format, inner),
    ),
    max_leaves=5,
)  # fmt: skip


@pytest.fixture(scope="module")
def filled(
    tmp_path_factory: pytest.TempPathFactory, make_document: Make, make_session: Make
) -> Iterator[tuple[EmbeddedStore, list[dict[str, Any]]]]:
    store = EmbeddedStore(tmp_path_factory.mktemp("filled"))
    documents = spread(make_document, make_session)
    documents += [make_document(90, detector="flood", source=None, target=Endpoint("2001:db8::", prefix=48))]
    store.upsert(documents)
    yield store, documents
    store.close()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=QUERIES)
def test_the_store_answers_as_the_documents_do(
    filled: tuple[EmbeddedStore, list[dict[str, Any]]], text: str
) -> None:
    store, documents = filled
    query = parse(text)
    wanted = {d["event"]["id"] for d in documents if query.matches(d)}
    assert set(ids(store.scan(query))) == wanted
    assert store.count(query) == len(wanted)


def test_a_query_that_columns_cannot_answer_still_pages(
    filled: tuple[EmbeddedStore, list[dict[str, Any]]],
) -> None:
    store, _ = filled
    query = parse("technique:T1046")
    whole = store.search(query, limit=100)
    assert len(whole.documents) == 60
    first = store.search(query, limit=25)
    second = store.search(query, limit=100, after=first.after)
    assert first.documents + second.documents == whole.documents


def test_tally_and_minutes(filled: tuple[EmbeddedStore, list[dict[str, Any]]]) -> None:
    store, _ = filled
    assert store.tally("detector") == {"scan": 60, "flood": 1}
    assert store.tally("severity", lane="live") == {"3": 13, "1": 12, "2": 12, "4": 12, "5": 12}
    base = 1_714_564_800 * times.SECOND
    counts = store.minutes(base + 1, base + 3 * times.MINUTE)
    assert [m.minute for m in counts] == sorted(m.minute for m in counts)
    assert sum(m.count for m in counts) == 4
    assert sum(m.count for m in store.minutes(0, 1 << 62)) == 61
    with pytest.raises(StoreError, match="not counted by"):
        store.tally("doc")  # type: ignore[arg-type]


@pytest.mark.parametrize("cursor", ["", "1", "x_y", "1_zz", "1_a; DROP TABLE alerts"])
def test_a_made_up_cursor_is_refused(store: EmbeddedStore, cursor: str) -> None:
    with pytest.raises(StoreError, match="earlier page"):
        store.search(after=cursor)


def test_deleting_a_session_wherever_it_is(
    store: EmbeddedStore, make_document: Make, make_session: Make
) -> None:
    store.upsert([make_document(i, session=received(make_session, 20_000 + i, "A")) for i in range(3)])
    store.upsert([make_document(0, session=received(make_session, 20_000, "B"))])
    assert store.delete_session("A") == 3
    assert [d["citywall"]["session"] for d in store.scan()] == ["B"]


def test_retention_deletes_whole_days(store: EmbeddedStore, make_document: Make, make_session: Make) -> None:
    for day in range(20_000, 20_010):
        store.upsert([make_document(0, session=received(make_session, day))])
    now = 20_010 * times.DAY + 5 * times.HOUR
    gone = store.retain(3, now)
    assert len(gone) == 7
    assert gone[0].endswith("2024-10-04.sqlite")
    assert store.count() == 3
    assert not list(store.folder.glob("live/2024-10-0[4-9].sqlite*"))
    assert store.retain(3, now) == []
    store.upsert([make_document(0, session=received(make_session, 20_000))])
    assert store.count() == 4


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


def test_threads_may_share_a_store(store: EmbeddedStore, make_document: Make) -> None:
    documents = [make_document(i, entity=f"e{i}") for i in range(80)]
    failures: list[BaseException] = []

    def work(part: int) -> None:
        try:
            for document in documents[part::4]:
                store.upsert([document])
                assert store.get(document["event"]["id"]) == document
        except BaseException as e:  # noqa: BLE001 (told below)
            failures.append(e)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.count() == 80


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
