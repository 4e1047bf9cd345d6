"""The command as it is measured."""

from __future__ import annotations

from pathlib import Path

from bench.captures import Capture
from bench.ours import end_to_end
from bench.process import Usage
from citywall import __version__


def test_the_command_runs_into_a_new_folder_that_is_gone_afterwards(tmp_path, monkeypatch):
    folders = []

    def run(argv, **_):
        assert argv[3:5] == ["run", str(tmp_path / "c.pcap")]
        assert argv[-3:] == ["--json", "--set", "a.b=1"]
        folders.append(Path(argv[argv.index("--data") + 1]))
        assert folders[-1].is_dir()
        return Usage(1, 1, 1, "{}")

    monkeypatch.setattr(end_to_end.process, "run", run)
    end_to_end.run_command(Capture(tmp_path / "c.pcap", 1), "a.b=1")
    assert not folders[0].exists()


def test_it_is_measured_as_a_slope_of_whole_processes(tmp_path, monkeypatch):
    monkeypatch.setattr(end_to_end.process, "run", lambda *_, **__: Usage(1.0, 2.0, 3, ""))
    subject = end_to_end.OurRun()
    assert subject.version() == __version__
    assert subject.sizes(2_000_000) == (200_000, 2_000_000)
    assert subject.usage(Capture(tmp_path / "c.pcap", 1)).wall == 2.0
