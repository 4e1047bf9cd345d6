"""The two ways through the stream, as they are measured."""

from __future__ import annotations

import pytest

from bench.captures import Capture
from bench.ours import backbone
from bench.process import Usage


@pytest.fixture
def given(monkeypatch):
    settings = []

    def run(capture, *assignments):
        settings.append(assignments)
        return Usage(1, 1, 1, "{}")

    monkeypatch.setattr(backbone, "run_command", run)
    monkeypatch.setattr("bench.ours.end_to_end.run_command", run)
    return settings


def test_every_run_over_kafka_has_topics_of_its_own(given, tmp_path):
    subject = backbone.OverKafka("kafka://127.0.0.1:1")
    subject.usage(Capture(tmp_path, 1))
    subject.usage(Capture(tmp_path, 1))
    (url, first), (_, second) = given
    assert url == "transport=kafka://127.0.0.1:1"
    assert first.startswith("kafka.prefix=b")
    assert first != second


def test_the_embedded_log_is_the_default(given, tmp_path):
    backbone.Embedded().usage(Capture(tmp_path, 1))
    assert given == [()]
    assert backbone.Embedded.name != backbone.OverKafka.name
