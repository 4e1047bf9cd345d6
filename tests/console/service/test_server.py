from __future__ import annotations

import stat
from typing import Any

import pytest

from citywall.errors import Refused, StreamError
from citywall.permissions import Identity
from console.caller import Office
from console.service import protocol
from console.service.client import Session
from console.service.protocol import Call, Done, Line, Say
from console.service.server import Server, Sessions


@pytest.fixture
def server(office: Office) -> Any:
    with Server(office) as made:
        yield made


def test_its_rights_are_its_owners_and_it_goes_with_the_service(office: Office):
    path = office.data / protocol.NAME
    path.touch()  # left by one that was killed
    with Server(office):
        assert stat.S_ISSOCK(path.stat().st_mode)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


def test_sessions_end_when_they_are_not_used():
    now = [0.0]
    sessions = Sessions(1, lambda: now[0])
    li = Identity("li", ("analyst",))
    token = sessions.begin(li)
    now[0] = 50
    assert sessions.get(token) == li
    now[0] = 100
    assert sessions.get(token) == li
    now[0] = 170
    assert sessions.get(token) is None
    other = sessions.begin(li)
    sessions.end(other)
    assert sessions.get(other) is None
    assert sessions.get("") is None


def test_somebody_logs_in_and_runs_commands(server: Server, office: Office, word: str):
    session = Session(office.data)
    with pytest.raises(Refused, match="login"):
        session.log_in("li", "wrong")
    assert session.log_in("li", word).roles == ("analyst",)
    code, said, _ = session.run("mutes", "add", "--as", "li", "--reason", "known scanner", "--source",
                                "10.0.0.9", "--days", "3", "--json")  # fmt: skip
    assert (code, '"10.0.0.9"' in said) == (0, True)
    code, _, complaint = session.run("warnings", "list", "--as", "wang")
    assert (code, "password" in complaint) == (2, True)  # the token is li's
    session.log_out()
    assert session.run("cases", "make")[0] == 0
    assert session.run("cases", "list", "--as", "li")[0] == 2


def test_what_it_does_not_run(server: Server, office: Office, word: str):
    session = Session(office.data)
    session.log_in("li", word)
    for argv in (["run", "x.pcap"], ["accounts", "init", "eve"], ["cases", "list"], ["up"], ["settings"]):
        code, _, complaint = session.run("--lang", "en", *argv)
        assert (code, "does not run this" in complaint) == (2, True), argv


def test_its_own_data_and_settings_whatever_is_asked_for(server: Server, office: Office, tmp_path: Any):
    code, _, complaint = Session(office.data).run(
        "cases", "make", "--data", str(tmp_path / "other"), "--config", str(tmp_path / "missing.toml")
    )
    assert (code, complaint) == (0, "")
    assert not (tmp_path / "other").exists()


def test_a_caller_who_leaves_or_talks_nonsense_harms_nobody(server: Server, office: Office):
    for data in (b"nonsense\n", b""):
        connection = protocol.connect(office.data)
        assert connection is not None
        connection.sendall(data)
        connection.close()
    leaving = protocol.connect(office.data)
    assert leaving is not None
    Line(leaving).send(Call(("cases", "make"), "/"))
    leaving.close()
    again = protocol.connect(office.data)
    assert again is not None
    with again:
        line = Line(again)
        line.send(Call(("cases", "make"), "/"))
        assert isinstance(line.reply(), Say)
        assert line.reply() == Done(0)


def test_nobody_is_there(office: Office):
    with pytest.raises(StreamError, match="does not run"):
        Session(office.data).run("cases", "make")
