from __future__ import annotations

from pathlib import Path
from typing import Any


def test_bad_use_is_said(invoke: Any, tmp_path: Path):
    done = invoke("sensor", "--capture", str(tmp_path / "x.pcap"), "--to", "local://", "--name", "gate")
    assert done.exit_code == 2
    assert "a sensor needs kafka://HOST:PORT" in done.stderr
    assert invoke("sensor", "--to", "kafka://a:1", "--name", "gate").exit_code == 2


def test_help_names_what_waits_for_it(invoke: Any):
    assert "citywall run sensor:NAME" in " ".join(invoke("sensor", "--help").output.split())
    assert "探针" in invoke("sensor", "--lang", "zh", "--help").output


def test_either_a_capture_or_an_interface(invoke: Any, tmp_path: Path):
    usual = ("--to", "kafka://127.0.0.1:9", "--name", "gate")
    capture = ("--capture", str(tmp_path / "x.pcap"))
    for given, said in (
        ((), "one of --capture and --interface"),
        ((*capture, "--interface", "lo"), "one of --capture and --interface"),
        ((*capture, "--seconds", "3"), "are for --interface"),
        ((*capture, "--packets", "3"), "are for --interface"),
        (("--interface", "lo", "--packets", "0"), "--packets"),
    ):
        done = invoke("sensor", *given, *usual)
        assert done.exit_code == 2, given
        assert said in done.stderr


def test_an_interface_that_is_not_there_is_said_before_anything_is_waited_for(invoke: Any):
    done = invoke("sensor", "--interface", "cwnone", "--to", "kafka://127.0.0.1:9", "--name", "gate")
    assert done.exit_code == 1
    assert "cwnone: " in done.stderr
