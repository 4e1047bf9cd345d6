from __future__ import annotations

from ingest.applications.dnp3 import checksum
from ingest.applications.tables import ANOMALIES


def test_the_example(said):
    found = said("dnp3")
    assert found.integers("dnp3.func") == [1]
    assert (found.integers("dnp3.obj.group"), found.integers("dnp3.obj.variation")) == ([60], [2])


def test_the_standards_checksum():
    assert checksum(bytes.fromhex("056405c001000004")) == 0x21E9


def test_a_wrong_checksum_is_told(speak, examples):
    broken = bytearray(examples["dnp3"][0][0][1])
    broken[8] ^= 1
    found = speak("dnp3", [(0, bytes(broken))], (4000, 20000))
    assert [ANOMALIES[k] for k, *_ in found.parser.anomalies] == ["dnp3.bad_link_crc"]
