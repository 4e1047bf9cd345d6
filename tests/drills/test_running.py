"""One small drill, once, through the real stream; and what is refused before."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from alerts.docfile import DocFile
from alerts.documents import ABSENT, Doc
from alerts.store import open_store
from alerts.workflow import UNCHANGED, Step
from citywall.errors import DataFolderBusy, DrillError
from citywall.settings import Settings, results_digest
from drills import folder, record, running, scoring
from drills.folder import Planned
from drills.running import Attempt, Run
from playbooks.events import Aborted
from playbooks.runfile import RunFile
from playbooks.state import Run as Playbook
from stream.local.lock import FolderLock

SECOND = 10**9


@pytest.fixture
def planned(tmp_path: Path, small_drill: Planned) -> Planned:
    """The small drill in a data folder of the test's own."""
    root = folder.root_of(tmp_path)
    shutil.copytree(small_drill.folder, root / "small-1")
    return folder.load(root, "small-1")


def test_a_drill_from_replay_to_record(tmp_path: Path, planned: Planned):
    with pytest.raises(DrillError, match="was not run"):
        record.write(planned, running.Observed(), tmp_path / "pack")
    clock = iter(range(10**18, 2 * 10**18, SECOND))
    settings = Settings()
    done, report = running.run(planned, tmp_path, settings, now=lambda: next(clock))
    assert (done.packets, report.alerts) == (planned.truth.packets, done.alerts)
    assert done.began < done.ended

    store = open_store(settings.store, tmp_path)
    assert store.count(lane="live") == 0
    assert store.count(lane="drill") == done.alerts >= 1
    observed = running.observed(planned, tmp_path, settings)
    assert {a["citywall"]["session"] for a in observed.alerts} == {done.session}
    assert set(observed.seen) == {a["event"]["id"] for a in observed.alerts}
    assert all(done.began < at < done.ended for at in observed.seen.values())
    assert observed.alerts[0]["organization"]["name"]  # its register was asked

    id_ = observed.alerts[0]["event"]["id"]
    seen = observed.seen[id_]
    taken = store.change(id_, Step(seen + 30 * SECOND, "wang", status="acknowledged"), UNCHANGED)
    store.change(id_, Step(seen + 300 * SECOND, "wang", status="resolved"), taken.version)
    store.close()
    assert observed.playbooks is None
    for n, (trigger, at) in enumerate(((id_, 20), ("another", 30))):
        asked = Aborted(by="li", reason="x")
        playbook = Playbook(
            f"run-{n}", "playbook--1", "scan", "li", seen + at * SECOND, live=False, lane="drill", books=[],
            trigger=trigger,
        )  # fmt: skip
        with RunFile(tmp_path).writing() as transaction:
            transaction.put(playbook, asked, seen, 0)
    observed = running.observed(planned, tmp_path, settings)
    assert [s.alerts for s in observed.playbooks or ()] == [{id_}]
    made = scoring.score("small-1", planned.drill.digest, planned.scenario, planned.truth, observed)
    assert made.coverage == 0.5  # nothing looks for theft yet
    assert made.precision == 1.0
    assert made.time_to_detect is not None
    assert 0 <= made.time_to_detect < 5
    assert (made.time_to_acknowledge, made.time_to_respond) == (30.0, 300.0)
    assert made.responses[0].time_to_start_playbook == 20.0

    packs = [record.write(planned, observed, tmp_path / name) for name in ("one", "two", "one")]
    assert packs[0].sm3 == packs[1].sm3 == packs[2].sm3
    for file in packs[0].files:
        assert (tmp_path / "one" / file.path).read_bytes() == (tmp_path / "two" / file.path).read_bytes()
    assert (tmp_path / "one" / "score.json").read_bytes() == scoring.encode(made)

    with pytest.raises(DrillError, match="run to its end"):
        running.run(planned, tmp_path, settings)


def test_what_is_refused(tmp_path: Path, planned: Planned):
    lock = FolderLock(folder.root_of(tmp_path))
    with pytest.raises(DataFolderBusy):
        running.run(planned, tmp_path, Settings())
    lock.release()
    begun = Run("s", "0.0.0", "another", {}, (Attempt(1, 0.0),))
    (planned.folder / "run.json").write_bytes(msgspec.json.encode(begun))
    with pytest.raises(DrillError, match="other settings"):
        running.run(planned, tmp_path, Settings())
    assert running.run_of(planned.folder) == begun
    (planned.folder / "run.json").write_bytes(b"{")
    with pytest.raises(DrillError, match="damaged"):
        running.run_of(planned.folder)
    (planned.folder / "capture.pcap").write_bytes(b"")
    with pytest.raises(DrillError, match="was changed"):
        running.run(planned, tmp_path, Settings())


def test_settings_of_a_drill(planned: Planned):
    given = Settings(lane="live", register="elsewhere", metrics="localhost:9")
    fast = running.settings_of(planned, given, 0.0)
    assert (fast.lane, fast.drill, fast.metrics) == ("drill", planned.drill.id, "")
    assert "portal" in fast.registered
    assert fast.capture == given.capture
    slow = running.settings_of(planned, given, 10.0)
    assert slow.capture.block_bytes == 16_384
    assert results_digest(slow) == results_digest(fast)
    other = msgspec.structs.replace(planned, drill=msgspec.structs.replace(planned.drill, id="other"))
    assert results_digest(running.settings_of(other, given, 0.0)) != results_digest(fast)


def test_a_drill_that_was_not_run(tmp_path: Path, planned: Planned):
    assert running.observed(planned, tmp_path, Settings()) == running.Observed()


def test_playbooks_asked_for_about_a_case(tmp_path: Path):
    documents = DocFile(tmp_path)
    with documents.writing() as writing:
        writing.put(Doc("case", "c1", b"{}", refs=("alert:a", "alert:z", "host:x")), ABSENT)
    assert running._started(tmp_path, Settings(), frozenset("ab"), 0) is None
    for n, case in enumerate(("c1", "c2", "")):
        asked = Playbook(f"r{n}", "id", "scan", "li", 5, live=False, lane="drill", books=[], case=case)
        with RunFile(tmp_path).writing() as transaction:
            transaction.put(asked, Aborted(by="li", reason="x"), 5, 0)
    assert running._started(tmp_path, Settings(), frozenset("ab"), 0) == (
        running.Started(("scan", "id"), 5, frozenset("a")),
    )
    assert running._started(tmp_path, Settings(), frozenset("ab"), 6) == ()
