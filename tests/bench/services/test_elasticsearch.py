import json
import os
import urllib.request
from pathlib import Path

from bench.services.account import other_than_root
from bench.services.service import group_alive


def ask(url, path, body=None, method=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{url}/{path}", data, {"Content-Type": "application/json"}, method=method
    )
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.load(reply)


def test_a_killed_node_keeps_what_it_acknowledged(own_elasticsearch):
    url = own_elasticsearch.url
    for i in range(20):
        ask(url, f"things/_doc/{i}", {"n": i}, "PUT")
    group = own_elasticsearch.pid
    own_elasticsearch.kill()
    assert not group_alive(group)
    assert not own_elasticsearch.healthy()
    own_elasticsearch.restart()
    assert own_elasticsearch.url == url
    assert ask(url, "things/_refresh", method="POST")["_shards"]["failed"] == 0
    assert ask(url, "things/_count")["count"] == 20


def test_it_runs_as_nobody_in_a_folder_of_its_own(own_elasticsearch):
    account = other_than_root()
    expected = os.geteuid() if account is None else account.uid
    assert Path(f"/proc/{own_elasticsearch.pid}").stat().st_uid == expected
    assert (own_elasticsearch.folder / "data").stat().st_uid == expected


def test_the_server_of_the_session_answers(elasticsearch_url):
    assert ask(elasticsearch_url, "_cluster/health")["number_of_nodes"] == 1
