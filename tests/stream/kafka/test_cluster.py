from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from citywall.errors import SettingsError, StreamError
from citywall.settings import Settings, load, results_digest
from stream.kafka.cluster import PASSWORD, Cluster


def settings(*assignments: str) -> Settings:
    return load(None, {}, ["transport=kafka://one:9092,two:19092", *assignments])


def test_servers_are_named_by_host_and_port():
    assert Cluster(settings()).servers == ["one:9092", "two:19092"]
    for bad in ("one", "one:", ":9092", "one:99999", "one:9092,,two:1"):
        with pytest.raises(SettingsError, match=r"transport: .* is not HOST:PORT"):
            Cluster(load(None, {}, [f"transport=kafka://{bad}"]))


def test_security_is_what_is_asked_for(tmp_path: Path):
    secret = tmp_path / "password"
    secret.write_text("s3cret\nmore\n")
    plain = Cluster(settings()).producer_settings()
    assert plain["security_protocol"] == "PLAINTEXT"
    user = ("kafka.mechanism=SCRAM-SHA-512", "kafka.user=citywall")
    filed = Cluster(
        settings(*user, f"kafka.password_file={secret}", "kafka.tls=true"), {}
    ).producer_settings()
    assert filed["security_protocol"] == "SASL_SSL"
    assert filed["sasl_plain_password"] == "s3cret"
    assert filed["ssl_context"].check_hostname
    told = Cluster(settings(*user), {PASSWORD: "other"}).producer_settings()
    assert (told["security_protocol"], told["sasl_plain_password"]) == ("SASL_PLAINTEXT", "other")


@pytest.mark.parametrize(
    ("assignments", "key"),
    [
        (["kafka.ca=/no/such/file"], "kafka.ca"),
        (["kafka.certificate=a", "kafka.key=b"], "kafka.certificate"),
        (["kafka.tls=true", "kafka.certificate=/no/a", "kafka.key=/no/b"], "kafka.certificate"),
        (["kafka.mechanism=PLAIN", "kafka.user=u"], "kafka.password_file"),
        (["kafka.mechanism=PLAIN", "kafka.user=u", "kafka.password_file=/no/such"], "kafka.password_file"),
    ],
)
def test_what_cannot_be_used_is_named(assignments: list[str], key: str):
    with pytest.raises(SettingsError) as caught:
        Cluster(settings(*assignments), {})
    assert caught.value.key == key


@pytest.mark.parametrize(
    ("assignment", "key"),
    [
        ("kafka.request_bytes=16777216", "kafka.request_bytes"),
        ("kafka.fetch_bytes=16777216", "kafka.fetch_bytes"),
        ("kafka.heartbeat_s=9", "kafka.heartbeat_s"),
        ("kafka.key=x", "kafka.certificate"),
        ("kafka.user=x", "kafka.user"),
        ("kafka.prefix=a/b", "kafka.prefix"),
        ("transport=kafka://one:1/x", "transport"),
    ],
)
def test_limits_that_do_not_fit_together_are_refused(assignment: str, key: str):
    with pytest.raises(SettingsError) as caught:
        settings(assignment)
    assert caught.value.key == key


def test_where_the_log_is_changes_no_result():
    assert results_digest(
        settings("partitions=4", "kafka.user=u", "kafka.mechanism=PLAIN")
    ) == results_digest(Settings())


def test_a_cluster_that_is_away_is_waited_for_and_then_said(caplog):
    cluster = Cluster(load(None, {}, ["transport=kafka://127.0.0.1:9", "kafka.patience_s=0.5"]))
    with pytest.raises(StreamError, match="no broker answers"):
        asyncio.run(cluster.reach())
    assert any("waiting for it" in record.message for record in caplog.records)
