from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from alerts import times
from alerts.cases import members, mutes
from alerts.cases.mutes import Mute
from alerts.desk import Unfit
from alerts.docfile import DocFile
from alerts.documents import ABSENT

START = times.from_iso("2026-03-02T00:00:00Z")
MUTE = Mute("m", "mute", "our own scanner", "li", START, START, START + times.DAY, source="10.0.0.0/24")


@pytest.mark.parametrize(
    ("changes", "alert", "held"),
    [
        ({}, {}, True),
        ({"rule": "scan", "kind": "kind"}, {}, True),
        ({"rule": "flood"}, {}, False),
        ({"kind": "other"}, {}, False),
        ({"source": "10.0.1.0/24"}, {}, False),
        ({"source": "2001:db8::/32"}, {}, False),
        ({"target": "10.0.0.9"}, {}, True),
        ({"target": "10.0.0.9"}, {"target": ""}, False),
        ({"domain": "edu"}, {}, False),
        ({"domain": "edu"}, {"domain": "edu"}, True),
        ({"lane": "drill"}, {}, False),
        ({}, {"severity": 4}, False),
        ({"severity": 5}, {"severity": 4}, True),
        ({"stage": 1}, {"rule": "guess"}, False),
        ({}, {"importance": 4, "unit": "edu"}, False),
        ({}, {"at": -1}, False),
        ({}, {"at": 86399}, True),
        ({}, {"at": 86400}, False),
        ({"lifted": START + times.HOUR}, {"at": 3600}, False),
        ({"lifted": START + times.HOUR}, {"at": 3599}, True),
    ],
)
def test_what_a_mute_holds_for(make: Any, changes: Any, alert: Any, held: bool) -> None:
    document = make(1, "10.0.0.5", alert.pop("target", "10.0.0.9"), **alert)
    mute = msgspec.structs.replace(MUTE, **changes)
    assert mutes.holds(mute, members.of(document)) is held
    assert mutes.mute_of(members.of(document), [mute]) == (mute if held else None)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"reason": " "}, "bad_text"),
        ({"expires": START}, "mute_too_long"),
        ({"expires": START + 31 * times.DAY}, "mute_too_long"),
        ({"source": ""}, "mute_of_everything"),
        ({"source": "10.0.0.5/24"}, "no_address"),
        ({"target": "somewhere"}, "no_address"),
    ],
)
def test_what_is_no_mute(changes: Any, code: str) -> None:
    with pytest.raises(Unfit) as caught:
        mutes.checked(msgspec.structs.replace(MUTE, **changes))
    assert caught.value.code == code


def test_prefixes_are_written_in_one_way() -> None:
    mute = msgspec.structs.replace(MUTE, source="2001:DB8::/32", target="10.0.0.9/32")
    assert (mutes.checked(mute).source, mutes.checked(mute).target) == ("2001:db8::/32", "10.0.0.9")


def test_a_mute_is_lifted_once() -> None:
    over = mutes.lifted(MUTE, "wang", START + 5)
    assert (over.until, over.lifted_by, MUTE.until) == (START + 5, "wang", MUTE.expires)
    with pytest.raises(Unfit, match="lifted_already"):
        mutes.lifted(over, "wang", START + 6)


def test_every_mute_counts_however_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutes, "_PAGE", 2)
    file = DocFile(tmp_path)
    with file.writing() as writing:
        for n in range(5):
            writing.put(mutes.FORM.doc(str(n), msgspec.structs.replace(MUTE, id=str(n))), ABSENT)
    assert [m.id for m in mutes.active(file)] == ["0", "1", "2", "3", "4"]
