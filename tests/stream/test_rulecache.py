from __future__ import annotations

import pytest

from citywall.errors import InputError
from rules.sets.choices import Choice
from stream import rulecache

RULE = 'alert tcp $NET any -> any any (content:"abc"; sid:{sid};)\n'


@pytest.fixture
def reading(tmp_path, monkeypatch):
    """Reads one rule file, with a count of how often it was parsed."""
    parsed = []
    load = rulecache.load
    monkeypatch.setattr(rulecache, "load", lambda *given: parsed.append(1) or load(*given))

    def read(text, net="10.0.0.0/8"):
        (tmp_path / "a.rules").write_text(text)
        found = rulecache.read([tmp_path / "a.rules"], {"NET": net}, {}, {}, tmp_path / "kept")
        return found, len(parsed)

    return read


def test_a_set_is_read_once_and_anew_where_anything_changed(reading, tmp_path):
    first, _ = reading(RULE.format(sid=1))
    again, parsed = reading(RULE.format(sid=1))
    assert (again, parsed) == (first, 1)
    assert reading(RULE.format(sid=2))[1] == 2
    assert reading(RULE.format(sid=2), net="10.1.0.0/16")[0].rules[0].source != first.rules[0].source
    assert len(list((tmp_path / "kept").glob("*.rules"))) == 3


def test_a_kept_set_that_was_changed_is_read_anew(reading, tmp_path):
    first, _ = reading(RULE.format(sid=1))
    (kept,) = (tmp_path / "kept").glob("*.rules")
    kept.write_bytes(kept.read_bytes()[:-1] + b"x")
    assert reading(RULE.format(sid=1)) == (first, 2)
    assert reading(RULE.format(sid=1)) == (first, 2)


def test_old_sets_go(reading, tmp_path, monkeypatch):
    monkeypatch.setattr(rulecache, "_MOST", 2)
    for sid in range(1, 5):
        reading(RULE.format(sid=sid))
    assert len(list((tmp_path / "kept").glob("*"))) == 2


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(InputError):
        rulecache.read([tmp_path / "no.rules"], {}, {}, {}, tmp_path)


def test_what_is_switched_off_is_not_in_the_set_and_kept_apart(tmp_path):
    (tmp_path / "a.rules").write_text(RULE.format(sid=1) + RULE.format(sid=2))

    def read(*choices):
        given = ([tmp_path / "a.rules"], {"NET": "10.0.0.0/8"}, {}, {}, tmp_path / "kept")
        return rulecache.read(*given, names=["a.rules"], choices=choices).rules

    for _ in range(2):
        assert [rule.sid for rule in read(Choice(False, "1"))] == [2]
        assert [(rule.sid, rule.file) for rule in read()] == [(1, "a.rules"), (2, "a.rules")]
