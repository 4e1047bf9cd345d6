from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.errors import NotSaved
from rules import saved
from rules.language.parser import Parser

TEXT = r"""
alert http $HOME_NET any -> !$HOME_NET [80,8000:] (msg:"a"; http.uri; content:"/a|00|b"; nocase; \
 pcre:"/x\d+/Ri"; bsize:>4; flowbits:set,a; threshold:type both,track by_src,count 2,seconds 60; \
 metadata:mitre_technique_id T1190; reference:url,a.b; sid:1; rev:3;)
alert ip [10.0.0.1,2001:db8::/32] any <> any any (byte_test:4,>,10,0,relative; byte_jump:2,1; \
 isdataat:!4; tag:session,5,packets; sid:2;)
drop dns any any -> any any (dns.query; to_lowercase; content:"x"; startswith; \
 xbits:set,b,track ip_pair,expire 5; sid:3;)
"""


def test_rules_come_back_as_they_were():
    found = Parser().text(TEXT)
    assert len(found.rules) == 3
    again = saved.unpack(saved.pack(found))
    assert again == found
    assert again.rules[0].source is not None
    assert again.rules[0].buffers[0].ops == found.rules[0].buffers[0].ops


@settings(max_examples=60)
@given(st.binary(max_size=60))
def test_other_bytes_are_no_rules(data):
    with pytest.raises(NotSaved):
        saved.unpack(data)


@pytest.mark.parametrize("body", [[99], [-4, 0], [2], [-1, 1, 2], "text", [0, [-1], [-1], 0, 0, 0, 0]])
def test_other_objects_are_no_rules(body):
    with pytest.raises(NotSaved):
        saved.unpack(msgspec.msgpack.encode([[], body]))


def test_what_depends_on_other_files_is_not_kept(tmp_path):
    (tmp_path / "names").write_text("YS5leGFtcGxl\n")
    rule = "alert dns any any -> any any (dns.query; dataset:isset,n,type string,load names; sid:1;)"
    (tmp_path / "a.rules").write_text(rule)
    found = Parser().files([tmp_path / "a.rules"])
    assert not found.rejected, found.rejected
    with pytest.raises(NotSaved):
        saved.pack(found)


def test_refused_rules_are_read_each_time():
    with pytest.raises(NotSaved):
        saved.pack(Parser().text("alert tcp any any -> any any (nosuchkeyword:1; sid:4;)"))
