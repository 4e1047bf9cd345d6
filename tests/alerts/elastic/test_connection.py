from __future__ import annotations

import logging
import pickle
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alerts.elastic.connection import KEY_VARIABLE, Connection, api_key, cause_of, refusal, temporary
from alerts.elastic.store import ElasticStore
from bench.services import certificates
from bench.services.tls_proxy import TlsProxy
from citywall.errors import SettingsError, StoreError, StoreUnavailable
from citywall.servers import ElasticsearchSettings
from citywall.settings import load as load_settings
from citywall.settings import results_digest
from stream.feeder import run_key

KEY = "bXktaWQ6bXktdmVyeS1zZWNyZXQta2V5"


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> certificates.Certificates:
    return certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    return file


def test_through_tls_with_a_key(
    elasticsearch_url: str,
    elastic_stores: Callable[..., Any],
    make_document: Callable[..., Any],
    made: certificates.Certificates,
    key_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prefix = elastic_stores().names.prefix
    with TlsProxy(elasticsearch_url, KEY, made) as proxy:
        by_file = ElasticsearchSettings(
            index_prefix=prefix, ca_file=str(made.authority), api_key_file=str(key_file)
        )
        store = ElasticStore(proxy.url, by_file)
        store.upsert([make_document(n, entity=f"e{n}") for n in range(300)])
        assert store.count() == 300
        assert len(list(store.scan())) == 300
        store.close()
        assert proxy.served > 5
        assert proxy.refused == 0
        monkeypatch.setenv(KEY_VARIABLE, KEY)
        by_environment = msgspec.structs.replace(by_file, api_key_file="")
        store = ElasticStore(proxy.url, by_environment, read_only=True)
        assert store.count() == 300
        store.close()
        monkeypatch.setenv(KEY_VARIABLE, "wrong")  # the environment wins
        store = ElasticStore(proxy.url, by_file, read_only=True)
        with pytest.raises(StoreError, match="asks for an API key, or does not accept ours") as caught:
            store.count()
        assert not isinstance(caught.value, StoreUnavailable)
        assert "wrong" not in str(caught.value)
        store.close()
        assert proxy.refused == 1


def test_a_certificate_of_nobody_we_know(
    elasticsearch_url: str, made: certificates.Certificates, tmp_path: Path
) -> None:
    other = certificates.make(tmp_path / "other")
    with TlsProxy(elasticsearch_url, KEY, made) as proxy:
        for ca in ("", str(other.authority)):
            connection = Connection(proxy.url, ElasticsearchSettings(ca_file=ca))
            with pytest.raises(StoreError, match=r"certificate is not accepted .*ca_file") as caught:
                connection.ask("GET", "/_cluster/health")
            assert not isinstance(caught.value, StoreUnavailable)  # waiting would not help
            connection.close()
    with pytest.raises(SettingsError, match="ca_file: there is no such file"):
        Connection("https://127.0.0.1:1", ElasticsearchSettings(ca_file=str(tmp_path / "absent")))


def test_the_key_is_said_nowhere(
    key_file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        settings = ElasticsearchSettings(api_key_file=str(key_file))
        connection = Connection(url, settings)
        with pytest.raises(StoreUnavailable, match="cannot be reached") as caught:
            connection.ask("GET", "/_cluster/health")
        connection.close()
    assert KEY not in str(caught.value) + repr(caught.value.__cause__) + caplog.text + repr(vars(connection))
    plain = load_settings(environment={})
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    loaded = load_settings(environment={KEY_VARIABLE: KEY})
    assert loaded == plain
    assert KEY.encode() not in pickle.dumps(loaded)
    assert run_key([], loaded) == run_key([], plain)
    assert results_digest(loaded) == results_digest(plain)
    for bad in ("http://user:secret@host:9200", "https://host/?key=secret"):
        with pytest.raises(SettingsError) as refused:
            load_settings(environment={}, assignments=[f"store={bad}"])
        assert "secret" not in str(refused.value)


@pytest.mark.parametrize("content", ["", "two words", "é", "x" * 5000, "a\nb"])
def test_a_file_that_holds_no_key(tmp_path: Path, content: str) -> None:
    file = tmp_path / "key"
    file.write_text(content)
    with pytest.raises(SettingsError, match="holds no API key") as caught:
        api_key(ElasticsearchSettings(api_key_file=str(file)))
    assert not content or content not in str(caught.value)
    with pytest.raises(SettingsError, match="No such file"):
        api_key(ElasticsearchSettings(api_key_file=str(tmp_path / "absent")))
    assert api_key(ElasticsearchSettings()) is None


@pytest.mark.parametrize("fault", [429, 502, 503, 504, 500, "drop", "hang"])
def test_what_may_succeed_later(door: Any, fault: Any) -> None:
    connection = Connection(door.url, ElasticsearchSettings(request_timeout_s=0.5))
    door.only, door.faults = "/_cluster", [fault]
    with pytest.raises(StoreUnavailable, match=door.url):
        connection.ask("GET", "/_cluster/health")
    assert connection.ask("GET", "/_cluster/health")["status"] in ("green", "yellow")
    connection.close()


@pytest.mark.parametrize(("fault", "says"), [(403, "may not do this"), (401, "API key"), (400, "400 shut")])
def test_what_will_not(door: Any, fault: int, says: str) -> None:
    connection = Connection(door.url, ElasticsearchSettings())
    door.only, door.faults = "/_cluster", [fault]
    with pytest.raises(StoreError, match=says) as caught:
        connection.ask("GET", "/_cluster/health")
    assert not isinstance(caught.value, StoreUnavailable)
    connection.close()


def test_absent_is_an_answer_where_it_is_asked_for(connection: Connection) -> None:
    assert connection.ask("GET", "/no-such-index/_settings", absent=None) is None
    with pytest.raises(StoreError, match="404 index_not_found_exception"):
        connection.ask("GET", "/no-such-index/_settings")


def test_causes() -> None:
    inner = {"type": "a", "reason": "outer", "caused_by": {"reason": "inner"}}
    assert cause_of({"error": {"root_cause": [inner], "type": "b"}}) == ("a", "outer: inner")
    assert cause_of({"error": "no handler"}) == ("error", "no handler")
    assert cause_of("<html>") == ("error", "<html>")
    assert temporary(403, "cluster_block_exception")
    assert isinstance(refusal("u", 403, "cluster_block_exception", "disk"), StoreUnavailable)


@pytest.mark.parametrize("url", ["http://127.0.0.1", "https://[::1]", "http://host:9200/below", "http://h/"])
def test_addresses_without_port_or_with_path(url: str) -> None:
    Connection(url, ElasticsearchSettings()).close()
