from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from scapy.utils import wrpcap

from citywall import settings
from citywall.errors import InputError, UsageError
from citywall.findings import Finding
from citywall.sessions import LIVE, Session
from citywall.watermarks import END_OF_TIME
from ingest.capture import open_capture
from ingest.decode.blocks import InlineBlock
from rules.sets import changing
from rules.sets.folder import RuleFolder
from stream.armoury import Armoury
from stream.signatures import Signatures
from tests.rules.conftest import tcp

#: What rules keep in mind of flows, hosts and transactions.
RULES = """
alert http any any -> any any (msg:"a"; http.uri; content:"/first"; flowbits:set,seen; sid:1;)
alert http any any -> any any (http.uri; content:"/last"; flowbits:isset,seen; sid:2;)
alert http any any -> any any (http.method; content:"GET"; threshold:type both,\
 track by_src,count 3,seconds 99; sid:3;)
alert http any any -> any any (http.uri; content:"/first"; xbits:set,bad,track ip_src; noalert; sid:4;)
alert tcp any any -> any any (flags:F+; xbits:isset,bad,track ip_src; sid:5;)
alert tcp any any -> any any (content:"Across Borders"; sid:6;)
"""


@pytest.fixture
def session(tmp_path: Path) -> Session:
    asked = b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nAcross"
    turns = [(0, asked % b"first"), (1, answer), (0, asked % b"middle"), (1, answer), (0, asked % b"last")]
    packets = [*tcp(turns), *tcp([(0, b"x Across "), (0, b"Borders")], sport=40001, dport=9999)]
    for i, packet in enumerate(packets):
        packet.time = 1_700_000_000 + i
    wrpcap(str(tmp_path / "a.pcap"), packets)
    return Session("s", "capture", str(tmp_path / "a.pcap"), 1, "live", 0)


@pytest.fixture
def folder(tmp_path: Path) -> RuleFolder:
    made = RuleFolder(tmp_path / "rules")
    put(made, RULES)
    return made


def put(folder: RuleFolder, text: str, name: str = "a.rules") -> None:
    changing.update(folder, {f"signatures/{name}": text.encode()}, "test", replace=False)


def armed(folder: RuleFolder) -> Signatures:
    return Signatures(settings.load(assignments=[f"rules.folder={folder.path}"]))


def pieces(signatures: Signatures, session: Session, between: Callable[[int], None]) -> Iterator[Finding]:
    for number, (found, _) in enumerate(signatures.findings(session)):
        yield from found
        between(number)


def sids(found: list[Finding]) -> list[object]:
    return [finding.facts["sid"] for finding in found]


def test_the_same_rules_again_in_the_middle_change_nothing(
    session: Session, folder: RuleFolder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("stream.signatures.PIECE", 2)
    whole = list(pieces(armed(folder), session, lambda _: None))
    assert set(sids(whole)) == {1, 2, 3, 5, 6}
    signatures = armed(folder)
    versions = set()

    def again(_: int) -> None:
        put(folder, RULES)
        versions.add(signatures.armoury.renew().version)

    assert list(pieces(signatures, session, again)) == whole
    assert len(versions) > 10


def test_other_rules_count_from_the_next_piece_and_know_what_was_before(
    session: Session, folder: RuleFolder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("stream.signatures.PIECE", 2)
    put(folder, RULES.replace("sid:2;", "sid:20;").replace("sid:5;", "sid:50;"))
    whole = sids(list(pieces(armed(folder), session, lambda _: None)))
    put(folder, RULES)
    signatures = armed(folder)

    def other(number: int) -> None:
        if number == 4:  # the first request is over
            put(folder, "# new\n" + RULES.replace("sid:2;", "sid:20;").replace("sid:5;", "sid:50;"))
            signatures.armoury.renew()

    assert sids(list(pieces(signatures, session, other))) == whole
    assert {20, 50} <= set(whole)


def test_new_rules_see_what_the_old_ones_did_not_ask_for(
    session: Session, folder: RuleFolder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("stream.signatures.PIECE", 2)
    put(folder, 'alert tcp any any -> any any (content:"nothing of it"; sid:6;)\n')
    signatures = armed(folder)

    def other(number: int) -> None:
        if number == 0:
            put(
                folder,
                'alert http any any -> any any (http.host; content:"a"; http.uri; content:"/last"; sid:7;)\n',
            )
            signatures.armoury.renew()

    assert sids(list(pieces(signatures, session, other))) == [7]


def test_what_did_not_change_is_not_made_again(folder: RuleFolder):
    armoury = armed(folder).armoury
    before = armoury.now()
    put(folder, RULES + 'alert tcp any any -> any any (content:"another"; sid:9;)\n')
    after = armoury.renew()
    assert after.version == before.version + 1
    assert all(a is b for a, b in zip(before.rules.rules, after.rules.rules, strict=False))
    known = {c.rule.sid: c for c in before.engine.rules}
    assert all(
        c.checks is known[c.rule.sid].checks and c.payload is known[c.rule.sid].payload
        for c in after.engine.rules
        if c.rule.sid != 9
    )
    assert armoury.cards["signature.1.9"].title_en == "sid 9"
    assert "signature.1.1" in armoury.cards


def test_another_version_is_noticed_between_batches_and_read_beside_the_run(folder: RuleFolder):
    armoury = armed(folder).armoury
    version = armoury.now().version
    put(folder, 'alert tcp any any -> any any (content:"another"; sid:9;)\n', "b.rules")
    assert armoury.now().version in {version, version + 1}  # the old set until the new one is ready
    while (making := armoury.making) is not None:
        making.join()
    assert armoury.now().version == version + 1


def test_a_session_begins_with_what_the_folder_has(session: Session, folder: RuleFolder):
    signatures = armed(folder)
    put(folder, "# nothing\n" + RULES.split("\n")[6])
    assert sids(list(pieces(signatures, session, lambda _: None))) == [6]
    put(folder, RULES)
    lookouts = signatures.armoury.lookouts(True)
    assert signatures.armoury.now().lookouts == lookouts
    assert len(signatures.armoury.now().rules.rules) == 6


def test_cards_of_rules_that_another_process_knows_are_read(folder: RuleFolder):
    cards = armed(folder).cards()
    put(folder, 'alert tcp any any -> any any (msg:"New"; content:"another"; sid:9;)\n', "b.rules")
    assert cards["signature.1.9"].title_en == "New"
    assert "signature.1.10" not in cards


def test_a_version_that_cannot_be_read_leaves_things_as_they_are(folder: RuleFolder):
    armoury = armed(folder).armoury
    version = armoury.now().version
    (folder.path / "current").write_text("nonsense")
    assert armoury.renew().version == version


def test_rules_that_are_not_there_are_said_at_once(tmp_path: Path):
    with pytest.raises(UsageError, match="holds no rules yet"):
        armed(RuleFolder(tmp_path / "none"))
    (tmp_path / "l.txt").write_text("nonsense\n")
    with pytest.raises(InputError, match="no indicator can be used: a domain has a dot"):
        Armoury(settings.load(assignments=[f'rules.indicators=["{tmp_path}/l.txt"]']))


def waiting(folder: RuleFolder) -> Signatures:
    """As the service begins, whether there are rules or not."""
    return Signatures(settings.load(assignments=[f"rules.folder={folder.path}", "rules.by_version=false"]))


def test_rules_may_come_to_a_folder_that_has_none(session: Session, tmp_path: Path):
    folder = RuleFolder(tmp_path / "rules")
    signatures = waiting(folder)
    assert (signatures.armoury.now().version, signatures.armoury.now().beyond) == (0, False)
    assert signatures.armoury.speaks
    assert list(signatures.findings(session)) == [([], END_OF_TIME)]
    put(folder, RULES)
    assert set(sids([finding for some, _ in signatures.findings(session) for finding in some])) == {
        1,
        2,
        3,
        5,
        6,
    }


def test_blocks_without_bytes_tell_the_time_until_rules_come(tmp_path: Path):
    packets = tcp([(0, b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n")])
    for i, packet in enumerate(packets):
        packet.time = 1_700_000_000 + i
    wrpcap(str(tmp_path / "a.pcap"), packets)
    folder = RuleFolder(tmp_path / "rules")
    live = waiting(folder)
    at_work = live.live(Session("s", LIVE, "sensor:a", 1, "live", 0))
    with open_capture(tmp_path / "a.pcap") as opened:
        [ref] = opened.blocks(1 << 20)
        data = opened.buffer[ref.offset : ref.offset + ref.length].tobytes()
    bare = msgspec.structs.replace(ref, index=0, newest=ref.newest - 10**12)
    assert at_work.take(InlineBlock(bare, memoryview(b""))) == []
    assert at_work.clock == bare.newest
    put(folder, RULES)
    assert sids(at_work.take(InlineBlock(ref, memoryview(data))) + at_work.end()) == [1, 5]


def test_a_database_of_countries_is_read_where_a_rule_asks(
    folder: RuleFolder, session: Session, tmp_path: Path
):
    from tests.rules.test_countries import SAID, database

    given = {"rules.folder": folder.path, "rules.countries": tmp_path / "c.mmdb"}
    signatures = Signatures(settings.load(assignments=[f"{key}={value}" for key, value in given.items()]))
    database(tmp_path / "c.mmdb", SAID)  # it was not there while nobody asked
    put(folder, "alert tcp any any -> any any (geoip:dst,DE; flags:S; sid:7;)\n", "b.rules")
    found = [finding for some, _ in signatures.findings(session) for finding in some]
    assert sids(found).count(7) == 2


def test_reputations_are_looked_up_when_a_version_is_read(
    folder: RuleFolder, session: Session, tmp_path: Path
):
    put(folder, "alert ip any any -> any any (iprep:src,Bad,>,20; sid:7;)\n", "b.rules")
    put(folder, "alert ip any any -> any any (iprep:any,Bad,isset; sid:8;)\n", "c.rules")
    (tmp_path / "categories").write_text("1,Bad,bad\n")
    lists = tmp_path / "addresses"
    lists.write_text("192.168.1.0/24,1,30\n")
    given = {
        "rules.folder": folder.path, "rules.reputation_categories": tmp_path / "categories",
        "rules.reputation_files": f'["{lists}"]',
    }  # fmt: skip
    signatures = Signatures(settings.load(assignments=[f"{key}={value}" for key, value in given.items()]))

    def told() -> list[object]:
        found = [finding for some, _ in signatures.findings(session) for finding in some]
        return sorted(sid for sid in sids(found) if sid in {7, 8})

    assert told() == [7, 7, 8, 8, 8, 8]  # of two flows; the second rule in both directions
    lists.write_text("192.168.1.0/24,1,10\nnonsense\n")
    put(folder, "alert ip any any -> any any (iprep:dst,Bad,<,20; sid:9;)\n", "d.rules")
    assert told() == [8, 8, 8, 8]
