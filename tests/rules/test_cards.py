from __future__ import annotations

from citywall.findings import Severity
from rules.cards import card, name_of, severity_of
from rules.language.parser import Parser

TEXT = (
    'alert tcp any any -> any any (msg:"Beacon"; classtype:command-and-control; sid:7; rev:3; metadata: '
    "mitre_tactic_id TA0011, mitre_tactic_name Command_And_Control, mitre_technique_id T1071, "
    "mitre_technique_name Application_Layer_Protocol, message_zh 心跳;)"
)


def test_technique_and_titles_come_from_the_rule():
    rule = Parser(classes={"command-and-control": 1}).text(TEXT).rules[0]
    made = card(rule)
    assert made.id == name_of(rule) == "signature.1.7"
    assert (made.title_en, made.title_zh, made.version) == ("Beacon", "心跳", 3)
    assert made.attck == (("T1071", "Application Layer Protocol", "TA0011", "Command And Control"),)
    assert (made.gb_class, made.axis) == ("malware", "malware")
    assert severity_of(rule) is Severity.HIGH


def test_a_rule_that_says_little():
    rule = Parser().text("alert tcp any any -> any any (sid:8; priority:9;)").rules[0]
    assert card(rule).title_en == "sid 8"
    assert card(rule).attck == ()
    assert severity_of(rule) is Severity.INFORMATIONAL
