from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from citywall.errors import InputError
from citywall.findings import Severity
from rules.sigma import reading

RULE = """\
title: Odd name
id: 5f0fc0c3-0d45-4a1b-9f0d-5a2a2a0a1a11
status: stable
level: high
tags: [attack.command-and-control, attack.t1071.004]
logsource: {category: dns}
detection:
  selection:
    query|endswith: .evil.example
  condition: selection
"""


def reasons(tmp_path: Path, text: str) -> list[str]:
    (tmp_path / "a.yml").write_text(text)
    return [rejected.reason for rejected in reading.read([tmp_path / "a.yml"]).rejected]


def test_a_rule(tmp_path: Path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.yml").write_text(RULE + "---\n" + RULE)
    found = reading.read([tmp_path])
    (rule,) = found.rules
    assert (rule.id, rule.severity, rule.confidence) == (
        "5f0fc0c3-0d45-4a1b-9f0d-5a2a2a0a1a11", Severity.HIGH, 0.9,
    )  # fmt: skip
    assert (rule.file, rule.source.name, rule.whole) == ("sub/a.yml", "names asked for", False)
    (rejected,) = found.rejected
    assert (rejected.document, "used before" in rejected.reason) == (2, True)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("category: dns", "category: process_creation, product: windows", "not about the network"),
        ("category: dns", "product: zeek, service: kerberos", "'kerberos' of Zeek"),
        ("query|endswith", "Image|endswith", "no field 'Image'"),
        ("query|endswith: .evil.example", "query|fieldref: other", "fieldref"),
        ("query|endswith: .evil.example", "query|expand: '%x%'", "placeholders"),
        ("query|endswith: .evil.example", "query|re: '('", "regular expression|pcre"),
        ("query|endswith: .evil.example", "query|endswith|cased: A", "lower case"),
        ("query|endswith: .evil.example", "record_type: NONSENSE", "no value that is known"),
        ("query|endswith: .evil.example", "src_ip|contains: '10'", "10.1"),
        ("query|endswith: .evil.example", "src_ip|exists: true", "always there"),
        ("    query|endswith: .evil.example", "    - keyword", "keywords without a field"),
        ("condition: selection", "condition: selection | count() > 5", ""),
        ("condition: selection", "condition: selection\n  timeframe: 5m", "more than one event"),
        ("title: Odd name", "title: [", "not YAML"),
        ("title: Odd name", "title: &a x\nauthor: *a", "aliases"),
        ("title: Odd name", "action: global", "collections"),
        ("detection:", "other:", "detection"),
    ],
)
def test_what_cannot_be_decided_is_refused_with_the_reason(tmp_path: Path, old: str, new: str, reason: str):
    import re

    assert old in RULE
    (told,) = reasons(tmp_path, RULE.replace(old, new))
    assert re.search(reason, told, re.IGNORECASE), told


def test_the_rest_of_a_folder_goes_on(tmp_path: Path):
    (tmp_path / "a.yml").write_bytes(b"\xff: [")
    (tmp_path / "b.yml").write_text(RULE)
    (tmp_path / "c.yml").write_text("- 1\n")
    found = reading.read([tmp_path])
    assert (len(found.rules), [r.file for r in found.rejected]) == (1, ["a.yml", "c.yml"])
    with pytest.raises(InputError):
        reading.read([tmp_path / "none.yml"])


@hypothesis_settings(max_examples=40)
@given(
    st.binary(max_size=120)
    | st.sampled_from(range(len(RULE))).map(lambda n: (RULE[:n] + "{" + RULE[n:]).encode())
)
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes):
    path = tmp_path_factory.getbasetemp() / "any.yml"
    path.write_bytes(data)
    found = reading.read([path])
    assert len(found.rules) + len(found.rejected) <= 120


def test_reading_asks_no_network(tmp_path: Path):
    (tmp_path / "a.yml").write_text(RULE)
    code = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise SystemExit('network')\n"
        "socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse\n"
        "from pathlib import Path\n"
        "from rules.sigma import matching, reading\n"
        "(rule,) = reading.read([Path(sys.argv[1])]).rules\n"
        "print(matching.card(rule).attck, 'requests' in sys.modules)"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.yml")],
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
    )
    assert done.stdout.strip() == "(('T1071.004', 'T1071.004', 'TA0011', 'Command and Control'),) False"
