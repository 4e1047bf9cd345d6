"""Mapping files: what is in them, what is wrong with them."""

from __future__ import annotations

import pytest

from citywall.errors import SettingsError
from ingest.flowlogs.mapping import load

GOOD = """
name = "fw"
format = "pairs"
recognise = "devname="
[fields]
"event.start" = "eventtime"
"source.ip" = "srcip"
"destination.ip" = "dstip"
"network.transport" = "proto"
"""


def test_a_good_one(tmp_path):
    path = tmp_path / "fw.toml"
    path.write_text(GOOD, "utf-8")
    mapping = load(path)
    assert (mapping.name, mapping.fields["source.ip"], mapping.oneway) == ("fw", "srcip", False)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (('"source.ip" = "srcip"', ""), "source.ip is not mapped"),
        (('"source.ip"', '"source.mac"'), "no such field: source.mac"),
        (("pairs", "xml"), "format"),
        (("devname=", ""), "recognise"),
        (("[fields]", "separator = ';;'\n[fields]"), "separator"),
        (("name =", "name"), "is not TOML"),
        (("[fields]", "extra = 1\n[fields]"), "unknown field"),
    ],
)
def test_faults_are_named(tmp_path, change, complaint):
    path = tmp_path / "fw.toml"
    path.write_text(GOOD.replace(*change), "utf-8")
    with pytest.raises(SettingsError, match=complaint):
        load(path)


def test_one_that_is_not_there(tmp_path):
    with pytest.raises(SettingsError, match="No such file"):
        load(tmp_path / "none.toml")
