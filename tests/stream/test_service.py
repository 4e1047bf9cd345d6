"""The run without an end, over the real log and real stages; the whole of it is in tests/end_to_end."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from citywall.errors import DataFolderBusy, SettingsError
from citywall.settings import Settings, load
from ingest.portals.visits import Drift, Record
from stream import probing, service
from stream.data_folder import DataFolder
from stream.inbox import Inbox
from stream.scheduler import Job
from stream.service import Company, key_of, serve


def settings(watch: Path, *more: str) -> Settings:
    return load(None, {}, [f"service.watch={watch}", "service.settle_s=0", "use_detectors=false", *more])


def until_done(
    data: Path, files: int, folder: str = ""
) -> Callable[[], contextlib.AbstractContextManager[Company]]:
    """Company that stops the service once so many files are done."""
    inbox = Inbox(data / folder, None, 0)
    served: list[Any] = []

    def stop() -> None:
        if sum(inbox.counts().values()) - inbox.counts().get("taking", 0) >= files:
            served[0].stop()

    @contextlib.contextmanager
    def company() -> Iterator[Company]:
        yield Company([Job("stop", stop, every_s=0.05)])

    made = service.Intake.__init__

    def remember(self: Any, *args: Any, **more: Any) -> None:
        made(self, *args, **more)
        served.append(Stopper(self))

    service.Intake.__init__ = remember  # type: ignore[method-assign]
    return company


class Stopper:
    """Stops a feeder from another thread."""

    def __init__(self, intake: Any) -> None:
        import asyncio

        self._intake, self._loop = intake, asyncio.get_running_loop()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._intake.stop)


@pytest.fixture(autouse=True)
def whole() -> Iterator[None]:
    made = service.Intake.__init__
    yield
    service.Intake.__init__ = made  # type: ignore[method-assign]


def test_files_are_taken_in_once_and_the_ledger_lets_them_go(tmp_path: Path, standins: Any):
    data, watch = tmp_path / "data", tmp_path / "in"
    watch.mkdir()
    standins.capture(watch / "one.pcap", 3)
    standins.capture(watch / "two.pcap", 4)
    standins.capture(watch / "copy.pcap", 4)
    (watch / "text").write_text("no capture\n")
    serve(data, settings(watch), beside=until_done(data, 4))
    assert Inbox(data, watch, 0).counts() == {"done": 2, "refused": 1, "same": 1}
    folder = DataFolder(data)
    assert folder.ledger.finished == folder.ledger.told == {}
    assert folder.ledger.run == key_of(settings(watch))
    folder.close()
    standins.capture(watch / "three.pcap", 5)
    serve(data, settings(watch), beside=until_done(data, 5))
    assert Inbox(data, watch, 0).counts() == {"done": 3, "refused": 1, "same": 1}


def test_a_session_of_a_killed_process_is_forgotten_before_the_ledger_lets_it_go(
    tmp_path: Path, standins: Any, monkeypatch: pytest.MonkeyPatch
):
    """Killed between the two, its successor would wait for ever for the end of a session that is over."""
    data, watch = tmp_path / "data", tmp_path / "in"
    watch.mkdir()
    Inbox(data, None, 0).began("5e55", "interface:eth7")
    let_go = DataFolder.let_go

    def killed(folder: DataFolder, session: str) -> None:
        let_go(folder, session)
        raise RuntimeError("killed")

    begun = service.DataFolder.begin
    monkeypatch.setattr(
        service.DataFolder, "begin", lambda *a, **m: begun(*a, **m) or True
    )  # its log is there
    with monkeypatch.context() as patched:
        patched.setattr(DataFolder, "let_go", killed)
        with pytest.raises(RuntimeError, match="killed"):
            serve(data, settings(watch))
    assert Inbox(data, None, 0).left() == []
    standins.capture(watch / "one.pcap", 3)
    serve(data, settings(watch), beside=until_done(data, 1))
    assert Inbox(data, watch, 0).counts() == {"done": 1}


def test_the_key_is_of_what_checkpoints_fit_not_of_inputs(tmp_path: Path):
    plain = settings(tmp_path)
    assert key_of(plain) == key_of(settings(tmp_path / "other", 'service.interfaces=["eth0"]'))
    assert key_of(plain) != key_of(msgspec.structs.replace(plain, lane="test"))
    assert key_of(plain) != key_of(settings(tmp_path, "meter.idle_timeout_s=1"))


def test_it_refuses_sensors_without_a_cluster_and_a_folder_in_use(tmp_path: Path):
    with pytest.raises(SettingsError, match=r"service\.sensors"):
        serve(tmp_path, load(None, {}, ['service.sensors=["gate"]']))
    holder = DataFolder(tmp_path)
    try:
        with pytest.raises(DataFolderBusy):
            serve(tmp_path, settings(tmp_path))
    finally:
        holder.close()


def test_asked_to_stop_before_anything_was_taken_in_it_ends_in_good_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    prepare = service.Service._prepare

    def asked(self: Any, engine: Any) -> None:
        prepare(self, engine)
        self._interrupt(signal.SIGTERM)

    monkeypatch.setattr(service.Service, "_prepare", asked)
    (tmp_path / "in").mkdir()
    serve(tmp_path / "data", settings(tmp_path / "in"))  # it returns, and no exit code is raised


def test_records_of_probes_are_taken_in_like_files(tmp_path: Path):
    data, watch = tmp_path / "data", tmp_path / "in"
    watch.mkdir()
    for at in (10**18, 10**18 + 10**9):
        probing.write(data, [Record("www", "http://w/", at, (Drift("down"),))])
    serve(data, settings(watch), beside=until_done(data, 2, probing.FOLDER))
    assert Inbox(data / probing.FOLDER, None, 0).counts() == {"done": 2}


def test_records_of_probes_go_when_they_were_kept_long_enough(tmp_path: Path):
    for at in (10**18, 10**18 + 10**9):
        probing.write(tmp_path, [Record("www", "http://w/", at, (Drift("down"),))])
    old, new = sorted((tmp_path / probing.RECORDS).iterdir())
    os.utime(old, ns=(10, 10))
    assembly = type("Assembly", (), {"retain": lambda *_: None})()
    folder = DataFolder(tmp_path)
    probed = Inbox(tmp_path / probing.FOLDER, tmp_path / probing.RECORDS, 0)
    service.Kept(folder, Inbox(tmp_path, None, 0), assembly, 1, probed=probed, probed_days=1).retain()
    folder.close()
    assert [path.name for path in (tmp_path / probing.RECORDS).iterdir()] == [new.name]
