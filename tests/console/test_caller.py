from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Any

from citywall.settings import Settings, load
from console import caller, options, signin
from console.caller import Caller, Office, accounts_of, current, serving
from console.terminal import Terminal


def test_a_command_speaks_to_its_caller_with_what_the_service_has(tmp_path: Path):
    settings = load(None, {}, ["language=zh"])
    accounts: Any = object()
    office = Office(tmp_path / "served", settings, accounts, accounts)
    out, err = io.StringIO(), io.StringIO()
    made = Caller(office, out, err, lambda prompt: f"{prompt}!", "socket, li@host", Path("/x"))
    assert current() is None
    with serving(made):
        look = Terminal("en")
        look.say("result")
        look.note("beside")
        assert (out.getvalue(), err.getvalue()) == ("result\n", "beside\n")
        assert options.load(None, ("language=en",)) is settings
        assert (signin.ask(look, "word"), signin.place()) == ("word!", "socket, li@host")
        with accounts_of(tmp_path / "elsewhere", Settings()) as found:
            assert found is accounts
        seen: list[Caller | None] = []
        other = threading.Thread(target=lambda: seen.append(caller.current()))
        other.start()
        other.join()
        assert seen == [None]
    assert current() is None
    with accounts_of(tmp_path / "elsewhere", Settings()) as found:
        assert found is not accounts
