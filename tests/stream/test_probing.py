"""Rounds of probing: who is due, what is written, what is kept, and what a replay of it finds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from alerts.desk import Unfit
from alerts.docfile import DocFile
from citywall.portals import Portal
from citywall.portalsettings import PortalSettings
from citywall.settings import PRIVATE
from detectors.registry import build
from ingest.flowlogs import registry
from ingest.flowlogs.reader import FlowLogReader
from ingest.portals import records
from stream import probing
from stream.probing import RECORDS, VISITS, Rounds, Standing, accepted, id_of, standings
from tests.websites import DARK, PAGE, Site

MINUTE = 60 * 10**9
T = 1_790_000_000 * 10**9


class World:
    """A site, its portal, and a clock that is put forward by hand."""

    def __init__(self, data: Path, site: Site) -> None:
        self.now = T
        self.site, self.data = site, data
        self.portal = Portal("www", "门户", (site.url,), unit="u", interval=30)
        self.documents = DocFile(data)
        settings = PortalSettings(pause_s=0, learn=2, timeout_s=10)
        self.rounds = Rounds(data, settings, self.documents, [self.portal], clock=lambda: self.now)

    def round(self, minutes: int = 30) -> list[str]:
        """A round so many minutes later; the kinds of drift in what it wrote for detection."""
        before = set(self.files)
        self.now += minutes * MINUTE
        self.rounds.due()
        new = [
            records.read(line) for f in self.files if f not in before for line in f.read_bytes().splitlines()
        ]
        return sorted(drift.kind for record in new for drift in record.drifts)

    @property
    def files(self) -> list[Path]:
        return sorted((self.data / RECORDS).glob("*"))

    @property
    def standing(self) -> Standing:
        return standings(self.documents)[id_of("www", self.site.url)]


@pytest.fixture(params=["127.0.0.1", "::1"])
def world(tmp_path: Path, request: Any) -> Any:
    with Site(request.param) as site:
        yield World(tmp_path, site)


def found_in(files: list[Path]) -> list[tuple[str, str]]:
    """What detection says of files of records, each a session of its own."""
    told = []
    for file in files:
        parser = registry.sniff(file)
        assert parser is not None
        reader = FlowLogReader()
        detectors = build({}, PRIVATE)
        for batch in [*map(reader.add, registry.chunks(file, parser)), reader.finish()]:
            told += [
                (f.detector, f.kind)
                for f in detectors.process(batch.reports, batch.events, file.name, "live")
            ]
    return told


def test_a_story_from_learning_to_acceptance(world: World) -> None:
    assert world.round() == world.round() == world.round() == []
    assert world.files == []
    assert world.standing.known.probes == 2
    world.site.body = PAGE + DARK + "<script src=//x.test/a.js></script>"
    assert world.round() == ["hidden", "script", "words"]
    assert sorted(found_in(world.files)) == [("darklink", "hidden"), ("portal", "script")]
    assert world.round() == ["hidden", "script", "words"]
    assert found_in(world.files[1:]) == []  # it was told
    again = found_in(world.files)
    assert again == found_in(world.files)  # a replay says the same
    changed = accepted(world.standing, "li", 5, 2)
    with world.documents.writing() as writing:
        writing.put(probing.FORM.doc(id_of("www", world.site.url), changed), 5)
    assert world.round() == []
    assert world.standing.known.accepted_by == "li"
    world.site.status = 503
    assert [world.round(), world.round()] == [["down"], ["down"]]
    assert found_in(world.files[2:]) == [("portal", "down")]
    days = (world.data / VISITS).glob("*.jsonl")
    assert sum(len(day.read_bytes().splitlines()) for day in days) == 8


def test_a_page_is_due_when_its_time_has_passed(world: World) -> None:
    world.round()
    asked = len(world.site.asked)
    world.round(29)
    assert len(world.site.asked) == asked
    world.round(1)
    assert len(world.site.asked) == 2 * asked
    world.now -= 99 * MINUTE  # a clock that was put back
    world.rounds.due()
    assert len(world.site.asked) == 3 * asked


def test_what_is_away_is_about_where_it_was(world: World) -> None:
    world.round()
    gone = Portal("www", "门户", (world.site.url,), unit="u")
    world.site.__exit__()
    (record,) = world.rounds.probe([(gone, world.site.url)])
    assert (record.error, record.address) == ("refused", world.site.address)


def test_a_killed_round_is_told_twice_and_never_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.round()
    world.round()
    world.site.body = PAGE + DARK
    with monkeypatch.context() as patched:
        patched.setattr(probing, "write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            world.round()
    assert world.standing.open == {}
    assert world.round(0) == ["hidden", "words"]


def test_a_round_begins_no_more_when_its_time_is_over(world: World) -> None:
    assert world.rounds.probe([(world.portal, world.site.url)], most_s=-1) == []


def test_what_was_never_visited_cannot_be_accepted() -> None:
    for standing in (None, Standing("www", "http://w/")):
        with pytest.raises(Unfit, match="portal_not_visited"):
            accepted(standing, "li", 1, 2)


def test_an_error_page_cannot_be_accepted(world: World) -> None:
    world.site.status = 404
    world.round()
    with pytest.raises(Unfit, match="portal_without_page"):
        accepted(world.standing, "li", 1, 2)


def test_records_go_when_they_are_old(world: World) -> None:
    world.site.body = PAGE + DARK
    world.round()
    (file,), (day,) = world.files, (world.data / VISITS).iterdir()
    os.utime(file, ns=(100, 100))
    probing.forget(world.data, 200)
    assert (file.exists(), day.exists()) == (False, True)
    probing.forget(world.data / "nothing", 200)
