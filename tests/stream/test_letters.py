from __future__ import annotations

from pathlib import Path

import pytest

from citywall.errors import DataFolderError, StreamError
from stream import codecs, letters
from stream.codecs import Header, Kind
from stream.letters import LetterBox, contents
from stream.stages import DeadLetter

DAY = 86_400 * 1_000_000_000


def dead(seq: int, *, stage: str = "detect", session: str = "5e55", reason: str = "no") -> DeadLetter:
    header = Header(session, "capture", 0, Kind.DATA, seq, 3, 0, codecs.schema_digest())
    return DeadLetter("flows", stage, 0, reason, codecs.encode(header, b"body"))


def test_letters_are_kept_once_however_often_they_come(tmp_path: Path):
    box = LetterBox(tmp_path)
    assert box.letters() == []
    assert box.count() == 0
    assert box.add([], {}, 1, "run") == 0
    assert not box.file.exists()
    assert box.add([dead(4), dead(5)], {"5e55": "/one.pcap"}, 7, "run") == 2
    assert box.add([dead(5), dead(5, stage="archive")], {}, 8, "run") == 1
    found = box.letters()
    assert [(x.seq, x.count, x.stage, x.producer, x.path, x.noted) for x in found] == [
        (4, 3, "detect", "capture", "/one.pcap", 7), (5, 3, "detect", "capture", "/one.pcap", 7),
        (5, 3, "archive", "capture", "", 8),
    ]  # fmt: skip
    assert len({x.id for x in found}) == 3
    assert box.message(found[0].id) == dead(4).message


def test_what_is_no_message_at_all_is_kept_too(tmp_path: Path):
    box = LetterBox(tmp_path)
    noise = DeadLetter("flows", "detect", 0, "a message without a sound header", b"noise")
    assert box.add([noise, noise], {}, 7, "run") == 1
    (letter,) = box.letters()
    assert (letter.session, letter.size) == ("", 5)
    assert "header" in contents(b"noise")["unreadable"]


def test_contents_of_a_message():
    told = contents(dead(4).message)
    assert told["header"]["seq"] == 4 if isinstance(told["header"], dict) else told["header"][4] == 4
    assert (told["body_bytes"], told["head"]) == (4, "62 6f 64 79")


def test_another_run_that_finishes_the_session_heals_what_was_set_aside_before(tmp_path: Path):
    box = LetterBox(tmp_path)
    box.heal(["5e55"], "first", 6)
    assert not box.file.exists()
    box.add([dead(4), dead(5), dead(4, session="other")], {}, 7, "first")
    box.heal(["5e55", "other"], "first", 8)
    assert len(box.letters()) == 3  # its own stay open
    assert box.add([dead(5, reason="again")], {}, 9, "second") == 1
    box.heal(["5e55"], "second", 10)
    assert [(x.run, x.session, x.seq, x.reason) for x in box.letters()] == [
        ("first", "other", 4, "no"), ("second", "5e55", 5, "again")
    ]  # fmt: skip
    assert [x.healed for x in box.letters(healed=True)] == [10, 10, None, None]
    assert [box.message(x.id) is None for x in box.letters(healed=True)] == [True, True, False, False]
    box.heal(["5e55"], "third", 11)
    assert [x.healed for x in box.letters(healed=True)] == [10, 10, None, 11]
    assert [x.session for x in box.letters()] == ["other"]
    assert box.count() == 1


def test_letters_by_the_beginning_of_their_ids(tmp_path: Path):
    box = LetterBox(tmp_path)
    box.add([dead(n) for n in range(40)], {}, 7, "run")
    wanted = box.letters()[3]
    assert box.letters(ids=[wanted.id[:12], wanted.id[:12]]) == [wanted]
    with pytest.raises(StreamError, match="no dead letters have an id that begins with 'zz'"):
        box.letters(ids=["zz"])
    with pytest.raises(StreamError, match="40 dead letters"):
        box.letters(ids=[""])


def test_messages_are_bounded(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(letters, "MOST_MESSAGES", 2)
    monkeypatch.setattr(letters, "MOST_BYTES", 10)
    box = LetterBox(tmp_path)
    box.add([dead(0)], {}, 7, "run")
    box.add([dead(1), dead(2)], {}, 7, "run")
    kept = [box.message(x.id) for x in box.letters()]
    assert kept == [dead(0).message[:10], dead(1).message[:10], None]
    assert {x.size for x in box.letters()} == {len(dead(0).message)}


def test_letters_are_forgotten_with_the_years(tmp_path: Path):
    box = LetterBox(tmp_path)
    assert box.retain(190, 0) == 0
    box.add([dead(0)], {}, 7, "run")
    box.add([dead(1)], {}, 100 * DAY, "run")
    assert box.retain(190, 200 * DAY) == 1
    assert [x.seq for x in box.letters()] == [1]


def test_a_file_that_is_none_is_named(tmp_path: Path):
    (tmp_path / letters.FILE).write_bytes(b"not a database" * 100)
    with pytest.raises(DataFolderError, match=letters.FILE.replace(".", r"\.")):
        LetterBox(tmp_path).letters()
