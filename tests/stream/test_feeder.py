from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from citywall.sessions import session_id
from citywall.settings import Settings, results_digest
from ingest.capture import BlockRef
from stream import codecs, feeder
from stream.codecs import Kind, Tally
from stream.data_folder import DataFolder
from stream.feeder import KINDS, Feeder, Source, inputs_of, plan, report_of, run_key, sensor_of
from stream.files import CaptureFiles
from stream.pacing import Pace
from stream.positions import Positions
from stream.reports import SessionReport
from stream.watching import Watching


def test_a_plan_tells_what_it_can_of_each_path(tmp_path: Path, standins):
    one = standins.capture(tmp_path / "one.pcap", 3)
    two = standins.capture(tmp_path / "two.pcap", 3)
    (tmp_path / "zeek").mkdir()
    (tmp_path / "zeek" / "conn.log").write_text("x\n")
    (tmp_path / "empty").mkdir()
    missing, found, same, folder, empty = plan(
        [tmp_path / "missing", one, two, tmp_path / "zeek", tmp_path / "empty"]
    )
    assert "No such file" in str(missing.refused)
    assert (found.refused, found.size, found.same_as) == (None, one.stat().st_size, None)
    assert same.same_as == str(one)
    assert (folder.refused, folder.size) == (None, 2)
    assert "Zeek log" in str(empty.refused)


def test_a_run_is_named_by_inputs_order_and_settings(tmp_path: Path, standins):
    one = standins.capture(tmp_path / "one.pcap", 3)
    two = standins.capture(tmp_path / "two.pcap", 4)
    plain = Settings()
    key = run_key(plan([one, two]), plain)
    assert key == run_key(plan([one, two]), plain)
    blocks = msgspec.structs.replace(plain.capture, block_bytes=8192, batch_packets=1)
    assert key == run_key(plan([one, two]), msgspec.structs.replace(plain, capture=blocks))
    assert key != run_key(plan([two, one]), plain)
    assert key != run_key(plan([one, two]), msgspec.structs.replace(plain, lane="test"))
    assert key != run_key(plan([one, two]), msgspec.structs.replace(plain, home=("10.0.0.0/8",)))
    standins.capture(one, 5)
    assert key != run_key(plan([one, two]), plain)


def test_inputs_are_known_by_their_sessions_before_they_are_read(tmp_path: Path, standins):
    one = standins.capture(tmp_path / "one.pcap", 3)
    two = standins.capture(tmp_path / "two.pcap", 3)
    sources = plan([one, two, tmp_path / "missing", Path("sensor:gate")])
    inputs = inputs_of(sources, Settings())
    names = [session_id(kind, "live", sources[0].digest, results_digest(Settings())) for kind in KINDS]
    assert inputs == dict.fromkeys(names, str(one))
    sources[-1].session = "5e55"
    assert inputs_of(sources, Settings())["5e55"] == "sensor:gate"
    replay = msgspec.structs.replace(Settings(), lane="replay")
    assert not inputs_of(sources[:3], replay).keys() & inputs.keys()


class Fed:
    """Feeds paths to a stage that takes messages when told to."""

    def __init__(self, tmp_path: Path, settings: Settings, pace: Pace | None = None) -> None:
        self.pace = pace
        self.folder = DataFolder(tmp_path / "data")
        self.folder.begin("run", settings.capture.block_bytes)
        self.settings = settings
        self.messages: list[tuple[str, codecs.Header, bytes]] = []
        self.positions = {"capture": Positions(), "flowlog": Positions()}
        self.taken = 0

    def take(self, most: int = 1 << 30) -> None:
        for topic, header, _ in self.messages[self.taken : self.taken + most]:
            self.positions[topic].admit(topic, header)
            self.taken += 1

    def known(self, topic: str, session: str) -> int | None:
        return self.positions[topic].taken(topic, session, "feeder")

    def feed(self, sources: list[Source], *, take: bool = True) -> None:
        async def run() -> None:
            moved = asyncio.Event()

            async def send(topic: str, message: bytes) -> None:
                header, body = codecs.decode(message)
                self.messages.append((topic, header, bytes(body)))
                if take:
                    self.take()
                    moved.set()

            feeding = Feeder(
                sources, self.settings, self.folder, files=CaptureFiles(), taken=self.known,
                send=send, moved=moved, pace=self.pace,
            )  # fmt: skip
            if take:
                await feeding.run()
            else:
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(feeding.run(), 0.5)

        asyncio.run(run())

    @property
    def kinds(self) -> list[str]:
        return [header.kind.name for _, header, _ in self.messages]

    def frames(self) -> list[int]:
        found = []
        for _, header, body in self.messages:
            if header.kind is Kind.DATA:
                ref = codecs.unpack(body, BlockRef)
                found += range(ref.first_frame, ref.first_frame + ref.packets)
        return found


def test_sessions_come_one_after_another(tmp_path: Path, standins):
    fed = Fed(tmp_path, standins.settings())
    paths = [standins.capture(tmp_path / f"{n}.pcap", n) for n in (200, 10)]
    fed.feed(plan(paths))
    assert fed.kinds == ["OPEN", *["DATA"] * 4, "END", "OPEN", "DATA", "END"]
    assert fed.frames() == [*range(1, 201), *range(1, 11)]
    assert [h.seq for _, h, _ in fed.messages] == [0, 0, 1, 2, 3, 4, 0, 0, 1]
    fed.folder.close()


def test_blocks_keep_to_a_pace_but_what_was_taken_does_not(tmp_path: Path, standins):
    kept: list[float] = []

    async def sleep(seconds: float) -> None:
        kept.append(seconds)

    fed = Fed(tmp_path, standins.settings(), Pace(1.0, lambda: 0.0, sleep))
    path = standins.capture(tmp_path / "one.pcap", 2000)
    fed.feed(plan([path]))
    blocks = fed.kinds.count("DATA")
    assert len(kept) == blocks - 1 > 5
    assert kept == sorted(kept)
    times = [codecs.unpack(b, BlockRef).newest for _, h, b in fed.messages if h.kind is Kind.DATA]
    assert kept == [pytest.approx((newest - times[0]) / 1e9) for newest in times[1:]]
    kept.clear()
    again = Fed.__new__(Fed)
    again.__dict__ |= {**fed.__dict__, "messages": list(fed.messages[:7]), "taken": 0}
    again.positions = {"capture": Positions(), "flowlog": Positions()}
    again.pace = Pace(1.0, lambda: 0.0, sleep)
    again.take()
    again.feed(plan([path]))
    assert len(kept) == blocks - 7


def test_feeding_goes_on_behind_what_was_taken(tmp_path: Path, standins):
    fed = Fed(tmp_path, standins.settings())
    sources = plan([standins.capture(tmp_path / "one.pcap", 2000)])
    fed.feed(sources)
    whole = list(fed.messages)
    again = Fed.__new__(Fed)
    again.__dict__ |= {**fed.__dict__, "messages": whole[:7], "taken": 0}
    again.positions = {"capture": Positions(), "flowlog": Positions()}
    again.take()
    again.feed(plan([tmp_path / "one.pcap"]))
    assert again.messages == whole
    fed.folder.close()


@pytest.mark.parametrize("read", [0, 1, 7, 20])
def test_a_log_read_again_may_hold_the_end_of_what_is_being_fed(tmp_path: Path, standins, read: int):
    fed = Fed(tmp_path, standins.settings())
    fed.feed(plan([standins.capture(tmp_path / "one.pcap", 4000)]))
    again = Fed.__new__(Fed)
    again.__dict__ |= {**fed.__dict__, "messages": list(fed.messages), "taken": 0}
    again.positions = {"capture": Positions(), "flowlog": Positions()}
    again.take(read)  # the rest is taken when the feeder is at work already
    again.feed(plan([tmp_path / "one.pcap"]))
    assert len(again.messages) <= len(fed.messages) + 3
    fed.folder.close()


def test_nothing_is_fed_far_ahead(tmp_path: Path, standins):
    fed = Fed(tmp_path, standins.settings())
    fed.feed(plan([standins.capture(tmp_path / "one.pcap", 4000)]), take=False)
    assert fed.kinds.count("DATA") == feeder.AHEAD
    fed.folder.close()


def test_what_is_done_is_not_fed_again(tmp_path: Path, standins):
    fed = Fed(tmp_path, standins.settings())
    sources = plan([standins.capture(tmp_path / "one.pcap", 10)])
    fed.feed(sources)
    fed.folder.tell(sources[0].session, "keep", Tally(packets=10), frozenset({"keep"}))
    fed.messages.clear()
    again = plan([tmp_path / "one.pcap"])
    fed.feed(again)
    assert fed.messages == []
    assert report_of(again[0], fed.folder.ledger.finished, {}).packets == 10
    fed.folder.close()


def test_text_is_refused_with_its_path(tmp_path: Path, standins):
    (tmp_path / "text").write_text("hello\n")
    fed = Fed(tmp_path, standins.settings())
    sources = plan([tmp_path / "text"])
    fed.feed(sources)
    assert fed.messages == []
    assert str(tmp_path / "text") in str(sources[0].refused)
    fed.folder.close()


def test_a_twin_is_told_as_the_first(tmp_path: Path):
    first = SessionReport("a", "id", packets=3)
    told = report_of(Source(Path("b"), same_as="a"), {}, {"a": first})
    assert told == SessionReport("b", "id", packets=3, same_as="a")
    assert report_of(Source(Path("c"), refused="no"), {}, {}) == SessionReport("c", refused="no")


def test_a_sensor_feeds_itself_and_is_waited_for(tmp_path: Path, standins):
    fed = Fed(tmp_path, standins.settings())
    sources = plan([Path("sensor:gate"), standins.capture(tmp_path / "one.pcap", 10)])
    assert [sensor_of(s.path) for s in sources] == ["gate", ""]
    assert sources[0].refused is None

    async def run() -> None:
        moved = asyncio.Event()

        async def send(topic: str, message: bytes) -> None:
            fed.messages.append((topic, codecs.decode(message)[0], b""))
            fed.take()
            moved.set()

        feeding = Feeder(
            sources, fed.settings, fed.folder, files=CaptureFiles(), taken=fed.known, send=send, moved=moved
        )
        task = asyncio.ensure_future(feeding.run())
        await asyncio.sleep(0.05)
        assert fed.messages == []  # the file comes after the sensor
        feeding.sensors["gate"] = ["5e55", "5e56"]  # a live sensor that was started again
        fed.folder.tell("5e56", "keep", Tally(packets=7), frozenset({"keep"}))
        moved.set()
        await asyncio.sleep(0.05)
        assert fed.messages == []  # its first session is not over
        fed.folder.tell("5e55", "keep", Tally(packets=2), frozenset({"keep"}))
        moved.set()
        await task

    asyncio.run(run())
    assert fed.kinds == ["OPEN", "DATA", "END"]
    assert report_of(sources[0], fed.folder.ledger.finished, {}).packets == 9
    fed.folder.close()


def test_files_of_a_watched_folder_stand_for_it(tmp_path, monkeypatch):
    for name, content in (("a", b"1"), ("b", b"2"), ("c", b"1")):
        (tmp_path / name).write_bytes(content)
    (source,) = plan([Path(f"watch:{tmp_path}")])
    assert source.refused is None
    fed: list[str] = []
    watching = Feeder([source], Settings(), None, files=None, taken=lambda *_: None, send=None, moved=None)  # type: ignore[arg-type]

    async def feed(found):
        fed.append(found.path.name)

    async def run():
        monkeypatch.setattr(watching, "_feed", feed)
        monkeypatch.setattr(Watching.__init__, "__defaults__", (0.0, 0.02))
        running = asyncio.ensure_future(watching.run())
        while len(watching.sources) < 4:
            await asyncio.sleep(0.01)
        assert watching.stop()
        await running

    asyncio.run(run())
    assert fed == ["a", "b"]
    assert [(s.path.name, s.same_as is not None) for s in watching.sources] == [
        ("a", False), ("b", False), ("c", True),
    ]  # fmt: skip
    assert not watching.stop()
    assert watching.current <= len(watching.sources)
