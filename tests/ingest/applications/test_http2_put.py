from __future__ import annotations

import gzip

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.hpack import Field
from ingest.applications.http2_put import body, host_of, joined
from ingest.applications.parser import Transaction
from ingest.applications.tables import KINDS, PROTOCOL


def test_hosts():
    assert host_of(b"A.example:8443") == b"a.example"
    assert host_of(b"user:word@A.example:1") == b"a.example"


def test_a_field_that_comes_again_is_joined_unless_by_index():
    fields = [Field(b"a", b"1"), Field(b"b", b"x"), Field(b"a", b"2"), Field(b"a", b"3", again=True)]
    assert joined(fields, b"a") == b"1, 2"
    assert joined(fields, b"c") is None


def test_bodies_are_inflated_and_faults_told():
    settings = ApplicationSettings()
    made = Transaction(PROTOCOL["http2"], 0, 1, 1)
    packed = gzip.compress(b"hello")
    assert not body(made, 1, 1, packed, len(packed), b"gzip", settings, complete=True)
    assert {KINDS[kind]: value for kind, _, _, _, value in made.buffers}["file.data"] == b"hello"
    broken = packed[:12]
    event = body(made, 1, 1, broken, len(broken), b"gzip", settings, complete=True)
    assert event == "http2.failed_decompression"
