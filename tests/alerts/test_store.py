"""The contract of alert stores, over both."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts import times
from alerts.correlate import Correlator
from alerts.embedded import EmbeddedStore
from alerts.query import parse
from alerts.store import AlertStore, open_store
from alerts.terms import quoted
from alerts.workflow import UNCHANGED, Step, Workflow
from citywall.errors import QueryError, StoreConflict, StoreError
from citywall.findings import Endpoint, Severity
from citywall.places import Place
from citywall.settings import CorrelateSettings

Make = Callable[..., Any]
STORES = ["sqlite", "elasticsearch"]
START = 1_714_564_800 * times.SECOND


class Filled(NamedTuple):
    """A store and what is in it."""

    store: AlertStore
    documents: list[dict[str, Any]]

    def __repr__(self) -> str:
        return type(self.store).__name__


def test_the_embedded_store_is_of_the_data_folder(tmp_path: Path) -> None:
    store: AlertStore = open_store("sqlite://", tmp_path)
    assert isinstance(store, EmbeddedStore)
    assert store.folder == tmp_path / "alerts"
    store.close()


def test_other_stores_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="mysql"):
        open_store("mysql://x", tmp_path)


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


def hostile(make_document: Make, make_session: Make) -> list[dict[str, Any]]:
    """Alerts with texts, times, numbers and addresses that stores like to get wrong."""
    found = [
        make_document(90, detector="flood", source=None, target=Endpoint("2001:db8::", prefix=48)),
        make_document(91, entity="STRASSE/\u0130\u03a3 \u00df ff?o[b]\\\\ar*"),
        make_document(92, entity="Stra\u00dfe \u03c2\uff21\uff22 _underscored_", kind="WIDE"),
        make_document(93, facts={"port": "22", "ratio": 2.5, "n": 9007199254740993, "a.b": "X"}),
        make_document(94, entity="网络a扫描b描"),
        make_document(95, source=Endpoint("10.0.0.0", prefix=8), target=Endpoint("::ffff:10.0.0.5")),
    ]
    early = make_document(96, entity="early", score=0.1)
    early["@timestamp"] = "1969-12-31T23:59:59.999999999Z"
    early["event"]["start"] = "1066-10-14T00:00:00.000000000Z"
    late = make_document(97, entity="late", score=-1.0)
    late["@timestamp"] = late["citywall"]["dedup"]["last_seen"] = "2262-04-11T23:47:16.854775806Z"
    late["event"]["end"] = "9999-01-01T00:00:00.000000000Z"
    return [*found, early, late]


@pytest.fixture(scope="module", params=STORES)
def filled(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    make_document: Make,
    make_session: Make,
) -> Iterator[Filled]:
    """A store of each kind with the same alerts."""
    if request.param == "sqlite":
        store: AlertStore = EmbeddedStore(tmp_path_factory.mktemp("filled"))
    else:
        store = request.getfixturevalue("elastic_stores")()
    documents = spread(make_document, make_session) + hostile(make_document, make_session)
    store.upsert(documents)
    yield Filled(store, documents)
    store.close()


SAMPLES = st.sampled_from(
        ["sev>=3", "sev!=2", "severity<4.5", "risk>50", "count:1", "detector:scan", "detector:SC*n",
         "kind:*", "unit:*", "entity:e1*", "entity:E7", 'entity:"e*"', "src:10.0.0.5",
         "dst:10.0.1.0/24", "ip:10.0.2.*", "dst!=10.0.0.0/23", "2001:db8::/32",
         "time<2024-05-01T12:20", "time>2024-05-01T12:20", "time:2024-05-01", "last<=2024-05-01T12:30",
         "扫描", "攻击", "sca*", "informational", '"network scan"', "session:day20001", "port:22",
         "rule:*scan", "message:scan", "technique:T1046", "id:0*", "lane:live", "time:2023-01-01",
         "time>=1066-10-14"]
    )  # fmt: skip
TEXTS = st.text(alphabet="sStTaAßςσΣİi扫描网 *?[]\\_.:/09Ａ", min_size=1, max_size=6)
TIMES = st.sampled_from(
    ["1066", "1066-10-14", "1969-12-31", "1970-01-01", "2024-05-01", "2024-05-01T12:00",
     "2024-05-01T12:01:31", "2024-05-01T12:01:31.000000000Z", "2262-04-12", "9999-01-01"]
)  # fmt: skip
NUMBERS = st.sampled_from(
    ["0", "1", "2", "2.5", "3", "4.0", "22", "25", "0.1", "-1", "1e30", "-1e30", "9223372036854775807",
     "9007199254740993", "9223372036854775808", "low", "critical"]
)  # fmt: skip
OPS = st.sampled_from([":", "!=", "<", "<=", ">", ">="])
ATOMS = st.one_of(
    SAMPLES,
    st.builds(
        lambda f, t: f + ":" + quoted(t),
        st.sampled_from(["entity", "kind", "rule", "detector", "session", "message", "citywall.message_zh",
                         "citywall.rule_name_zh", "technique", "citywall.evidence.path", "id",
                         "citywall.detector.facts.port", "citywall.targets.exact"]),
        TEXTS,
    ),
    st.builds(
        lambda f, t: f + ":" + t,
        st.sampled_from(["entity", "kind", "rule", "unit", "community", "network.type", "citywall.domain"]),
        TEXTS.map(lambda t: "".join(c for c in t if c not in ' ()"') or "*"),
    ),
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["severity", "risk", "count", "score", "port", "citywall.evidence_count",
                         "citywall.detector.facts.ratio", "citywall.detector.facts.n"]),
        OPS, NUMBERS,
    ),
    st.builds(
        "{}{}{}".format, st.sampled_from(["time", "last", "event.start", "event.end", "event.ingested"]), OPS,
        TIMES,
    ),
    st.builds(
        "{}:{}".format, st.sampled_from(["src", "dst", "ip", "source.ip", "related.ip"]),
        st.sampled_from(["10.0.0.5", "10.0.*", "0.0.0.0/0", "::/0", "::ffff:0:0/96", "2001:db8::1",
                         "2001:db8::/32", "10.0.1.0/30", "*"]),
    ),
    st.builds("{}:*".format, st.sampled_from(["event.start", "message", "facts", "network.transport",
                                              "citywall.detector.facts.a.b", "citywall.sources.exact"])),
    TEXTS.filter(lambda t: any(c.isalnum() for c in t)).map(quoted),
    st.sampled_from(["扫*", "网络*", "0*", "st*", "描"]),
)  # fmt: skip


def _parsed(text: str) -> Any:
    try:
        return parse(text)
    except QueryError:
        return None


QUERIES = st.recursive(
    ATOMS.filter(lambda text: _parsed(text) is not None),
    lambda inner: st.one_of(
        st.builds("({} AND {})".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        st.builds("NOT ({})".format, inner),
    ),
    max_leaves=5,
)
SPANS = st.sampled_from([None, 0, -1, 1 << 80, START, START + 20 * times.MINUTE, START + times.HOUR])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=QUERIES, since=SPANS, until=SPANS)
def test_the_store_answers_as_the_documents_do(
    filled: Filled, text: str, since: int | None, until: int | None
) -> None:
    store, documents = filled
    query = parse(text)
    wanted = sorted(
        (
            d for d in documents
            if query.matches(d)
            and (since is None or times.from_iso(d["citywall"]["dedup"]["last_seen"]) >= since)
            and (until is None or times.from_iso(d["@timestamp"]) < until)
        ),
        key=lambda d: (times.from_iso(d["@timestamp"]), d["event"]["id"]), reverse=True,
    )  # fmt: skip
    assert ids(store.scan(query, since=since, until=until)) == ids(wanted)
    assert store.count(query, since=since, until=until) == len(wanted)


@pytest.mark.parametrize("limit", [1, 7, 59, 60, 1000])
def test_pages_join_to_everything_newest_first(
    store: AlertStore, make_document: Make, make_session: Make, limit: int
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


def test_get(store: AlertStore, make_document: Make, make_session: Make) -> None:
    documents = spread(make_document, make_session, 8)
    assert store.get("nothing") is None
    store.upsert(documents)
    for document in documents:
        assert store.get(document["event"]["id"]) == document
    assert store.get("nothing") is None


def test_since_and_until_are_the_alerts_own_time(store: AlertStore, make_document: Make) -> None:
    store.upsert([make_document(i * 60, entity=f"e{i}") for i in range(10)])
    base = 1_714_564_800 * times.SECOND
    assert store.count(since=base + 3 * times.MINUTE) == 7
    assert store.count(until=base + 3 * times.MINUTE) == 3
    assert store.count(since=base + 2 * times.MINUTE, until=base + 5 * times.MINUTE) == 3
    assert store.count(since=1 << 80) == 0
    assert store.count(parse("time>=9999-01-01")) == 0


def test_an_alert_that_goes_on_is_found_by_its_end(
    store: AlertStore, make_document: Make, make_finding: Make
) -> None:
    document = make_document(0)
    document["citywall"]["dedup"]["last_seen"] = "2024-05-01T14:00:00.000000000Z"
    store.upsert([document])
    noon = times.from_iso("2024-05-01T13:00")
    assert store.count(since=noon) == 1
    assert store.count(since=noon + times.HOUR + 1) == 0


def test_chinese_is_found(store: AlertStore, make_document: Make) -> None:
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


def test_what_the_register_said_is_found(
    store: AlertStore, cards: Any, make_finding: Make, make_session: Make
) -> None:
    web = Place("web", "门户服务器", "portal", "门户", "data", "大数据局", "edge", "互联网区", 4, 3, True)
    office = Place(unit="office", unit_name="办公室", zone="inside", zone_name="内部区")
    places = {"10.0.0.5": office, "10.0.1.1": web}
    correlator = Correlator(CorrelateSettings(), cards, locate=lambda _domain, address: places.get(address))
    findings = [
        make_finding(0, entity="a", target=Endpoint("10.0.1.1")),
        make_finding(1, entity="b", source=Endpoint("192.0.2.1"), target=Endpoint("192.0.2.2")),
    ]
    both, _ = documents = correlator.add(findings, make_session())
    store.upsert(documents)
    for query in (
        "unit:data", "unit:大数据局", "asset:web", "system:门户", "zone:互联网区", "zone:inside",
        "importance>=4", "mlps:3", "cii:true", "门户服务器", "互联网区", "办公室",
        "citywall.asset.src.unit_id:office",
        "citywall.asset.side:dst", "citywall.asset.dst.cii:true", "citywall.zone.dst:互联网*",
    ):  # fmt: skip
        assert list(store.scan(parse(query))) == [both], query
    for query in ("unit:office", "importance>4", "cii:false", "citywall.zone.dst:内部区"):
        assert list(store.scan(parse(query))) == [], query


def test_a_target_among_many_is_found(store: AlertStore, make_document: Make, make_evidence: Make) -> None:
    store.upsert([make_document(0, evidence=tuple(make_evidence(0, k, f"10.0.1.{k}") for k in range(9)))])
    assert store.count(parse("dst:10.0.1.8")) == store.count(parse("10.0.1.8")) == 1
    assert store.count(parse("src:10.0.1.8")) == store.count(parse("destination.ip:10.0.1.8")) == 0


def test_a_query_that_columns_cannot_answer_still_pages(
    filled: Filled,
) -> None:
    store = filled.store
    query = parse("technique:T1046")
    whole = store.search(query, limit=100)
    assert len(whole.documents) == 67
    first = store.search(query, limit=25)
    second = store.search(query, limit=100, after=first.after)
    assert first.documents + second.documents == whole.documents


def test_tally_and_minutes(filled: Filled) -> None:
    store = filled.store
    assert store.tally("detector") == {"scan": 67, "flood": 1}
    assert store.tally("severity", lane="live") == {"3": 20, "1": 12, "2": 12, "4": 12, "5": 12}
    base = 1_714_564_800 * times.SECOND
    counts = store.minutes(base + 1, base + 3 * times.MINUTE)
    assert [m.minute for m in counts] == sorted(m.minute for m in counts)
    assert sum(m.count for m in counts) == 9
    assert sum(m.count for m in store.minutes(0, 1 << 62)) == 66
    with pytest.raises(StoreError, match="not counted by"):
        store.tally("doc")  # type: ignore[arg-type]


@pytest.mark.parametrize("cursor", ["", "1", "x_y", "1_zz", "1_a; DROP TABLE alerts"])
def test_a_made_up_cursor_is_refused(store: AlertStore, cursor: str) -> None:
    with pytest.raises(StoreError, match="earlier page"):
        store.search(after=cursor)


def test_deleting_a_session_wherever_it_is(
    store: AlertStore, make_document: Make, make_session: Make
) -> None:
    store.upsert([make_document(i, session=received(make_session, 20_000 + i, "A")) for i in range(3)])
    store.upsert([make_document(0, session=received(make_session, 20_000, "B"))])
    assert store.delete_session("A") == 3
    assert [d["citywall"]["session"] for d in store.scan()] == ["B"]


def test_retention_deletes_whole_days(store: AlertStore, make_document: Make, make_session: Make) -> None:
    for day in range(20_000, 20_010):
        store.upsert([make_document(0, session=received(make_session, day))])
    now = 20_010 * times.DAY + 5 * times.HOUR
    gone = store.retain(3, now)
    assert len(gone) == 7
    assert [name.replace(".", "-").removesuffix("-sqlite")[-10:] for name in gone] == [
        f"2024-10-{n:02d}" for n in range(4, 11)
    ]
    assert store.count() == 3
    assert store.retain(3, now) == []
    store.upsert([make_document(0, session=received(make_session, 20_000))])
    assert store.count() == 4


def test_threads_may_share_a_store(store: AlertStore, make_document: Make) -> None:
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


def test_what_was_written_comes_back_whole(filled: Filled) -> None:
    assert {d["event"]["id"]: d for d in filled.store.scan()} == {
        d["event"]["id"]: d for d in filled.documents
    }


def test_writing_again_replaces(store: AlertStore, make_document: Make) -> None:
    document = make_document(0)
    store.upsert([document, {**document, "message": "between"}])
    store.upsert([{**document, "message": "newest"}])
    assert [d["message"] for d in store.scan()] == ["newest"]
    store.upsert([])
    assert store.count() == 1


def test_an_alert_without_what_every_alert_has_is_named(store: AlertStore, make_document: Make) -> None:
    document = make_document(0)
    del document["citywall"]["entity"]
    with pytest.raises(StoreError, match=f"{document['event']['id']} lacks entity"):
        store.upsert([document])


def test_lanes_are_apart(store: AlertStore, make_document: Make, make_session: Make) -> None:
    for lane in ("live", "drill", "test"):
        store.upsert([make_document(0, session=received(make_session, 19_000, lane=lane))])
    assert store.count() == 3
    assert store.count(lane="drill") == store.count(parse("lane:drill")) == 1
    assert store.tally("severity", lane="test") == {"3": 1}
    assert sum(m.count for m in store.minutes(0, 1 << 62, lane="test")) == 1
    for refused in (lambda: store.count(lane="../live"), lambda: store.delete_session("x", lane="no")):
        with pytest.raises(StoreError, match="no lane"):
            refused()
    with pytest.raises(StoreError, match="no lane"):
        store.upsert([make_document(0, session=received(make_session, 1, lane="../../x"))])
    assert store.delete_session("day19000", lane="drill") == 1
    assert store.count() == 2


def test_minutes_at_their_edges(store: AlertStore, make_document: Make) -> None:
    store.upsert([make_document(s, entity=f"e{s}") for s in (0, 59.999999999, 60, 119.999999999, 120)])
    assert [m.count for m in store.minutes(START, START + 2 * times.MINUTE)] == [2, 2]
    assert [m.count for m in store.minutes(START + 1, START + 2 * times.MINUTE + 1)] == [2, 2, 1]
    assert [m.minute for m in store.minutes(START, START + 1)] == [START]
    assert store.minutes(START, START) == []


def test_many_alerts_page_in_order(store: AlertStore, make_document: Make) -> None:
    documents = [make_document(i // 7, entity=f"e{i}") for i in range(1203)]
    store.upsert(documents)
    wanted = sorted(documents, key=lambda d: (d["@timestamp"], d["event"]["id"]), reverse=True)
    assert ids(store.scan()) == ids(wanted)
    page = store.search(limit=1100)
    assert ids(page.documents) == ids(wanted[:1100])
    assert ids(store.search(limit=1100, after=page.after).documents) == ids(wanted[1100:])


def test_a_cursor_is_good_for_another_object(
    filled: Filled, elastic_stores: Callable[..., AlertStore]
) -> None:
    store = filled.store
    first = store.search(limit=5)
    if isinstance(store, EmbeddedStore):
        other: AlertStore = EmbeddedStore(store.folder, read_only=True)
    else:
        other = elastic_stores(store.names.prefix, read_only=True)  # type: ignore[attr-defined]
    page = other.search(limit=5, after=first.after)
    assert ids(page.documents) == ids(store.scan())[5:10]
    other.close()


def test_a_reader_changes_nothing(
    filled: Filled, elastic_stores: Callable[..., AlertStore], tmp_path: Path
) -> None:
    reader: AlertStore = EmbeddedStore(tmp_path / "absent", read_only=True)
    if not isinstance(filled.store, EmbeddedStore):
        reader = elastic_stores(read_only=True)
    assert reader.count() == 0
    assert list(reader.scan()) == []
    assert reader.get("x") is None
    assert reader.workflow("x").version == UNCHANGED
    assert list(reader.workflows()) == []
    assert not reader.status().ready
    changes: tuple[Callable[[], Any], ...] = (
        lambda: reader.upsert([]), lambda: reader.delete_session("x"), lambda: reader.retain(1, 0),
        lambda: reader.change("x", Step(0, "li", note="n"), UNCHANGED), lambda: reader.adopt_workflows([]),
        reader.prepare, reader.migrate,
    )  # fmt: skip
    for change in changes:
        with pytest.raises(StoreError, match="reading only"):
            change()
    with pytest.raises(StoreError, match="at least one"):
        reader.search(limit=0)
    reader.close()


def test_what_people_wrote_outlives_writing_again(store: AlertStore, make_document: Make) -> None:
    document = make_document(0)
    name = document["event"]["id"]
    store.upsert([document])
    assert store.workflow(name).workflow == Workflow()
    first = store.change(name, Step(1, "li", status="acknowledged", owner="li"), UNCHANGED)
    second = store.change(name, Step(2, "wang", note="误报？ask 统计局"), first.version)
    assert store.workflow(name) == second
    assert (second.workflow.status, second.workflow.owner) == ("acknowledged", "li")
    assert [s.note for s in second.workflow.notes] == ["误报？ask 统计局"]
    assert (second.workflow.lane, second.workflow.received) == ("live", "2024-05-02")
    store.upsert([{**document, "message": "newer"}])
    store.delete_session(document["citywall"]["session"])
    store.upsert([document])
    assert store.workflow(name) == second
    assert list(store.workflows()) == [(name, second.workflow)]
    assert store.get(name) == document  # and nothing of it is in the alert


def test_who_read_an_older_version_is_told(store: AlertStore, make_document: Make) -> None:
    document = make_document(0)
    name = document["event"]["id"]
    store.upsert([document])
    first = store.change(name, Step(1, "li", owner="li"), UNCHANGED)
    for stale in (UNCHANGED, "17", "17.1", "x"):
        with pytest.raises(StoreConflict, match="read it again"):
            store.change(name, Step(2, "wang", owner="wang"), stale)
    assert store.workflow(name) == first
    with pytest.raises(StoreError, match="no alert"):
        store.change("f" * 32, Step(2, "wang", owner="wang"), UNCHANGED)
    for bad in (Step(2, "", note="x"), Step(2, "li"), Step(2, "li", note=""), Step(2, "li", status="lost")):  # type: ignore[arg-type]
        with pytest.raises(StoreError):
            store.change(name, bad, first.version)


def test_of_many_at_once_one_wins(store: AlertStore, make_document: Make) -> None:
    document = make_document(0)
    name = document["event"]["id"]
    store.upsert([document])
    version = store.change(name, Step(0, "li", note="begin"), UNCHANGED).version
    outcomes: list[str] = []

    def work(who: str) -> None:
        try:
            store.change(name, Step(1, who, owner=who), version)
            outcomes.append(who)
        except StoreConflict:
            outcomes.append("")

    threads = [threading.Thread(target=work, args=(f"p{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [who for who in outcomes if who]
    assert len(outcomes) == 6
    assert [store.workflow(name).workflow.owner] == winners


def test_workflows_are_adopted_where_they_go_on(store: AlertStore, make_document: Make) -> None:
    document = make_document(0)
    name = document["event"]["id"]
    store.upsert([document])
    begun = store.change(name, Step(1, "li", note="one"), UNCHANGED).workflow
    longer = begun.after(Step(2, "li", note="two"))
    elsewhere = Workflow(lane="live", received="2024-05-02").after(Step(3, "wang", note="other"))
    assert store.adopt_workflows([(name, longer), ("b", elsewhere)]) == []
    assert list(store.workflows()) == sorted([(name, longer), ("b", elsewhere)])
    assert store.adopt_workflows([(name, begun), ("b", elsewhere)]) == [name]
    assert store.workflow(name).workflow == longer


def test_workflows_go_with_their_day(store: AlertStore, make_document: Make, make_session: Make) -> None:
    for day in (20_000, 20_005):
        document = make_document(0, session=received(make_session, day))
        store.upsert([document])
        store.change(document["event"]["id"], Step(1, "li", note="x"), UNCHANGED)
    assert len(list(store.workflows())) == 2
    store.retain(3, 20_006 * times.DAY)
    assert [w.received for _, w in store.workflows()] == ["2024-10-09"]


def test_status(store: AlertStore, make_document: Make, make_session: Make) -> None:
    store.prepare()
    store.prepare()
    empty = store.status()
    assert (empty.ready, empty.health, empty.parts, empty.workflows) == (True, "green", (), 0)
    document = make_document(0, session=received(make_session, 20_000, lane="drill"))
    store.upsert([make_document(n, session=received(make_session, 20_001)) for n in range(3)] + [document])
    store.change(document["event"]["id"], Step(1, "li", note="x"), UNCHANGED)
    told = store.status()
    assert [(p.lane, p.day, p.documents) for p in told.parts] == [
        ("drill", "2024-10-04", 1), ("live", "2024-10-05", 3)
    ]  # fmt: skip
    assert all(p.bytes > 0 for p in told.parts)
    assert told.workflows == 1
    assert told.outdated == ()
    assert store.migrate() == []
