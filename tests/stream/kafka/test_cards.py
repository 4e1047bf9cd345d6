from __future__ import annotations

import asyncio

import msgspec
import pytest

from citywall.errors import StreamError
from citywall.settings import load, results_digest
from posture.attach import attach, locator
from stream import codecs
from stream.kafka.cards import RUNS, RunCard, card_of, follow, settings_of
from stream.kafka.cluster import Cluster


def test_a_run_tells_what_changes_results_and_nothing_secret():
    theirs = load(
        None, {}, ["transport=kafka://a:1", "partitions=4", "meter.idle_timeout_s=7", "kafka.mechanism=PLAIN",
                   "kafka.user=somebody", "kafka.password_file=/secret", "detectors.scan.enabled=false"],
    )  # fmt: skip
    body = codecs.pack(card_of("r1", theirs))
    assert b"secret" not in body
    assert b"somebody" not in body
    own = load(None, {}, ["transport=kafka://b:2", "kafka.prefix=x", "workers=3", "meter.idle_timeout_s=9"])
    settings = settings_of(codecs.unpack(body, RunCard), own)
    assert results_digest(settings) == results_digest(theirs)
    assert settings.partitions == 4
    assert (settings.transport, settings.kafka.prefix, settings.workers) == ("kafka://b:2", "x", 3)


def test_the_register_itself_travels(tmp_path):
    path = tmp_path / "register.yaml"
    path.write_text(
        "units:\n  - {id: u, name: U, persons: [{name: Somebody}]}\n"
        "prefixes:\n  - {prefix: 10.0.0.0/8, unit: u}\n"
    )
    theirs = attach(load(None, {}, [f"register={path}"]))
    body = codecs.pack(card_of("r1", theirs))
    assert b"Somebody" not in body
    path.unlink()
    settings = settings_of(codecs.unpack(body, RunCard), load(None, {}, ["register=/nowhere"]))
    assert results_digest(settings) == results_digest(theirs)
    locate = locator(settings)
    assert locate is not None
    assert locate("default", "10.1.2.3").unit == "u"


def test_another_version_is_refused():
    card = card_of("r1", load(None, {}, []))
    for changed in ({"version": "0.0"}, {"schema": "00000000"}, {"settings": {"lane": "nowhere"}}):
        with pytest.raises(StreamError, match="run r1"):
            settings_of(msgspec.structs.replace(card, **changed), load(None, {}, []))


def test_runs_come_and_go(cluster: Cluster):
    seen: list[list[str]] = []
    card = card_of("x", load(None, {}, []))

    async def until(runs: list[str]) -> None:
        async with asyncio.timeout(20):
            while not seen or seen[-1] != runs:
                await asyncio.sleep(0.02)

    async def work() -> None:
        following = asyncio.ensure_future(follow(cluster, lambda runs: seen.append(list(runs))))
        await until([])
        producer = cluster.producer()
        await producer.start()
        topic = f"{cluster.settings.prefix}.{RUNS}"
        for run in ("one", "two"):
            await producer.send_and_wait(topic, codecs.pack(card), run.encode(), 0)
        await until(["one", "two"])
        await producer.send_and_wait(topic, None, b"one", 0)
        await until(["two"])
        await producer.stop()
        following.cancel()
        await asyncio.wait([following])

    asyncio.run(work())
