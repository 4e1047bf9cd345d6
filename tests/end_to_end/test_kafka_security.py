"""Runs on a Kafka that lets in who it knows: with the right credentials as ever, else one clear error."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from bench.services import certificates
from bench.services.secured_kafka import USER, SecuredKafka
from bench.services.service import Service

from .conftest import ROOT, Citywall

WRONG = "sesame-0penyourself"


@pytest.fixture(scope="module")
def broker(
    tmp_path_factory: pytest.TempPathFactory, started: Callable[[Service], AbstractContextManager[Service]]
) -> Iterator[SecuredKafka]:
    made = SecuredKafka(tmp_path_factory.mktemp("secured"))
    (made.folder / "password").write_text(f"{made.password}\n")
    (made.folder / "wrong").write_text(f"{WRONG}\n")
    with started(made):
        yield made


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> certificates.Certificates:
    """Of another authority."""
    return certificates.make(tmp_path_factory.mktemp("strangers"))


@pytest.fixture(scope="module")
def usual(busy: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The alerts of the embedded log."""
    citywall = Citywall(tmp_path_factory.mktemp("usual"))
    citywall.run(busy)
    return citywall.alerts()


def options(url: str, *kafka: str) -> list[str]:
    """The cluster would be waited for for ten minutes: who is refused must not."""
    settings = [f"transport={url}", f"kafka.prefix=t{uuid.uuid4().hex[:8]}", "kafka.patience_s=600"]
    settings += [f"kafka.{each}" for each in kafka]
    return [part for setting in settings for part in ("--set", setting)]


def user(broker: SecuredKafka, mechanism: str, *, name: str = USER, password: str = "password") -> list[str]:
    return [f"ca={broker.certificates.authority}", f"mechanism={mechanism}", f"user={name}",
            f"password_file={broker.folder / password}"]  # fmt: skip


def worker(arguments: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "console", "worker", *arguments], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, cwd=ROOT,
    )  # fmt: skip


@pytest.mark.parametrize("how", ["PLAIN", "SCRAM-SHA-256", "certificate"])
def test_who_is_known_gets_the_same_alerts(
    citywall: Citywall, broker: SecuredKafka, busy: Path, usual: dict[str, dict[str, Any]], how: str
):
    known = broker.certificates
    if how == "certificate":
        mine = [f"ca={known.authority}", f"certificate={known.client}", f"key={known.client_key}"]
        chosen = options(broker.certified_url, *mine)
    else:
        chosen = options(broker.users_url, *user(broker, how))
    helping = worker([*chosen, "--once"])
    try:
        citywall.run(busy, *chosen)
        said, _ = helping.communicate(timeout=60)
    finally:
        helping.kill()
        helping.wait()
    assert helping.returncode == 0, said
    assert "joining run" in said
    assert citywall.alerts() == usual != {}
    for text in (said, (citywall.data / "logs" / "citywall.log").read_text()):
        assert broker.password not in text


@pytest.mark.parametrize(
    ("fault", "key"),
    [
        ("password PLAIN", "kafka.password_file"),
        ("password SCRAM-SHA-256", "kafka.password_file"),
        ("user", "kafka.password_file"),
        ("mechanism", "kafka.mechanism"),
        ("authority", "kafka.ca"),
        ("no certificate", "kafka.certificate"),
        ("certificate", "kafka.certificate"),
    ],
)
def test_who_is_not_gets_one_clear_error(
    citywall: Citywall,
    broker: SecuredKafka,
    strangers: certificates.Certificates,
    busy: Path,
    fault: str,
    key: str,
):
    right = broker.certificates
    url, chosen = {
        "password PLAIN": (broker.users_url, user(broker, "PLAIN", password="wrong")),
        "password SCRAM-SHA-256": (broker.users_url, user(broker, "SCRAM-SHA-256", password="wrong")),
        "user": (broker.users_url, user(broker, "PLAIN", name="stranger")),
        "mechanism": (broker.users_url, user(broker, "SCRAM-SHA-512")),
        "authority": (
            broker.users_url, [*user(broker, "PLAIN")[1:], f"ca={strangers.authority}"],
        ),
        "no certificate": (broker.certified_url, [f"ca={right.authority}"]),
        "certificate": (
            broker.certified_url,
            [f"ca={right.authority}", f"certificate={strangers.client}", f"key={strangers.client_key}"],
        ),
    }[fault]  # fmt: skip
    refused = worker(options(url, *chosen))
    done = citywall("run", busy, *options(url, *chosen), code=2)
    said, _ = refused.communicate(timeout=60)
    assert refused.returncode == 2, said
    for text in (done.stderr, said):  # a worker's log is there too
        (told,) = [line for line in text.splitlines() if line.startswith("citywall: ")]
        assert f"{url}: {key}: " in told
    log = (citywall.data / "logs" / "citywall.log").read_text()
    for text in (done.stderr, said, log):
        assert broker.password not in text
        assert WRONG not in text
    assert "waiting for it" not in log


def test_who_does_not_say_who_he_is_is_told_what_to_look_at(
    citywall: Citywall, broker: SecuredKafka, busy: Path
):
    """A broker only hangs up on who speaks no TLS, or names no user."""
    for chosen in ([], [f"ca={broker.certificates.authority}"]):
        asked = [*options(broker.users_url, *chosen), "--set", "kafka.patience_s=1"]
        done = citywall("run", busy, *asked, code=1)
        assert "no broker answers" in done.stderr
        assert "are address, TLS and user right?" in done.stderr
