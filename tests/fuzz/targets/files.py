# ruff: noqa: E501, ISC004
"""Files that people and others hand over: rules, lists, Sigma, backups, journals."""

from __future__ import annotations

import contextlib
import json
import tempfile
from pathlib import Path

from tests.fuzz.targets import Target, scratch

ROOMS = ("rules", "trust.backup", "ingest.collectors.collector")
SIGNATURES = (
    b'alert tcp $HOME_NET any -> any [80,443:445,!444] (msg:"a"; flow:established,to_server; content:"GET|20|"; depth:4;'
    b' pcre:"/a+b/Ri"; byte_test:2,>,5,0,relative; threshold:type limit,track by_src,count 1,seconds 60; sid:1; rev:2;)\n',
    b'alert http any any -> any any (http.uri; content:"/x"; nocase; endswith; fast_pattern; http.method; content:"POST";'
    b' flowbits:set,a; metadata:mitre_tactic_id TA0001; reference:url,a.b; classtype:attempted-user; sid:2;)\n',
    b'alert dns any any -> any 53 (dns.query; content:"evil"; isdataat:!1,relative; xbits:set,b,track ip_src,expire 9;'
    b" sid:3;)\n# alert\n\\\n",
)  # fmt: skip
SIGMA = (
    b"title: A name\nid: 11111111-1111-1111-1111-111111111111\nlogsource: {category: dns}\nlevel: high\n"
    b"detection: {asked: {query|contains: [evil, 'x*y']}, other: {record_type: A}, condition: asked and not other}\n",
    b"title: B\nlogsource: {category: firewall}\ndetection: {a: {dst_port: [22, 23], src_ip|cidr: 10.0.0.0/8},"
    b" condition: 1 of a*}\n---\ntitle: C\n",
)
LISTS = (
    b"203.0.113.1\nevil.example # a\nhttp://evil.example/a\n2001:db8::/32\n" + b"a" * 64 + b"\n",
    b"type,value,confidence,valid_until\nip,203.0.113.1,90,2030-01-01T00:00:00Z\ndomain,a.example,low,\n",
    b"127.0.0.1 a.example b.example\n0.0.0.0 c.example\n",
    json.dumps(
        {"type": "bundle", "id": "bundle--1", "objects": [
            {"type": "indicator", "id": "indicator--1", "pattern_type": "stix", "valid_from": "2024-01-01T00:00:00Z",
             "pattern": "[ipv4-addr:value = '203.0.113.1'] OR [domain-name:value = 'a.example']"}]}
    ).encode(),
    json.dumps({"Event": {"info": "x", "Attribute": [{"type": "ip-dst", "value": "203.0.113.1", "to_ids": True}]}}).encode(),
)  # fmt: skip


def _backup() -> bytes:
    """A small file of it, made as a backup is."""
    from trust.backup.making import make

    with tempfile.TemporaryDirectory(prefix="citywall-fuzz-") as folder:
        data = Path(folder) / "data"
        data.mkdir()
        (data / "settings.toml").write_text("x = 1\n")
        make(data, Path(folder) / "b.tar", clock=lambda: 0)
        raw = (Path(folder) / "b.tar").read_bytes()
    return raw.rstrip(b"\0") + bytes(1024)


def targets() -> dict[str, Target]:
    """Rules, Sigma, lists, backups, journals."""
    from citywall.errors import DataFolderError, InputError
    from ingest.collectors.collector import references
    from rules.classes import CLASSES
    from rules.indicators import reading as lists
    from rules.language.parser import Parser
    from rules.sigma import reading as sigma
    from trust.backup import journal, manifest, restoring

    folder = scratch()

    def signatures(data: bytes) -> None:
        """Every rule is accepted, rejected or left out."""
        text = data.decode("utf-8", "surrogateescape")
        found = Parser(classes=CLASSES).text(text)
        assert found.total <= len(data) + 1
        assert len(found.rules) + len(found.rejected) + found.left_out >= found.total
        assert all(r.line >= 1 and r.column >= 1 for r in found.rejected)

    def sigmas(data: bytes) -> None:
        """Documents are taken or refused with a reason."""
        path = folder / "a.yml"
        path.write_bytes(data)
        found = sigma.read([path])
        assert all(r.reason for r in found.rejected)

    def indicators(data: bytes) -> None:
        """Entries are taken, refused or left out."""
        path = folder / "a.txt"
        path.write_bytes(data)
        try:
            found = lists.read([path])
        except InputError:
            return
        assert len(found.found) + found.refused_count <= 4 * len(data) + 4

    def backups(data: bytes) -> None:
        """A backup is sound or refused, and leaves nothing behind."""
        path = folder / "b.tar"
        path.write_bytes(data)
        before = sorted(folder.iterdir())
        with contextlib.suppress(InputError, DataFolderError):
            restoring.attempt(path, folder)
        assert sorted(folder.iterdir()) == before

    def journals(data: bytes) -> None:
        """The journals of backups and of a collector's references."""
        (folder / manifest.JOURNAL).write_bytes(data)
        (folder / "references.jsonl").write_bytes(data)
        with contextlib.suppress(DataFolderError):
            journal.read(folder)
        assert len(references(folder)) <= len(data)

    entry = b'{"time":"2026","what":"made","file":"b","sha256":"0","files":1,"bytes":2,"sound":true}\n'
    return {
        "signatures": Target(signatures, SIGNATURES), "sigma": Target(sigmas, SIGMA),
        "indicators": Target(indicators, LISTS), "backups": Target(backups, (_backup(),)),
        "journals": Target(journals, (entry, entry[:20])),
    }  # fmt: skip
